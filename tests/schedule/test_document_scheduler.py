"""One document's requests: the newest wins, each is answered once, and calls are few."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.errors import (
    Unreachable,
)
from fim_lsp.schedule.events import BackendEvent, EventKind
from fim_lsp.schedule.request import Outcome
from fim_lsp.settings.schema import Settings
from tests.schedule.script import Script, Typist, a_chain, limited, shown
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


async def test_a_burst_of_edits_is_one_call_made_after_the_last() -> None:
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


async def test_the_clients_own_debounce_counts() -> None:
    backend = Script(lambda prompt: "x")
    typist = Typist(backend, debounce=0.2)
    typist.type("a")
    await asyncio.sleep(0.5)  # as Neovim does before it asks
    asked = now()
    await typist.ask()
    assert backend.started == [asked]


async def test_an_explicit_request_is_not_debounced() -> None:
    backend = Script(lambda prompt: "x")
    typist = Typist(backend, debounce=5)
    typist.type("a")
    waiting = typist.ask()
    await asyncio.sleep(0.01)
    answer = await typist.ask(explicit=True)
    assert shown(answer) == "x"
    assert backend.started == [0.01]
    assert (await waiting).outcome is Outcome.SUPERSEDED


async def test_typing_what_the_call_in_flight_says_reuses_it() -> None:
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


async def test_typing_something_else_hangs_up() -> None:
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


async def test_text_that_arrives_later_and_does_not_match_ends_the_call_too() -> None:
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


async def test_a_deletion_ends_the_call() -> None:
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


async def test_a_cancelled_request_leaves_its_call_to_the_next() -> None:
    """VS Code cancels and sends the next request at the same time."""

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


async def test_typing_a_suggestion_is_answered_from_the_cache() -> None:
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


async def test_backspace_finds_the_older_answer() -> None:
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


async def test_an_excluded_file_never_reaches_a_back_end() -> None:
    backend = Script(lambda prompt: "secret")
    typist = Typist(backend)
    answer = await typist.ask(uri="file:///.env")
    assert (shown(answer), answer.outcome) == (None, Outcome.EXCLUDED)
    assert backend.calls == []


async def test_a_failure_is_an_empty_answer() -> None:
    backend = Script(lambda prompt: "x", fail=Unreachable("no route to script.example"))
    typist = Typist(backend)
    typist.type("x")
    answer = await typist.ask()
    assert (shown(answer), answer.outcome) == (None, Outcome.NO_BACKEND)
    assert [str(error) for error in typist.failures] == ["no route to script.example"]


async def test_a_bug_is_an_empty_answer_too() -> None:
    def broken(prompt: object) -> str:
        raise ZeroDivisionError

    typist = Typist(Script(broken))
    typist.type("x")
    assert (await typist.ask()).outcome is Outcome.NO_BACKEND


async def test_a_cancellation_and_an_edit_that_matches_leave_time_for_the_next_request() -> None:
    """The cancel reaches the scheduler after the edit, and the next request 50 ms later."""

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


async def test_a_request_right_after_a_cancelled_one_that_was_debounced() -> None:
    backend = Script(lambda prompt: "ok")
    typist = Typist(backend, debounce=0.2)
    typist.type("a")
    first = typist.ask()
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.003)
    typist.type("b")
    assert shown(await asyncio.wait_for(typist.ask(), 5)) == "ok"


async def test_a_block_is_not_cut_by_a_request_for_a_line_of_it() -> None:
    backend = Script(lambda prompt: "a = 1\n    b = compute(2)\n    return a", first=0.05, each=0.01)
    typist = Typist(backend, "def f():\n    ‸\n", debounce=0.0)
    typist.ask()
    await asyncio.sleep(0.2)
    typist.type("a = 1")
    first = shown(await typist.ask())
    assert first in {"\n    b = compute(2)", "\n    b = compute(2)\n    return a"}
    await asyncio.sleep(2)
    assert shown(await typist.ask()) == first  # identical text for an identical state


async def test_an_endless_answer_is_one_call() -> None:
    async def endless(prompt: object, **_: object) -> object:
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


async def test_new_settings_replace_the_call_in_flight() -> None:
    old, new = Script(lambda prompt: "old"), Script(lambda prompt: "new", host="new.example")
    typist = Typist(old, debounce=0.0)
    asked = typist.ask()
    await asyncio.sleep(0.1)
    typist.scheduler.apply_settings(a_chain(limited(new)), debounce=0.0, excluded=lambda _: False)
    assert shown(await asked) == "new"
    assert old.hung_up == 1


async def test_a_file_that_is_excluded_during_the_debounce_is_not_sent() -> None:
    backend = Script(lambda prompt: "x")
    typist = Typist(backend, debounce=0.2)
    typist.type("a")
    asked = typist.ask()
    typist.scheduler.apply_settings(a_chain(limited(backend)), debounce=0.2, excluded=lambda _: True)
    assert (await asked).outcome is Outcome.EXCLUDED
    await asyncio.sleep(1)
    assert backend.calls == []


async def test_a_deletion_elsewhere_does_not_matter() -> None:
    backend = Script(lambda prompt: "x")
    typist = Typist(backend, "one two\n‸\nthree", debounce=0.0)
    typist.erase()
    assert (await typist.ask()).outcome is Outcome.DELETION
    typist.before, typist.after = "one two\nth", "ree"
    assert (await typist.ask()).outcome is not Outcome.DELETION
    typist.before, typist.after = "one two", "\nthree"
    assert (await typist.ask(explicit=True)).outcome is Outcome.CALL


async def test_an_explicit_request_ignores_a_cached_empty_answer() -> None:
    answers = iter(["", "here"])
    backend = Script(lambda prompt: next(answers))
    typist = Typist(backend, debounce=0.0)
    assert (await typist.ask()).outcome is Outcome.EMPTY
    assert (await typist.ask()).outcome is Outcome.CACHE
    assert shown(await typist.ask(explicit=True)) == "here"


async def test_a_paired_bracket_keeps_the_call_in_flight() -> None:
    backend = Script(lambda prompt: "(alpha, beta)")
    typist = Typist(backend, "print‸\n", debounce=0.0)
    typist.ask()
    await asyncio.sleep(0.1)
    typist.pair("()")
    assert shown(await typist.ask()) == "alpha, beta"
    assert len(backend.calls) == 1


async def test_new_settings_hang_up_on_a_call_that_nobody_waits_for() -> None:
    backend = Script(lambda prompt: "x" * 100)
    typist = Typist(backend, debounce=0.0)
    asked = typist.ask()
    await asyncio.sleep(0.5)
    asked.cancel()
    await asyncio.sleep(0)
    chain = a_chain(limited(backend), settings=Settings(max_tokens=9))
    typist.scheduler.apply_settings(chain, debounce=0.0, excluded=lambda _: False)
    await asyncio.sleep(5)
    assert (len(backend.calls), backend.hung_up, backend.finished) == (1, 1, 0)


async def test_a_call_that_is_not_made_yet_is_made_with_the_new_settings() -> None:
    backend = Script(lambda prompt: "x")
    typist = Typist(backend, debounce=0.5)
    typist.type("a")
    asked = typist.ask()
    await asyncio.sleep(0.1)
    events: list[BackendEvent] = []
    document = typist.scheduler._documents["file:///a.py"]
    client = document._chain().clients[0]
    typist.scheduler.apply_settings(a_chain(client, on_event=events.append), debounce=0.5, excluded=lambda _: False)
    assert shown(await asked) == "x"
    assert [event.kind for event in events] == [EventKind.ANSWERED]


async def test_who_goes_back_to_a_known_answer_makes_no_call_for_the_key_between() -> None:
    backend = Script(lambda prompt: "known")
    typist = Typist(backend, debounce=0.5)
    typist.type("a")
    assert shown(await typist.ask()) == "known"
    typist.type("q")
    asked = typist.ask()
    await asyncio.sleep(0.1)
    typist.erase()
    assert shown(await typist.ask()) == "known"
    assert (await asked).outcome is Outcome.SUPERSEDED
    await asyncio.sleep(5)
    assert len(backend.calls) == 1
