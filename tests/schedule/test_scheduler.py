"""All documents of an editor: which are never completed, and what a change of settings does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from fim_lsp.schedule.events import Event, SuggestionAccepted, SuggestionDismissed, SuggestionShown, TextKept
from fim_lsp.schedule.learning import AcceptanceRates, Taking
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.schedule.scheduler import MAX_DOCUMENT_SIZE, Scheduler
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.schedule.script import Script, Typist, a_chain, a_client, a_snapshot, shown
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


def scheduler(backend: Script, *, local_only: bool = False) -> Scheduler:
    chain = a_chain(a_client(backend), local_only=local_only)
    return Scheduler(chain, debounce=0.0, excluded=lambda uri: uri.endswith(".env"), clock=now)


async def test_excluded_and_too_large_documents_reach_no_back_end() -> None:
    backend = Script(lambda _prompt: "secret")
    documents = scheduler(backend)
    excluded = replace(a_snapshot(explicit=True), uri="file:///.env")
    too_large = replace(a_snapshot(explicit=True), size=MAX_DOCUMENT_SIZE + 1)
    assert (await documents.request(excluded)).outcome is Outcome.EXCLUDED
    assert (await documents.request(too_large)).outcome is Outcome.TOO_LARGE
    assert backend.calls == []


@pytest.mark.parametrize(("host", "outcome"), [("far.example", Outcome.LOCAL_ONLY), ("127.0.0.1:8012", Outcome.CALL)])
async def test_local_only_documents_need_a_local_back_end(host: str, outcome: Outcome) -> None:
    documents = scheduler(Script(lambda _prompt: "x", host=host), local_only=True)
    assert (await documents.request(a_snapshot())).outcome is outcome


class ManualTypist(Typist):
    """A typist whose suggestions appear only when they are asked for, unless ``silence`` is None."""

    silence: Outcome | None = Outcome.MANUAL

    def __init__(self, backend: Script, text: str = "‸", **settings: object) -> None:
        super().__init__(backend, text, silence=lambda _language: self.silence, **settings)


async def test_nothing_is_called_where_nobody_asks() -> None:
    backend = Script(lambda _prompt: "x")
    typist = ManualTypist(backend)
    for key in "abc":
        typist.type(key)
        assert (await typist.ask()).outcome is Outcome.MANUAL
        await asyncio.sleep(1)
    assert backend.calls == []
    assert shown(await typist.ask(explicit=True)) == "x"
    assert len(backend.calls) == 1


async def test_what_was_asked_for_remains_while_it_is_typed() -> None:
    """Editors ask again at each key, and take down what is not in the answer."""
    backend = Script(lambda _prompt: "hello(world)\nmore")
    typist = ManualTypist(backend, multiline="never")
    await typist.ask(explicit=True)
    typist.type("h")
    assert shown(await typist.ask()) == "ello(world)"
    typist.type("ell")
    assert shown(await typist.ask()) == "o(world)"
    typist.type("!")
    assert (await typist.ask()).outcome is Outcome.MANUAL
    typist.erase()
    assert (await typist.ask()).outcome is Outcome.MANUAL  # it was given up
    assert shown(await typist.ask(explicit=True)) == "o(world)"
    typist.type("o(world)")
    assert (await typist.ask()).outcome is Outcome.MANUAL  # what comes next was not asked for
    assert len(backend.calls) == 1


async def test_typing_on_while_the_answer_is_awaited() -> None:
    backend = Script(lambda _prompt: "hello")
    typist = ManualTypist(backend)
    first = typist.ask(explicit=True)
    await asyncio.sleep(0.1)
    typist.type("h")
    assert shown(await typist.ask()) == "ello"
    assert (await first).outcome is Outcome.SUPERSEDED


@pytest.mark.parametrize("typed", ["j", "hex"])
async def test_typing_something_else_while_the_answer_is_awaited_makes_no_other_call(typed: str) -> None:
    backend = Script(lambda _prompt: "hello")
    typist = ManualTypist(backend)
    typist.ask(explicit=True)
    await asyncio.sleep(0.1)
    for key in typed:
        typist.type(key)
        last = typist.ask()
    assert (await last).outcome is Outcome.MANUAL
    await asyncio.sleep(5)
    assert (len(backend.calls), backend.hung_up) == (1, 1)


async def test_turning_suggestions_off_answers_who_waits_and_hangs_up() -> None:
    backend = Script(lambda _prompt: "hello", first=5)
    typist = ManualTypist(backend)
    typist.silence = None
    typist.type("x")
    waiting = typist.ask()
    await asyncio.sleep(1)
    typist.silence = Outcome.TURNED_OFF
    typist.scheduler.silence_changed()
    assert (await waiting).outcome is Outcome.TURNED_OFF
    await asyncio.sleep(0)
    assert (len(backend.calls), backend.hung_up) == (1, 1)
    waiting = typist.ask(explicit=True)
    await asyncio.sleep(1)
    typist.scheduler.silence_changed()  # what was asked for explicitly goes on
    assert shown(await waiting) == "hello"


async def test_documents_do_not_supersede_each_other() -> None:
    documents = scheduler(Script(lambda _prompt: "x"))
    first = documents.request(a_snapshot())
    second = documents.request(replace(a_snapshot(), uri="file:///b.py"))
    assert (shown(await first), shown(await second)) == ("x", "x")


async def test_closing_answers_what_waits() -> None:
    documents = scheduler(Script(lambda _prompt: "x"))
    waiting = documents.request(a_snapshot())
    documents.close()
    assert (await waiting).outcome is Outcome.CLOSED


async def test_what_becomes_of_suggestions_is_published_with_numbers_for_all_documents() -> None:
    events: list[Event] = []
    backend = Script(lambda prompt: "ute()" if prompt.prefix.endswith("comp") else "nothing")
    documents = Scheduler(
        a_chain(a_client(backend)), debounce=0.0, excluded=lambda _: False, publish=events.append, clock=now
    )
    text = Document("x = comp\n", Encoding.UTF32)

    async def ask(column: int, uri: str = "file:///a.py") -> CompletionResult:
        split = text.split(0, column, before=100, after=100)
        return await documents.request(Snapshot(uri=uri, language="python", path="", split=split))

    assert [(await ask(8)).suggestion_number, (await ask(8, "file:///b.py")).suggestion_number] == [1, 2]
    documents.accepted(2)
    documents.edited("file:///a.py", [text.replace((0, 8), (0, 8), "u")])
    result = await ask(9)
    assert (shown(result), result.suggestion_number) == ("te()", 1)
    documents.edited("file:///a.py", [text.replace((0, 9), (0, 9), "te()")])
    documents.accepted(1)
    documents.accepted(99)
    documents.close()
    assert [event.suggestion for event in events if isinstance(event, SuggestionShown)] == [1, 2]
    accepted = [event for event in events if isinstance(event, SuggestionAccepted)]
    assert [(event.suggestion, event.characters, event.by_command) for event in accepted] == [
        (2, 5, True),
        (1, 4, False),
    ]
    assert {event.backend for event in accepted} == {"script"}
    assert [(event.suggestion, event.kept) for event in events if isinstance(event, TextKept)] == [(1, 4)]
    assert not any(isinstance(event, SuggestionDismissed) for event in events)


async def test_calls_wait_longer_where_suggestions_are_rarely_taken() -> None:
    backend = Script(lambda _prompt: "x")
    rates = AcceptanceRates()
    rates.start_with({"python": Taking(offered=100, taken=0)})
    chain = a_chain(a_client(backend))
    documents = Scheduler(chain, debounce=None, excluded=lambda _: False, rates=rates, clock=now)
    edited = Document("x", Encoding.UTF32)
    documents.edited("file:///a.py", [edited.replace((0, 1), (0, 1), "y")])
    await documents.request(a_snapshot("xy‸"))
    documents.edited("file:///a.py", [edited.replace((0, 2), (0, 2), "\n")])
    await documents.request(a_snapshot("xy\n‸"))
    documents.edited("file:///a.py", [edited.replace((1, 0), (1, 0), "z")])
    await documents.request(a_snapshot("xy\nz‸", explicit=True))
    first, second, third = backend.started
    assert first == 0.6
    assert second < first + 0.6
    assert third == pytest.approx(second + 0.27, abs=0.05), "an explicit request does not wait"


async def test_a_document_that_was_never_asked_about_can_be_closed_and_withdrawn() -> None:
    typist = Typist(Script(lambda prompt: "x"))
    answer = typist.ask()
    typist.scheduler.withdraw("file:///other.py", answer)
    typist.scheduler.closed("file:///other.py")
    assert shown(await answer) == "x"
