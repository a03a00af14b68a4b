"""One document's requests: the newest wins, each is answered once, and calls are few."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.errors import Unreachable
from fim_lsp.schedule.request import Outcome
from tests.schedule.script import Script, Typist, shown
from tests.virtual import now, run


def test_a_burst_of_edits_is_one_call_made_after_the_last() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "rint(1)")
        typist = Typist(backend, debounce=0.2)
        for _ in range(30):
            typist.type("p")
            last = typist.ask()
            await asyncio.sleep(0.03)
        assert shown(await last) == "rint(1)"
        assert len(backend.calls) == 1
        assert backend.started == [pytest.approx(29 * 0.03 + 0.2)]
        assert [number for number, _ in typist.answers] == list(range(30))
        assert {answer.outcome for _, answer in typist.answers[:-1]} == {Outcome.SUPERSEDED}

    run(main())


def test_what_the_client_waited_by_itself_is_not_waited_again() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "x")
        typist = Typist(backend, debounce=0.2)
        typist.type("a")
        await asyncio.sleep(0.5)  # as Neovim does before it asks
        asked = now()
        await typist.ask()
        assert backend.started == [asked]

    run(main())


def test_a_request_by_key_waits_for_nothing() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "x")
        typist = Typist(backend, debounce=5)
        typist.type("a")
        waiting = typist.ask()
        await asyncio.sleep(0.01)
        answer = await typist.ask(explicit=True)
        assert shown(answer) == "x"
        assert backend.started == [0.01]
        assert (await waiting).outcome is Outcome.SUPERSEDED

    run(main())


def test_typing_what_a_running_call_says_keeps_it() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "hello(world)")
        typist = Typist(backend)
        typist.type("x")
        typist.ask()
        await asyncio.sleep(0.2)
        for character in "hel":
            typist.type(character)
            last = typist.ask()
            await asyncio.sleep(0.08)
        answer = await last
        assert (shown(answer), answer.outcome) == ("lo(world)", Outcome.REUSED_CALL)
        assert (len(backend.calls), backend.hung_up) == (1, 0)

    run(main())


def test_a_call_that_disagrees_is_hung_up_on() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "hello" if prompt.prefix.endswith("x") else "bye")
        typist = Typist(backend)
        typist.type("x")
        typist.ask()
        await asyncio.sleep(0.38)  # waited 0.1, then "hel" has arrived
        typist.type("j")
        last = typist.ask()
        await asyncio.sleep(0)
        assert backend.hung_up == 1
        assert shown(await last) == "bye"
        assert len(backend.calls) == 2

    run(main())


def test_text_that_arrives_later_and_disagrees_ends_the_call_too() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "hello there, this is long" if prompt.prefix.endswith("x") else "bye")
        typist = Typist(backend)
        typist.type("x")
        typist.ask()
        await asyncio.sleep(0.2)  # nothing has arrived
        typist.type("j")
        last = typist.ask()
        assert shown(await last) == "bye"
        assert backend.hung_up == 1
        assert backend.ended[0] - backend.started[0] < 0.27  # at its first character

    run(main())


def test_a_deletion_ends_the_call() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "abc")
        typist = Typist(backend)
        typist.type("xy")
        typist.ask()
        await asyncio.sleep(0.2)
        typist.erase()
        typist.ask()
        await asyncio.sleep(0)
        assert backend.hung_up == 1
        typist.scheduler.close()
        await asyncio.sleep(0)

    run(main())


def test_a_cancelled_request_hangs_up_within_50_ms() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "abc", first=5)
        typist = Typist(backend)
        typist.type("x")
        asked = typist.ask()
        await asyncio.sleep(0.3)
        asked.cancel()
        cancelled = now()
        await asyncio.sleep(0.05)
        assert backend.hung_up == 1
        assert backend.ended[0] - cancelled < 0.05

    run(main())


def test_a_cancelled_request_does_not_take_the_call_from_the_next() -> None:
    """VS Code cancels in the same moment in which it asks again."""

    async def main() -> None:
        backend = Script(lambda prompt: "hello")
        typist = Typist(backend)
        typist.type("x")
        first = typist.ask()
        await asyncio.sleep(0.2)
        first.cancel()
        typist.type("h")
        answer = await typist.ask()
        assert shown(answer) == "ello"
        assert len(backend.calls) == 1

    run(main())


def test_typed_through_is_answered_at_once_without_a_call() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "hello(world)")
        typist = Typist(backend)
        typist.type("x")
        assert shown(await typist.ask()) == "hello(world)"
        rest = "hello(world)"
        while len(rest) > 1:
            typist.type(rest[0])
            rest = rest[1:]
            asked = typist.ask()
            assert asked.done()
            assert shown(asked.result()) == rest
        assert len(backend.calls) == 1

    run(main())


def test_going_back_finds_the_older_answer() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "hello" if prompt.prefix.endswith("x") else "")
        typist = Typist(backend)
        typist.type("x")
        await typist.ask()
        typist.type("q")
        assert shown(await typist.ask()) is None
        typist.erase()
        assert shown(await typist.ask()) == "hello"
        typist.type("q")
        answer = typist.ask()
        assert answer.done()
        assert answer.result().outcome is Outcome.CACHE  # that nothing is to suggest is remembered too
        assert len(backend.calls) == 2

    run(main())


def test_an_excluded_file_never_reaches_a_back_end() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "secret")
        typist = Typist(backend)
        answer = await typist.ask(uri="file:///.env")
        assert (shown(answer), answer.outcome) == (None, Outcome.EXCLUDED)
        assert backend.calls == []

    run(main())


def test_trouble_is_an_empty_answer() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "x", fail=Unreachable("no route to script.example"))
        typist = Typist(backend)
        typist.type("x")
        answer = await typist.ask()
        assert (shown(answer), answer.outcome) == (None, Outcome.NO_BACKEND)
        assert [str(error) for error in typist.troubles] == ["no route to script.example"]

    run(main())


def test_a_fault_of_ours_is_an_empty_answer_too() -> None:
    async def main() -> None:
        def broken(prompt: object) -> str:
            raise ZeroDivisionError

        typist = Typist(Script(broken))
        typist.type("x")
        assert (await typist.ask()).outcome is Outcome.NO_BACKEND

    run(main())
