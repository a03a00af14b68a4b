"""Recorded typing, replayed against the real scheduler in virtual time: how many calls, how much right ghost text.

``python -m tests.quality.typing_eval`` prints the table. The model answers after 250 ms with 15 ms a token; at half of the
places it knows what was typed next. "Visible" counts ghost text that an editor keeps while the typing matches it; "right"
is ghost text that begins with what was typed next.
"""

from __future__ import annotations

import asyncio
import collections
import statistics
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from fim_lsp.backends.backend import Chunk, OnSent, Usage, ignore_sent
from fim_lsp.errors import RateLimited
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.rate_limit.limiter import Limiter
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.schedule.circuit_breaker import CircuitBreaker
from fim_lsp.schedule.learning import AcceptanceRates
from fim_lsp.schedule.request import Outcome, Snapshot
from fim_lsp.schedule.scheduler import Scheduler
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.fakes.backend import BackendDefaults
from tests.quality.recorded_typing import FIRST_TOKEN, PER_TOKEN, Model, Trace, load, tokens
from tests.schedule.script import a_chain, a_client
from tests.virtual import now, run

URI = "file:///trace"


@dataclass
class RateLimitedModel(BackendDefaults):
    """The model as a back end, with a quota if ``limits`` are given: 429 as soon as a sliding minute exceeds them."""

    knowledge: Model
    limits: Limits | None = None
    name: str = "codestral"
    host: str = "model.example"
    model: str = "m"
    calls: int = 0
    hung_up: int = 0
    refused: int = 0
    connections: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    _idle: int = 0
    _minute: collections.deque[tuple[float, int]] = field(default_factory=collections.deque)

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        self.calls += 1
        self._idle, new = max(0, self._idle - 1), self._idle == 0
        self.connections += new
        charged = (len(prompt.prefix) + len(prompt.suffix)) // 3
        self._take(charged)
        self.prompt_tokens += charged
        done = False
        generated = 0
        try:
            await asyncio.sleep(FIRST_TOKEN)
            for token in tokens(self.knowledge.complete(prompt.prefix)):
                await asyncio.sleep(PER_TOKEN)
                generated += 1
                yield Chunk(text=token)
            done = True
            self._idle += 1
            yield Chunk(finish="stop", usage=Usage(prompt_tokens=charged, completion_tokens=generated))
        finally:
            self.hung_up += not done
            self.completion_tokens += generated
            self._minute.append((now(), generated))

    async def close(self) -> None:
        return

    def _take(self, charged: int) -> None:
        while self._minute and self._minute[0][0] <= now() - 60:
            self._minute.popleft()
        if self.limits is not None:
            used = sum(entry for _, entry in self._minute)
            asked = sum(1 for _, entry in self._minute if entry > 100)
            if used + charged > (self.limits.tokens or 1e9) or asked + 1 > (self.limits.requests or 1e9):
                self.refused += 1
                raise RateLimited("the quota is used up", host=self.host)
        self._minute.append((now(), charged))


@dataclass(frozen=True, slots=True)
class Result:
    """Shares are of the edits; ``answered`` is the median time to an answer that a call brought, in seconds."""

    calls: float
    visible: float
    right: float
    answered: float
    connections: int
    hung_up: int
    refused: int
    prompt_tokens: int
    completion_tokens: int
    in_order: bool


async def replay(
    trace: Trace, *, limits: Limits | None = None, share: float = 0.5, rates: AcceptanceRates | None = None
) -> Result:
    """Type the trace as VS Code's client tells it: after each edit the request before is cancelled, and a new one made."""
    model = RateLimitedModel(trace.model(share), limits)
    limiter = Limiter(limits or Limits(), identity="trace", clock=now, jitter=lambda: 0.5)
    client = a_client(model, limiter=limiter, breaker=CircuitBreaker(now))
    scheduler = Scheduler(a_chain(client), debounce=None, excluded=lambda _: False, rates=rates, clock=now)
    document = Document(trace.text, Encoding.UTF16)
    shown: list[str] = [""] * len(trace.steps)
    answered: list[float] = []
    answers: list[int] = []
    futures: list[asyncio.Future[Any]] = []
    for number, step in enumerate(trace.steps):
        await asyncio.sleep(step.gap)
        edits = [
            document.replace((line, character), (end_line, end_character), text)
            for line, character, end_line, end_character, text in step.changes
        ]
        if edits:
            scheduler.edited(URI, edits)
        if futures and not futures[-1].done():
            futures[-1].cancel()
        split = document.split(*step.caret, before=24_000, after=24_000)
        asked = now()
        snapshot = Snapshot(uri=URI, language=trace.language, path="", split=split)
        future = scheduler.request(snapshot)
        futures.append(future)

        def note(done: asyncio.Future[Any], number: int = number, asked: float = asked) -> None:
            if done.cancelled():
                return
            answers.append(number)
            if number == len(futures) - 1 and (suggestion := done.result().suggestion):
                shown[number] = suggestion.text
                if done.result().outcome is Outcome.CALL:
                    answered.append(now() - asked)

        future.add_done_callback(note)
    await asyncio.sleep(5)
    scheduler.close()
    await asyncio.sleep(0)
    visible, right = trace.visible(shown)
    count = len(trace.steps)
    return Result(
        calls=model.calls / count,
        visible=visible / count,
        right=right / count,
        answered=statistics.median(answered or [0.0]),
        connections=model.connections,
        hung_up=model.hung_up,
        refused=model.refused,
        prompt_tokens=model.prompt_tokens,
        completion_tokens=model.completion_tokens,
        in_order=answers == sorted(set(answers)) and all(future.done() for future in futures),
    )


WINDOWS = [("rustcode", start, 300) for start in range(0, 2400, 300)] + [
    ("json-crdt-patch", 0, 300),
    ("json-crdt-patch", 300, 300),
]


def table() -> str:
    rows = [
        "| trace | calls/edit | visible | right | answer p50 | connections | hung up |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, start, count in WINDOWS:
        result: Result = run(replay(load(name, start, count)))
        rows.append(
            f"| {name} {start}–{start + count - 1} | {result.calls:.3f} | {result.visible:.0%} | {result.right:.0%} "
            f"| {result.answered * 1000:.0f} ms | {result.connections} | {result.hung_up} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
