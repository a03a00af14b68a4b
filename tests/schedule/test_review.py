"""Cases that once went wrong: each request has its answer, and each answer is for what stands there."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.errors import BackendError, Paused, Unreachable
from fim_lsp.rate_limit.limiter import Limiter
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import BackendEvent, EventKind, Outcome
from tests.schedule.script import Script, Typist, a_chain, a_client, shown
from tests.schedule.test_circuit_breaker import ask, client, fail_until_it_rests
from tests.virtual import now, run


def chain(*backends: Script) -> FallbackChain:
    return a_chain(*map(client, backends))


def test_vs_code_cancels_and_edits_in_one_read_and_asks_again_later() -> None:
    """The cancel reaches the scheduler after the edit, and the next request 50 ms later."""

    async def main() -> None:
        backend = Script(lambda prompt: "foo(bar)")
        typist = Typist(backend, "x = ‸\n", debounce=0.0)
        asked = typist.ask()
        for character in "foo":
            await asyncio.sleep(0.08)
            typist.type(character)
            asked.cancel()
            await asyncio.sleep(0.05)
            asked = typist.ask()
        assert shown(await asked) == "(bar)"
        assert (len(backend.calls), backend.hung_up) == (1, 0)

    run(main())


def test_a_request_right_after_a_cancelled_one_that_still_waited() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok")
        typist = Typist(backend, debounce=0.2)
        typist.type("a")
        first = typist.ask()
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0.003)
        typist.type("b")
        assert shown(await asyncio.wait_for(typist.ask(), 5)) == "ok"

    run(main())


def test_a_block_is_not_cut_because_a_line_was_wanted_meanwhile() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "a = 1\n    b = compute(2)\n    return a", first=0.05, each=0.01)
        typist = Typist(backend, "def f():\n    ‸\n", debounce=0.0)
        typist.ask()
        await asyncio.sleep(0.2)
        typist.type("a = 1")
        first = shown(await typist.ask())
        assert first in {"\n    b = compute(2)", "\n    b = compute(2)\n    return a"}
        await asyncio.sleep(2)
        assert shown(await typist.ask()) == first  # identical text for an identical state

    run(main())


def test_a_probe_that_waits_for_the_quota_holds_up_nobody() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok", fail=Unreachable("refused"))
        one = client(backend)
        await fail_until_it_rests(one)
        backend.fail = None
        await asyncio.sleep(6)
        assert one.limiter is not None
        reserve, skip_reason = one.limiter.reserve, asyncio.Event()

        async def slow(**arguments: object) -> object:
            await skip_reason.wait()
            return await reserve(**arguments)  # type: ignore[arg-type]

        one.limiter.reserve = slow  # type: ignore[method-assign,assignment]
        for _ in range(3):
            with pytest.raises(Paused):
                await ask(one)
        skip_reason.set()
        await asyncio.sleep(1)
        assert await ask(one) == "ok"

    run(main())


def test_an_answer_without_end_is_one_call() -> None:
    async def main() -> None:
        async def endless(prompt: object) -> object:
            from fim_lsp.backends.backend import Chunk

            backend.calls.append(prompt)  # type: ignore[arg-type]
            while True:
                await asyncio.sleep(0.001)
                yield Chunk(text="x" * 10_000)

        backend = Script(lambda prompt: "")
        backend.stream = endless  # type: ignore[method-assign,assignment]
        typist = Typist(backend, debounce=0.0)
        answer = await asyncio.wait_for(typist.ask(), 30)
        assert len(backend.calls) == 1
        assert answer.suggestion is None or len(answer.suggestion.text) <= 50_000

    run(main())


def test_second_tries_count_against_the_quota() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "ok", fail=Unreachable("503"))
        limiter = Limiter(Limits(requests=5), identity="x", clock=now, jitter=lambda: 0.0)
        for _ in range(20):
            one = a_client(backend, limiter=limiter)
            with pytest.raises(BackendError):
                await ask(one)
        assert len(backend.calls) <= 5

    run(main())


def test_other_settings_hang_up_and_ask_anew() -> None:
    async def main() -> None:
        old, new = Script(lambda prompt: "old"), Script(lambda prompt: "new", host="new.example")
        typist = Typist(old, debounce=0.0)
        asked = typist.ask()
        await asyncio.sleep(0.1)
        typist.scheduler.apply_settings(chain(new), debounce=0.0, excluded=lambda _: False)
        assert shown(await asked) == "new"
        assert old.hung_up == 1

    run(main())


def test_a_file_that_is_excluded_while_its_call_waits_is_not_sent() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "x")
        typist = Typist(backend, debounce=0.2)
        typist.type("a")
        asked = typist.ask()
        typist.scheduler.apply_settings(chain(backend), debounce=0.2, excluded=lambda _: True)
        assert (await asked).outcome is Outcome.EXCLUDED
        await asyncio.sleep(1)
        assert backend.calls == []

    run(main())


def test_a_deletion_elsewhere_says_nothing_about_here() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "x")
        typist = Typist(backend, "one two\n‸\nthree", debounce=0.0)
        typist.erase()
        assert (await typist.ask()).outcome is Outcome.DELETION
        typist.before, typist.after = "one two\nth", "ree"
        assert (await typist.ask()).outcome is not Outcome.DELETION
        typist.before, typist.after = "one two", "\nthree"
        assert (await typist.ask(explicit=True)).outcome is Outcome.CALL

    run(main())


def test_who_asks_by_a_key_is_not_told_that_nothing_is_known() -> None:
    async def main() -> None:
        answers = iter(["", "here"])
        backend = Script(lambda prompt: next(answers))
        typist = Typist(backend, debounce=0.0)
        assert (await typist.ask()).outcome is Outcome.EMPTY
        assert (await typist.ask()).outcome is Outcome.CACHE
        assert shown(await typist.ask(explicit=True)) == "here"

    run(main())


def test_trouble_is_news_again_after_an_answer_that_we_ended() -> None:
    async def main() -> None:
        events: list[BackendEvent] = []
        backend = Script(lambda prompt: "one\ntwo\nthree", each=0.2)
        typist = Typist(backend, "a = ‸ + b", debounce=0.0)
        typist.scheduler.apply_settings(
            a_chain(client(backend), on_event=events.append),
            debounce=0.0,
            excluded=lambda _: False,
        )
        assert shown(await typist.ask()) == "one"
        await asyncio.sleep(1)  # it runs on for a moment
        assert [(event.backend.name, event.kind) for event in events] == [("script", EventKind.ANSWERED)]

    run(main())
