"""Simulates twelve minutes of typing against a server that enforces 60,000 tokens and 500 requests a minute."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from fim_lsp.rate_limit.limiter import Limiter, Permit
from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import Limits
from tests.rate_limit.fakes import MemoryStore, no_jitter
from tests.virtual import now, run

PROMPT, TYPICAL_OUTPUT = 1200, 48
MINUTES = 12
LIMITS = Limits(requests=500, tokens=60_000)


class Server:
    """The strictest reading: the prompt is debited on arrival and must fit, the answer when it is written."""

    def __init__(self) -> None:
        self.refusals = 0
        self._debits: deque[tuple[float, int, int]] = deque()

    async def call(self, prompt: int, output: int) -> int | None:
        """Tokens charged, or none for a 429."""
        while self._debits and self._debits[0][0] <= now() - 60:
            self._debits.popleft()
        used = sum(tokens for _, tokens, _ in self._debits)
        if used + prompt > 60_000 or sum(requests for *_, requests in self._debits) >= 500:
            self.refusals += 1
            return None
        self._debits.append((now(), prompt, 1))
        await asyncio.sleep(0.25 + 0.015 * output)
        self._debits.append((now(), output, 0))
        return prompt + output


@dataclass(slots=True)
class Typing:
    """What became of the wanted calls."""

    server: Server = field(default_factory=Server)
    wanted: int = 0
    served: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    @property
    def longest_gap(self) -> float:
        return max(later - earlier for earlier, later in zip(self.served, self.served[1:], strict=False))


async def type_on(
    typing: Typing,
    gap: Callable[[], float],
    debounce: float,
    chance: random.Random,
    shared: SharedCounter | None = None,
) -> None:
    limiter = Limiter(LIMITS, identity="us", shared=shared, clock=now, jitter=no_jitter)
    calls: set[asyncio.Task[None]] = set()

    async def call(share: float) -> None:
        outcome = await limiter.reserve(prompt=int(PROMPT * share), output=TYPICAL_OUTPUT)
        if not isinstance(outcome, Permit):
            return
        charged = await typing.server.call(int(PROMPT * share * chance.uniform(0.8, 1.1)), chance.randint(5, 80))
        if charged is None:
            outcome.rate_limited(None)
            return
        outcome.settle(charged)
        typing.served.append(now())
        typing.shares.append(share)

    while now() < MINUTES * 60:
        pause = gap()
        wait = debounce * limiter.debounce_factor(prompt=PROMPT, output=TYPICAL_OUTPUT)
        typing.wanted += pause >= debounce
        if pause < wait:
            await asyncio.sleep(pause)
            continue
        await asyncio.sleep(wait)
        task = asyncio.ensure_future(call(limiter.choose_prompt_share(prompt=PROMPT, output=TYPICAL_OUTPUT)))
        calls.add(task)
        task.add_done_callback(calls.discard)
        await asyncio.sleep(pause - wait)
    await asyncio.gather(*calls)


def typed(gap: Callable[[random.Random], float], *, debounce: float) -> Typing:
    typing, chance = Typing(), random.Random(15)
    run(type_on(typing, lambda: gap(chance), debounce, chance))
    return typing


def test_fifty_calls_a_minute_continue_without_a_stop() -> None:
    typing = typed(lambda chance: 60 / 51 * chance.uniform(0.5, 1.5), debounce=0.05)
    assert typing.server.refusals == 0
    assert len(typing.served) >= 0.97 * typing.wanted
    assert sum(typing.shares) / len(typing.shares) >= 0.7
    assert typing.longest_gap < 5


def test_a_fast_typist_is_slowed_evenly() -> None:
    """Edits at 170 a minute, every one of which wants a call: 58,000 tokens a minute even with the smallest prompt."""
    typing = typed(lambda chance: 60 / 170 * chance.uniform(0.5, 1.5), debounce=0.0)
    assert typing.server.refusals <= 2
    assert len(typing.served) >= 0.75 * typing.wanted
    assert typing.longest_gap < 5


def test_realistic_gaps_between_keys_with_a_debounce() -> None:
    typing = typed(lambda chance: chance.lognormvariate(-1.4, 0.8), debounce=0.15)
    assert typing.server.refusals <= 2
    assert len(typing.served) >= 0.85 * typing.wanted
    assert typing.longest_gap < 10


@pytest.mark.parametrize("processes", [2, 4])
def test_several_processes_with_one_store_share_evenly(processes: int) -> None:
    """Each wants 51 calls a minute, which is more than the limits even for one."""
    typings = [Typing() for _ in range(processes)]
    for typing in typings:
        typing.server = typings[0].server

    async def main() -> None:
        store = MemoryStore()
        chances = [random.Random(seed) for seed in range(processes)]
        typists = (
            type_on(
                typing,
                lambda chance=chance: 60 / 51 * chance.uniform(0.5, 1.5),
                0.05,
                chance,
                SharedCounter(store, report=lambda _: None, clock=now),
            )
            for typing, chance in zip(typings, chances, strict=True)
        )
        await asyncio.gather(*typists)

    run(main())
    served = [len(typing.served) for typing in typings]
    assert typings[0].server.refusals <= 2
    assert min(served) >= 0.8 * max(served)
    assert sum(served) >= 12 * 100
    assert max(typing.longest_gap for typing in typings) < 20


def test_a_short_burst_after_a_rest_costs_nothing() -> None:
    chance = random.Random(1)
    typing = Typing()
    gaps = iter([60 / 170] * 30 + [MINUTES * 60.0])
    run(type_on(typing, lambda: next(gaps), 0.0, chance))
    assert len(typing.served) == typing.wanted
    assert sum(typing.shares) / len(typing.shares) > 0.9
