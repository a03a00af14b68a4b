"""Back ends in trouble: few calls, one probe, and the stand-in answers meanwhile. In virtual time."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.backends.backend import Backend
from fim_lsp.errors import (
    BackendError,
    Intercepted,
    Overloaded,
    Paused,
    RateLimited,
    Rejected,
    Unauthorized,
    UnknownModel,
    Unreachable,
)
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.schedule.backend_client import BackendClient
from fim_lsp.schedule.circuit_breaker import (
    MAX_FAILURES,
    PROBE_INTERVAL,
    REJECTED_INTERVALS,
    Admission,
    State,
)
from fim_lsp.schedule.request import BackendEvent, EventKind, Outcome, Snapshot
from fim_lsp.settings.schema import Settings
from tests.marked import split
from tests.schedule.script import Script, Typist, a_chain, a_client, shown
from tests.virtual import now, run


def client(backend: Backend, *, limits: Limits | None = None) -> BackendClient:
    return a_client(backend, limits=limits or Limits())


def snapshot(text: str = "x‸", *, explicit: bool = False) -> Snapshot:
    return Snapshot(uri="u", language="python", path="", split=split(text), explicit=explicit)


async def ask(one: BackendClient, *, explicit: bool = False) -> str:
    return "".join(
        [chunk.text async for chunk in one.stream(snapshot(explicit=explicit), Settings(), lambda _error: None)]
    )


async def fail_until_it_rests(one: BackendClient) -> None:
    for _ in range(MAX_FAILURES):
        with pytest.raises(Unreachable):
            await ask(one)


def test_one_second_try_and_only_before_the_first_byte() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok", fail=Overloaded("503"))
        with pytest.raises(Overloaded):
            await ask(client(backend))
        assert len(backend.calls) == 2

        async def breaks_off(prompt: object) -> object:
            yield_one = Script(lambda _: "abc")
            async for chunk in yield_one.stream(prompt):  # type: ignore[arg-type]
                backend.calls.append(prompt)  # type: ignore[arg-type]
                yield chunk
                raise Unreachable("gone")

        backend.calls.clear()
        backend.stream = breaks_off  # type: ignore[method-assign,assignment]
        with pytest.raises(Unreachable):
            await ask(client(backend))
        assert len(backend.calls) == 1

    run(main())


@pytest.mark.parametrize("error", [Rejected("400"), RateLimited("429"), Unauthorized("401")])
def test_no_second_try_where_it_would_not_help(error: BackendError) -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok", fail=error)
        with pytest.raises(type(error)):
            await ask(client(backend))
        assert len(backend.calls) == 1

    run(main())


def test_a_second_try_that_nobody_waits_for_is_not_made() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "x", fail=Overloaded("503"))
        typist = Typist(backend, debounce=0.0)
        typist.type("a")
        asked = typist.ask()
        await asyncio.sleep(0.3)  # the first try has failed
        asked.cancel()
        await asyncio.sleep(2)
        assert len(backend.calls) == 1

    run(main())


def test_repeated_failures_open_the_circuit_and_a_probe_closes_it() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok", fail=Unreachable("refused"))
        one = client(backend)
        await fail_until_it_rests(one)
        made = len(backend.calls)
        for _ in range(20):
            with pytest.raises(Paused):
                await ask(one)
        assert len(backend.calls) == made
        await asyncio.sleep(PROBE_INTERVAL)
        with pytest.raises(Unreachable):
            await ask(one)
        assert len(backend.calls) == made + 1  # a probe has no second try
        with pytest.raises(Paused):
            await ask(one)
        backend.fail = None
        await asyncio.sleep(PROBE_INTERVAL)
        probe, other = asyncio.create_task(ask(one)), asyncio.create_task(ask(one))
        with pytest.raises(Paused):
            await other  # one probe at a time
        assert await probe == "ok"
        assert await ask(one) == "ok"

    run(main())


def test_a_probe_that_is_hung_up_on_still_finds_out() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok", fail=Unreachable("refused"))
        one = client(backend)
        await fail_until_it_rests(one)
        backend.fail = None
        await asyncio.sleep(PROBE_INTERVAL)
        made = len(backend.calls)
        probe = asyncio.create_task(ask(one))
        await asyncio.sleep(0.01)
        probe.cancel()
        await asyncio.wait([probe])
        await asyncio.sleep(0.3)
        assert one.breaker.state is State.CLOSED
        assert (len(backend.calls), backend.hung_up) == (made + 1, 1)

    run(main())


def test_a_query_changes_nothing() -> None:
    async def main() -> None:
        one = client(Script(lambda prompt: "ok", fail=Unreachable("refused")))
        await fail_until_it_rests(one)
        await asyncio.sleep(PROBE_INTERVAL)
        breaker = one.breaker
        queries = [
            (breaker.state, breaker.before_call(), breaker.reason, breaker.max_silence, breaker.probe_wait)
            for _ in range(3)
        ]
        assert len(set(queries)) == 1
        assert queries[0][:2] == (State.OPEN, Admission.PROBE)

    run(main())


@pytest.mark.parametrize("error", [Unauthorized("401"), UnknownModel("404")])
def test_a_key_or_model_that_never_worked_is_probed_slowly_but_comes_back(error: BackendError) -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok", fail=error)
        one = client(backend)
        end = now() + 3600
        while now() < end:
            with pytest.raises((type(error), Paused)):
                await ask(one)
            await asyncio.sleep(1)
        assert len(backend.calls) < 10
        backend.fail = None
        await asyncio.sleep(REJECTED_INTERVALS[1])
        assert await ask(one) == "ok"

    run(main())


@pytest.mark.parametrize("error", [Unauthorized("401"), UnknownModel("404")])
@pytest.mark.parametrize("mends", ["the user asks", "settings are saved"])
def test_a_refused_key_or_model_is_tried_at_once_when_there_is_reason_to(error: BackendError, mends: str) -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok", fail=error)
        one = client(backend)
        for _ in range(5):
            with pytest.raises((type(error), Paused)):
                await ask(one)
            await asyncio.sleep(2)
        assert len(backend.calls) == 1
        backend.fail = None
        if mends == "settings are saved":
            one.breaker.probe_now()
        assert await ask(one, explicit=mends == "the user asks") == "ok"
        assert await ask(one) == "ok"

    run(main())


@pytest.mark.parametrize("error", [Unauthorized("401"), UnknownModel("404"), Intercepted("a page")])
def test_a_refusal_of_what_worked_is_an_outage(error: BackendError) -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok")
        one = client(backend)
        assert await ask(one) == "ok"
        backend.fail = error
        for _ in range(60):
            with pytest.raises((type(error), Paused)):
                await ask(one)
            await asyncio.sleep(1)
        backend.fail = None
        await asyncio.sleep(1)
        assert await ask(one) == "ok"

    run(main())


def test_after_a_429_nothing_is_sent_until_the_servers_time() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok", fail=RateLimited("slow down", retry_after=30))
        one = client(backend)
        with pytest.raises(RateLimited):
            await ask(one)
        for _ in range(28):
            await asyncio.sleep(1)
            with pytest.raises(Paused):
                await ask(one)
        assert len(backend.calls) == 1
        backend.fail = None
        await asyncio.sleep(3)
        assert await ask(one) == "ok"

    run(main())


def test_the_stand_in_answers_meanwhile_and_its_answers_are_not_kept_for_long() -> None:
    async def main() -> None:
        first = Script(lambda prompt: "from the first", fail=Unreachable("refused"))
        second = Script(lambda prompt: "from the second", host="", first=0.001, each=0.0)
        typist = Typist(first, debounce=0.0)
        events: list[BackendEvent] = []
        typist.scheduler.apply_settings(
            a_chain(client(first), client(second), on_event=events.append),
            debounce=0.0,
            excluded=lambda _: False,
        )
        for character in "abcdeg":
            typist.type(character)
            answer = await typist.ask()
            assert (shown(answer), answer.outcome) == ("from the second", Outcome.FALLBACK)
        assert len(first.calls) == 2 * MAX_FAILURES  # then it rests
        assert sum(event.kind is EventKind.FAILED and event.backend is first for event in events) == MAX_FAILURES
        first.fail = None
        await asyncio.sleep(30)
        answer = await typist.ask()
        assert (shown(answer), answer.outcome) == ("from the first", Outcome.CALL)

    run(main())
