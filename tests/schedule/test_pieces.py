"""One call, several suggestions: what the model wrote beyond what is shown comes from memory after an accept."""

from __future__ import annotations

import asyncio

from fim_lsp.schedule.request import Outcome
from tests.schedule.script import Script, Typist, shown
from tests.virtual import run


def test_after_an_accept_the_next_piece_is_known() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "one()\ntwo()\nthree()\n", each=0.001)
        typist = Typist(backend, "x = ‸\n", multiline="never")
        first = await typist.ask()
        assert shown(first) == "one()"
        await asyncio.sleep(1)  # the call ends by itself
        typist.type("one()")
        second = typist.ask()
        assert second.done()
        assert (shown(second.result()), second.result().outcome) == ("\ntwo()", Outcome.CACHE)
        typist.type("\n")
        assert shown(await typist.ask()) == "two()"
        typist.type("two()")
        assert shown(await typist.ask()) == "\nthree()"
        assert len(backend.calls) == 1

    run(main())


def test_a_piece_that_has_not_arrived_whole_is_waited_for() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "one()\ntwo()\n", each=0.02)
        typist = Typist(backend, "x = ‸\n", multiline="never")
        assert shown(await typist.ask()) == "one()"
        typist.type("one()")
        second = typist.ask()
        assert not second.done()
        assert shown(await second) == "\ntwo()"
        assert len(backend.calls) == 1

    run(main())


def test_documents_with_crlf_are_typed_through_too() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "one()\n  two()", each=0.001)
        typist = Typist(backend, "a\r\n‸\r\n", multiline="always")
        assert shown(await typist.ask()) == "one()\r\n  two()"
        typist.type("one()\r\n")
        answer = typist.ask()
        assert answer.done()
        assert shown(answer.result()) == "  two()"

    run(main())


def test_an_answer_outlives_its_call() -> None:
    """The editor cancelled, but the call was nearly done: what it brought is found when the user comes back."""

    async def main() -> None:
        backend = Script(lambda prompt: "abc", each=0.001)
        typist = Typist(backend, debounce=0.0)
        typist.type("x")
        asked = typist.ask()
        await asyncio.sleep(0.24)
        asked.cancel()
        await asyncio.sleep(0.1)
        answer = typist.ask()
        assert answer.done()
        assert shown(answer.result()) == "abc"
        assert len(backend.calls) == 1

    run(main())


def test_typing_through_a_bracket_that_the_editor_pairs() -> None:
    """VS Code and Helix put the closing bracket behind the cursor: what was known still holds, without it."""

    async def main() -> None:
        backend = Script(lambda prompt: "nt(alpha, beta)", each=0.001)
        typist = Typist(backend, "pri‸\n")
        assert shown(await typist.ask()) == "nt(alpha, beta)"
        typist.type("nt")
        assert shown(await typist.ask()) == "(alpha, beta)"
        typist.pair("()")
        answer = typist.ask()
        assert answer.done()
        assert shown(answer.result()) == "alpha, beta"
        typist.type("al")
        assert shown(await typist.ask()) == "pha, beta"
        assert len(backend.calls) == 1

    run(main())


def test_a_running_call_survives_a_paired_bracket() -> None:
    async def main() -> None:
        backend = Script(lambda prompt: "(alpha, beta)")
        typist = Typist(backend, "print‸\n", debounce=0.0)
        typist.ask()
        await asyncio.sleep(0.1)
        typist.pair("()")
        assert shown(await typist.ask()) == "alpha, beta"
        assert len(backend.calls) == 1

    run(main())
