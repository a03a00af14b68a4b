"""A back end that has been quick takes longer, or its connection has died: requests are answered all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

import pytest

from fim_lsp.backends.backend import Chunk, OnSent, ignore_sent
from fim_lsp.errors import Paused, Rejected, Unreachable
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.schedule.backend_client import BackendClient
from fim_lsp.schedule.circuit_breaker import State
from fim_lsp.schedule.overdue import LateAnswer, Overdue
from fim_lsp.schedule.request import Outcome
from fim_lsp.schedule.scheduler import Scheduler
from fim_lsp.settings.schema import Settings
from tests.schedule.script import Script, Typist, a_chain, a_client, a_snapshot, shown, text_of
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")

QUICK, FOREVER = 0.38, 1000.0
SILENCE = 4 * QUICK + 0.04  # a character takes 0.01 s


@dataclass
class Moody(Script):
    """Takes as long as ``delays`` say for the next calls, then ``first`` seconds."""

    delays: list[float] = field(default_factory=list)
    asked: int = 0

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        self.asked += 1
        if self.delays:
            await asyncio.sleep(self.delays.pop(0) - self.first)
        async for chunk in super().stream(prompt, on_sent=on_sent):
            yield chunk


class Desk:
    """A back end that has answered quickly once, and a typist who has got that answer."""

    def __init__(self, *, fallback: str | None = "", timeout: float = 10.0) -> None:
        self.backend = Moody(lambda prompt: "ok", first=QUICK)
        self.typist = Typist(self.backend, debounce=0.0)
        self.clients = [a_client(self.backend)]
        if fallback is not None:
            text = fallback
            self.clients.append(a_client(Script(lambda prompt: text, host="", name="ngram", first=0.001)))
        chain = a_chain(*self.clients, settings=Settings(timeout=timeout))
        self.typist.scheduler = Scheduler(chain, debounce=0.0, excluded=lambda _: False, clock=now)

    async def begin(self, *delays: float) -> None:
        self.typist.type("a")
        assert shown(await self.typist.ask()) == "ok"
        self.backend.delays = list(delays)
        self.backend.asked = 0
        self.typist.type("b")
        self.began = now()

    @property
    def seconds(self) -> float:
        return now() - self.began

    async def close(self) -> None:
        self.typist.scheduler.close()
        for client in self.clients:
            await client.breaker.close()


@pytest.mark.parametrize("fallback", ["", None])
@pytest.mark.parametrize(("seconds", "calls"), [(0.5, 1), (1, 1), (2, 1), (5, 2)])
async def test_a_slow_answer_is_shown_when_it_comes(fallback: str | None, seconds: float, calls: int) -> None:
    desk = Desk(fallback=fallback)
    await desk.begin(seconds, FOREVER)
    asked = desk.typist.ask()
    assert shown(await asked) == "ok"
    assert desk.seconds == pytest.approx(seconds, abs=0.05)
    assert desk.backend.asked == calls
    assert desk.clients[0].breaker.state is State.CLOSED
    desk.backend.delays = []
    await asyncio.sleep(1)
    assert desk.clients[0].breaker.probes.is_idle
    await desk.close()


async def test_a_connection_that_has_died_is_replaced_by_another_one() -> None:
    desk = Desk()
    await desk.begin(FOREVER, QUICK)
    assert shown(await desk.typist.ask()) == "ok"
    assert desk.seconds == pytest.approx(2 * SILENCE + QUICK, abs=0.1)
    assert desk.backend.asked == 2
    await asyncio.sleep(0.1)
    assert desk.clients[0].breaker.probes.is_idle  # the first has been hung up on
    await desk.close()


async def test_text_of_a_fallback_is_shown_as_soon_as_the_silence_is_noticed() -> None:
    desk = Desk(fallback="other")
    await desk.begin(2, FOREVER)
    result = await desk.typist.ask()
    assert (shown(result), result.outcome, result.backend) == ("other", Outcome.FALLBACK, "ngram")
    assert desk.seconds == pytest.approx(SILENCE, abs=0.1)
    await asyncio.sleep(2)
    assert desk.clients[0].breaker.state is State.CLOSED
    assert desk.backend.asked == 1
    await desk.close()


async def test_a_dead_host_is_given_up_after_the_timeout() -> None:
    desk = Desk(timeout=5.0)
    await desk.begin(FOREVER, FOREVER)
    assert (await desk.typist.ask()).outcome is Outcome.NO_BACKEND
    assert desk.seconds == pytest.approx(5.0)
    assert desk.backend.asked == 2
    await desk.close()


@pytest.mark.parametrize("after", [0.5, SILENCE + 0.1, SILENCE + 0.4, SILENCE + 0.6, 3.0])
@pytest.mark.parametrize("seconds", [2.0, 3.0])
async def test_whoever_types_on_has_an_answer_too(after: float, seconds: float) -> None:
    """In Helix, nobody asks again after the last key."""
    desk = Desk()
    await desk.begin(seconds, seconds, seconds, seconds)
    desk.typist.ask()
    await asyncio.sleep(after)
    desk.typist.type("c")
    assert shown(await desk.typist.ask()) == "ok"
    assert desk.seconds < max(after, seconds) + 2 * seconds
    await desk.close()


async def test_who_asks_between_two_probes_is_answered_by_the_next() -> None:
    desk = Desk()
    await desk.begin(FOREVER, FOREVER, QUICK)
    desk.typist.ask()
    await asyncio.sleep(SILENCE + 0.1)
    desk.typist.type("c")
    desk.typist.ask()
    await asyncio.sleep(0.5)
    desk.typist.type("d")
    assert shown(await desk.typist.ask()) == "ok"
    assert desk.seconds < SILENCE + 0.1 + 1.0 + QUICK + 0.1
    assert desk.backend.asked == 3
    await desk.close()


async def test_nothing_is_sent_while_nobody_waits() -> None:
    desk = Desk()
    await desk.begin(FOREVER, FOREVER, FOREVER)
    desk.typist.ask()
    await asyncio.sleep(SILENCE + 0.1)
    desk.typist.scheduler.closed("file:///a.py")
    await asyncio.sleep(30)
    assert desk.backend.asked == 1
    await desk.close()


async def test_a_change_of_settings_makes_another_call_for_who_waits() -> None:
    desk = Desk()
    await desk.begin(FOREVER, QUICK)
    asked = desk.typist.ask()
    await asyncio.sleep(SILENCE + 0.2)
    scheduler, breaker = desk.typist.scheduler, desk.clients[0].breaker
    breaker.probe_now()
    scheduler.apply_settings(scheduler._chain, debounce=0.0, excluded=lambda _: False)
    assert shown(await asked) == "ok"
    assert desk.seconds == pytest.approx(SILENCE + 0.2 + QUICK, abs=0.1)
    await desk.close()


@pytest.mark.parametrize("end", ["close", "cancel", "off"])
async def test_who_goes_while_an_answer_is_overdue_leaves_nothing_behind(end: str) -> None:
    silence: list[Outcome] = []
    desk = Desk()
    desk.typist.scheduler._silence = lambda _: silence[0] if silence else None
    await desk.begin(3.0)
    asked = desk.typist.ask()
    await asyncio.sleep(SILENCE + 0.2)
    if end == "close":
        desk.typist.scheduler.closed("file:///a.py")
    elif end == "cancel":
        asked.cancel()
    else:
        silence.append(Outcome.SNOOZED)
        desk.typist.scheduler.silence_changed()
    await asyncio.wait([asked])
    assert asked.cancelled() or asked.result().suggestion is None
    await asyncio.sleep(10)
    breaker = desk.clients[0].breaker
    assert (breaker.state, breaker.probes.is_idle, desk.backend.asked) == (State.CLOSED, True, 1)
    assert len(desk.backend.started) == len(desk.backend.ended)
    await desk.close()


async def test_a_timer_that_is_early_by_a_rounding_error_does_no_harm() -> None:
    for number in range(200):
        await asyncio.sleep(number / 7 + 0.1)
        desk = Desk()
        desk.backend.first = QUICK + number / 999
        await desk.begin(FOREVER, 0.5)
        assert shown(await desk.typist.ask()) == "ok"
        await desk.close()


async def overdue(client: BackendClient, settings: Settings, wanted: Callable[[], bool]) -> LateAnswer:
    """Of a call that is not answered in time."""
    with pytest.raises(Overdue) as caught:
        async for _chunk in client.stream(a_snapshot(), settings, lambda _error: None, wanted):
            pass
    return caught.value.answer


async def read(answer: LateAnswer) -> str:
    return "".join([chunk.text async for chunk in answer.read()])


async def test_a_second_call_is_not_made_for_somebody_who_has_gone() -> None:
    client = a_client(backend := Moody(lambda prompt: "ok", first=QUICK))
    assert await text_of(client) == "ok"
    backend.delays, is_wanted = [FOREVER], [True]
    answer = await overdue(client, Settings(timeout=10), lambda: bool(is_wanted))
    is_wanted.clear()
    with pytest.raises(Paused):
        await read(answer)
    assert backend.asked == 2
    await client.breaker.close()


async def test_an_overdue_call_that_fails_says_why_at_once() -> None:
    client = a_client(backend := Moody(lambda prompt: "ok", first=QUICK))
    assert await text_of(client) == "ok"
    backend.delays, backend.fail = [3.0], Rejected("400")
    answer, began = await overdue(client, Settings(timeout=10), lambda: True), now()
    with pytest.raises(Rejected, match="400"):
        await read(answer)
    assert now() - began < 3
    await client.breaker.close()


@pytest.mark.parametrize(("first", "wanted"), [(0.25, True), (4.0, True), (0.25, False)])
async def test_who_waits_while_a_silent_server_rests_asks_it_as_soon_as_that_is_allowed(
    first: float, wanted: bool
) -> None:
    client = a_client(backend := Script(lambda prompt: "ok", fail=Unreachable("silent", timed_out=True)))
    while client.breaker.state is State.CLOSED:
        with pytest.raises(Unreachable):
            await text_of(client)
    backend.fail, backend.first = None, first
    calls, is_wanted = len(backend.calls), [True]
    answer = await overdue(client, Settings(timeout=10), lambda: bool(is_wanted))
    if wanted:
        assert await read(answer) == "ok"
    else:
        is_wanted.clear()
        with pytest.raises(Paused):
            await read(answer)
    assert len(backend.calls) == calls + wanted
    await client.breaker.close()
