"""Answers for which the editor does not wait any more, and calls that are left to the next request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from fim_lsp.backends.backend import Chunk, OnSent, ignore_sent
from fim_lsp.errors import BackendError
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.schedule.document_scheduler import LINGER, MAX_LATE
from fim_lsp.schedule.request import CompletionResult, Outcome
from tests.schedule.script import Script, Typist, shown
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")

LINE = "compute(1)"


def the_line() -> Script:
    """A model that completes :data:`LINE`, however much of it has been typed."""
    return Script(lambda prompt: LINE[len(prompt.prefix) :], first=0.5)


def withdraw(typist: Typist, asked: asyncio.Future[CompletionResult]) -> None:
    typist.scheduler.withdraw("file:///a.py", asked)


async def test_an_answer_comes_after_the_editor_has_stopped_waiting() -> None:
    backend = Script(lambda prompt: "ok", first=5)
    typist = Typist(backend)
    typist.type("x")
    asked = typist.ask()
    await asyncio.sleep(0.75)
    withdraw(typist, asked)
    assert shown(await asked) == "ok"
    assert now() > 5
    again = typist.ask()
    assert again.done()
    assert shown(again.result()) == "ok"
    assert (len(backend.calls), backend.hung_up) == (1, 0)


async def test_a_late_answer_does_not_count_as_shown() -> None:
    typist = Typist(Script(lambda prompt: "ok"))
    typist.type("x")
    asked = typist.ask()
    withdraw(typist, asked)
    assert (await asked).suggestion_number == 0
    assert (await typist.ask()).suggestion_number == 1


@pytest.mark.parametrize("wait", [0.01, 0.3])
async def test_a_withdrawn_request_ends_when_something_is_typed(wait: float) -> None:
    typist = Typist(the_line())
    typist.type("co")
    asked = typist.ask()
    await asyncio.sleep(wait)  # in the debounce, or in the call
    withdraw(typist, asked)
    typist.type("m")
    assert (await asked).outcome is Outcome.SUPERSEDED


async def test_nobody_waits_for_ever() -> None:
    backend = Script(lambda prompt: "ok", first=60)
    typist = Typist(backend, debounce=0.0)
    asked = typist.ask()
    await asyncio.sleep(0.5)
    withdraw(typist, asked)
    assert (await asked).outcome is Outcome.SUPERSEDED
    await asyncio.sleep(0)
    assert backend.ended == [pytest.approx(0.5 + MAX_LATE)]


@pytest.mark.parametrize("end", ["close", "off"])
async def test_closing_and_turning_off_end_a_withdrawn_request(end: str) -> None:
    silence: list[Outcome] = []
    backend = Script(lambda prompt: "ok", first=5)
    typist = Typist(backend, debounce=0.0, silence=lambda _: silence[0] if silence else None)
    asked = typist.ask()
    await asyncio.sleep(1)
    withdraw(typist, asked)
    if end == "close":
        typist.scheduler.close()
    else:
        silence.append(Outcome.SNOOZED)
        typist.scheduler.silence_changed()
    assert (await asked).outcome is {"close": Outcome.CLOSED, "off": Outcome.SNOOZED}[end]
    await asyncio.sleep(0)
    assert backend.hung_up == 1


async def test_a_withdrawn_request_makes_no_second_call() -> None:
    backend = Script(lambda prompt: "hello")
    typist = Typist(backend, debounce=0.0)
    first = typist.ask()
    await asyncio.sleep(0.1)
    typist.type("x")
    second = typist.ask()  # its text is not what the call says, as will turn out
    withdraw(typist, second)
    assert (await first).outcome is (await second).outcome is Outcome.SUPERSEDED
    assert len(backend.calls) == 1


async def test_a_cancelled_request_leaves_its_call_to_the_next_for_a_while() -> None:
    backend = Script(lambda prompt: "abc", first=5)
    typist = Typist(backend, debounce=0.0)
    asked = typist.ask()
    await asyncio.sleep(0.3)
    asked.cancel()
    cancelled = now()
    await asyncio.sleep(LINGER - 0.1)
    assert backend.hung_up == 0
    await asyncio.sleep(0.2)
    assert backend.hung_up == 1
    assert backend.ended[0] - cancelled == pytest.approx(LINGER)


@pytest.mark.parametrize("told", [True, False])
async def test_a_busy_machine_makes_one_call(told: bool) -> None:
    """Between a cancellation, the edit that caused it and the next request, anything may take its time."""
    backend = the_line()
    typist = Typist(backend, debounce=0.01)
    asked = typist.ask()
    for character in "comput":
        await asyncio.sleep(0.1)
        withdraw(typist, asked) if told else asked.cancel()
        await asyncio.sleep(0.2)
        typist.type(character)
        await asyncio.sleep(0.5)
        asked = typist.ask()
    assert shown(await asked) == "e(1)"
    assert (len(backend.calls), backend.hung_up) == (1, 0)


@pytest.mark.parametrize("told", [True, False])
async def test_a_call_that_is_not_made_yet_waits_for_the_request_after_an_edit(told: bool) -> None:
    """Otherwise it would be made for the text before the edit, and ended before the request that it could serve."""
    backend = the_line()
    typist = Typist(backend, debounce=0.01)
    typist.type("comput")
    asked = typist.ask()
    withdraw(typist, asked) if told else asked.cancel()
    typist.type("e")
    await asyncio.sleep(0.05)
    assert shown(await typist.ask()) == "(1)"
    assert [prompt.prefix for prompt in backend.calls] == ["compute"]


async def test_nothing_is_sent_for_somebody_who_has_gone() -> None:
    backend = Script(lambda prompt: "x")
    typist = Typist(backend, debounce=0.2)
    typist.type("a")
    typist.ask().cancel()
    await asyncio.sleep(1)
    assert backend.calls == []


class EndsWhenHungUpOn(Script):
    """Takes a hang-up for the end of its answer, or for a failure."""

    error: BackendError | None = None

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        try:
            async for chunk in super().stream(prompt, on_sent=on_sent):
                yield chunk
        except asyncio.CancelledError:
            if self.error is not None:
                raise self.error from None


@pytest.mark.parametrize("error", [None, BackendError("closed", invalidates_output=True)])
async def test_how_a_call_ends_after_a_hang_up_does_not_matter_to_the_next(error: BackendError | None) -> None:
    backend = EndsWhenHungUpOn(lambda prompt: "bye" if prompt.prefix.endswith("j") else "hello")
    backend.error = error
    typist = Typist(backend, debounce=0.0)
    first = typist.ask()
    await asyncio.sleep(0.28)  # something has come
    typist.type("j")
    second = typist.ask(explicit=True)
    assert (await first).outcome is Outcome.SUPERSEDED
    assert shown(await second) == "bye"
    typist.erase()
    assert shown(await typist.ask(explicit=True)) == "hello"  # nothing was taken for the whole answer
    assert len(backend.calls) == 3
