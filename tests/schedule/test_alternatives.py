"""Other suggestions where the user asks again: how many calls they cost, what is shown of them, and until when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from fim_lsp.errors import RateLimited, Unreachable
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.schedule.events import CallEnded, CallPurpose, Event
from fim_lsp.schedule.request import CompletionResult, Outcome
from fim_lsp.settings.schema import Settings
from tests.schedule.script import Script, Typist, a_chain, a_client, a_snapshot, open_circuit, shown
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


def replies(*texts: str) -> Callable[[Prompt], str]:
    """What a back end answers to the prompt as it is, and to its variations."""
    return lambda prompt: texts[prompt.variation]


def all_shown(answer: CompletionResult) -> list[str | None]:
    return [shown(answer), *(shown(other) for other in answer.others)]


async def asked_again(typist: Typist) -> CompletionResult:
    """The answer to a second explicit request."""
    assert (await typist.ask(explicit=True)).others == ()
    return await typist.ask(explicit=True)


async def test_asking_again_brings_others_and_asking_once_more_costs_nothing() -> None:
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend)
    answer = await asked_again(typist)
    assert all_shown(answer) == ["one", "two", "three"]
    assert [prompt.variation for prompt in backend.calls] == [0, 1, 2]
    assert backend.started[1] == backend.started[2]
    asked = now()
    for explicit in (True, False, True):
        assert all_shown(await typist.ask(explicit=explicit)) == ["one", "two", "three"]
    assert (len(backend.calls), now()) == (3, asked)


async def test_a_suggestion_that_came_by_itself_is_the_first() -> None:
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend)
    typist.type("x")
    await typist.ask()
    assert all_shown(await typist.ask()) == ["one"]
    assert len(backend.calls) == 1
    assert all_shown(await typist.ask(explicit=True)) == ["one", "two", "three"]


async def test_nothing_is_looked_for_where_nobody_asks_again() -> None:
    backend = Script(replies("hello", "two", "three"))
    typist = Typist(backend)
    await typist.ask(explicit=True)
    typist.type("he")
    assert all_shown(await typist.ask(explicit=True)) == ["llo"]  # another place
    typist.type("y")
    typist.erase()
    assert all_shown(await typist.ask(explicit=True)) == ["llo"]  # it was not on the screen any more
    assert len(backend.calls) == 1


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("one", "one", "two"), ["one", "two"]),
        (("one", "one", "one"), ["one"]),
        (("one", "two", "two  "), ["one", "two"]),
        (("one", "one ", "one\n"), ["one"]),
        (("one", "", "two"), ["one", "two"]),
        (("one", "", ""), ["one"]),
    ],
)
async def test_duplicates_are_left_out_and_not_asked_for_again(texts: tuple[str, ...], expected: list[str]) -> None:
    backend = Script(replies(*texts))
    typist = Typist(backend)
    assert all_shown(await asked_again(typist)) == expected
    assert all_shown(await typist.ask(explicit=True)) == expected
    assert len(backend.calls) == 3


async def test_typing_along_keeps_those_that_still_match() -> None:
    backend = Script(replies("foo(bar)", "foo(baz)", "qux()"))
    typist = Typist(backend)
    await asked_again(typist)
    typist.type("foo")
    assert all_shown(await typist.ask()) == ["(bar)", "(baz)"]
    typist.erase(3)
    assert all_shown(await typist.ask()) == ["foo(bar)", "foo(baz)", "qux()"]
    typist.type("foo")
    typist.pair("()")
    assert all_shown(await typist.ask()) == ["bar", "baz"]  # the editor has closed the bracket
    assert len(backend.calls) == 3


async def test_typing_an_alternative_shows_its_rest() -> None:
    backend = Script(replies("foo(bar)", "foo(baz)", "qux()"))
    typist = Typist(backend)
    await asked_again(typist)
    for key, rest in ("q", "ux()"), ("ux", "()"):
        typist.type(key)
        assert all_shown(await typist.ask()) == [rest]
    assert len(backend.calls) == 3


async def test_they_are_calls_of_their_own_kind() -> None:
    events: list[Event] = []
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend)
    chain = a_chain(a_client(backend, publish=events.append))
    typist.scheduler.apply_settings(chain, debounce=0, excluded=lambda _uri: False)
    await asked_again(typist)
    await asyncio.sleep(1)
    purposes = [event.purpose for event in events if isinstance(event, CallEnded)]
    assert purposes == [CallPurpose.COMPLETION, CallPurpose.ALTERNATIVE, CallPurpose.ALTERNATIVE]


@pytest.mark.parametrize(("requests", "expected"), [(1, ["one"]), (2, ["one", "two"]), (3, ["one", "two", "three"])])
async def test_no_more_calls_than_the_quota_has_room_for(requests: int, expected: list[str]) -> None:
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend, limits=Limits.per_minute(requests=requests, tokens=0))
    assert all_shown(await asked_again(typist)) == expected
    assert len(backend.calls) == requests
    assert typist.failures == []
    await asyncio.sleep(130)
    assert all_shown(await typist.ask(explicit=True)) in (["one", "two"], ["one", "two", "three"])


async def test_asking_again_gets_only_what_is_missing() -> None:
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend, limits=Limits.per_minute(requests=2, tokens=0))
    assert all_shown(await asked_again(typist)) == ["one", "two"]
    assert all_shown(await typist.ask(explicit=True)) == ["one", "two"]  # no room yet
    await asyncio.sleep(130)
    assert all_shown(await typist.ask(explicit=True)) == ["one", "two", "three"]
    assert [prompt.variation for prompt in backend.calls] == [0, 1, 2]


@pytest.mark.parametrize("error", [Unreachable("no"), RateLimited("slow down", retry_after=9.0)])
async def test_failures_are_not_shown(error: Unreachable | RateLimited) -> None:
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend, limits=Limits())
    await typist.ask(explicit=True)
    backend.fail = error
    answer = await typist.ask(explicit=True)
    assert (all_shown(answer), answer.outcome) == (["one"], Outcome.CACHE)
    assert typist.failures == []
    backend.fail = None
    await asyncio.sleep(120)  # after a 429 the quota is believed to be smaller, for a while
    assert len(all_shown(await typist.ask(explicit=True))) > 1


async def test_typing_ends_the_look_and_hangs_up() -> None:
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend)
    await typist.ask(explicit=True)
    waiting = typist.ask(explicit=True)
    await asyncio.sleep(0.1)
    typist.type("o")
    last = typist.ask()
    assert (await waiting).outcome is Outcome.SUPERSEDED
    assert all_shown(await last) == ["ne"]
    await asyncio.sleep(0)
    assert (len(backend.calls), backend.hung_up) == (3, 2)  # the first one had ended
    assert [number for number, _ in typist.answers] == [0, 1, 2]


async def test_a_second_request_at_the_place_takes_over() -> None:
    """VS Code sends one for the hover and one for the cycling, and cancels the first."""
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend)
    await typist.ask(explicit=True)
    first = typist.ask(explicit=True)
    await asyncio.sleep(0.1)
    first.cancel()
    await asyncio.sleep(0.1)
    second = typist.ask(explicit=True)
    assert all_shown(await typist.ask()) == ["one"]  # what is there is shown meanwhile
    assert (await second).outcome is Outcome.SUPERSEDED
    assert all_shown(await typist.ask(explicit=True)) == ["one", "two", "three"]
    assert len(backend.calls) == 3


async def test_a_cancelled_request_hangs_up() -> None:
    backend = Script(replies("one", "two", "three"), first=5)
    typist = Typist(backend)
    await typist.ask(explicit=True)
    typist.ask(explicit=True).cancel()
    await asyncio.sleep(1)
    assert backend.hung_up == 2
    assert backend.ended[1] - backend.started[1] < 0.5


async def test_closing_and_excluding_answer_who_waits() -> None:
    for end in "close", "exclude", "clear":
        backend = Script(replies("one", "two", "three"))
        typist = Typist(backend)
        await typist.ask(explicit=True)
        waiting = typist.ask(explicit=True)
        await asyncio.sleep(0.1)
        match end:
            case "close":
                typist.scheduler.close()
            case "clear":
                typist.scheduler.clear_cache()
            case "exclude":
                chain = a_chain(a_client(backend))
                typist.scheduler.apply_settings(chain, debounce=0, excluded=lambda _uri: True)
        assert (await waiting).suggestion is None
        await asyncio.sleep(0)
        assert backend.hung_up == 2


async def test_other_settings_make_other_suggestions() -> None:
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend)
    await asked_again(typist)
    chain = a_chain(a_client(backend), settings=Settings(max_tokens=9))
    typist.scheduler.apply_settings(chain, debounce=0, excluded=lambda _uri: False)
    assert all_shown(await typist.ask(explicit=True)) == ["one"]
    assert len(backend.calls) == 4


async def test_no_alternative_while_the_back_end_fails() -> None:
    backend = Script(replies("one", "two", "three"))
    client = a_client(backend)
    typist = Typist(backend)
    typist.scheduler.apply_settings(a_chain(client), debounce=0, excluded=lambda _uri: False)
    await typist.ask(explicit=True)
    backend.fail = Unreachable("no")
    await open_circuit(client)
    backend.fail = None
    calls = len(backend.calls)
    assert all_shown(await typist.ask(explicit=True)) == ["one"]
    assert len(backend.calls) == calls


EMBEDDED = {"name": "ngram", "host": "", "first": 0.0, "each": 0.0}


async def with_embedded(first: Script, embedded: Script) -> CompletionResult:
    typist = Typist(first)
    chain = a_chain(a_client(first), a_client(embedded))
    typist.scheduler.apply_settings(chain, debounce=0, excluded=lambda _uri: False)
    return await asked_again(typist)


@pytest.mark.parametrize(
    ("embedded", "expected", "calls"),
    [
        ("four", ["one", "two", "four"], 2),  # it takes a place, and saves a call
        ("one", ["one", "two", "three"], 3),
        ("", ["one", "two", "three"], 3),
    ],
)
async def test_the_embedded_model_is_asked_too(embedded: str, expected: list[str], calls: int) -> None:
    backend = Script(replies("one", "two", "three"))
    answer = await with_embedded(backend, Script(lambda _prompt: embedded, **EMBEDDED))  # type: ignore[arg-type]
    assert all_shown(answer) == expected
    assert [other.backend for other in answer.others] == ["script", "ngram" if embedded == "four" else "script"]
    assert len(backend.calls) == calls


async def test_the_embedded_model_alone_has_one_suggestion() -> None:
    backend = Script(lambda _prompt: "one", **EMBEDDED)  # type: ignore[arg-type]
    typist = Typist(backend)
    assert all_shown(await asked_again(typist)) == ["one"]
    assert all_shown(await typist.ask(explicit=True)) == ["one"]
    assert len(backend.calls) == 1


async def test_text_that_stays_here_has_no_alternatives_from_elsewhere() -> None:
    far, near = Script(replies("one", "two", "three")), Script(lambda _prompt: "near", **EMBEDDED)  # type: ignore[arg-type]
    typist = Typist(far)
    chain = a_chain(a_client(far), a_client(near), local_only=True)
    typist.scheduler.apply_settings(chain, debounce=0, excluded=lambda _uri: False)
    assert all_shown(await typist.ask(explicit=True)) == ["near"]
    await typist.ask(explicit=True)
    assert far.calls == []


async def test_no_secret_leaves_this_machine_in_them() -> None:
    key = "sk-proj-" + "aB3dE6gH9j" * 4
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend, f'KEY = "{key}"\nx = ‸\n')
    await asked_again(typist)
    assert len(backend.calls) == 3
    assert all(key not in prompt.prefix for prompt in backend.calls)
    assert len({prompt.prefix for prompt in backend.calls}) == 1  # the same text: servers have it in their cache


async def test_rules_that_changed_meanwhile_hold_for_them() -> None:
    backend = Script(replies("one", "two", "three"))
    client = a_client(backend)
    allowed = [True]
    client = replace(client, sender=replace(client.sender, may_send=lambda _uri, _local: allowed[0]))
    typist = Typist(backend)
    typist.scheduler.apply_settings(a_chain(client), debounce=0, excluded=lambda _uri: False)
    await typist.ask(explicit=True)
    allowed[0] = False
    assert all_shown(await typist.ask(explicit=True)) == ["one"]
    assert len(backend.calls) == 1


async def test_all_at_once() -> None:
    backend = Script(replies("one", "two", "three"))
    typist = Typist(backend)
    snapshot = replace(a_snapshot("x‸", explicit=True), wants_others=True)
    assert all_shown(await typist.scheduler.request(snapshot)) == ["one", "two", "three"]
    assert all_shown(await typist.scheduler.request(snapshot)) == ["one", "two", "three"]
    assert len(backend.calls) == 3
    typist.scheduler.clear_cache()
    waiting = typist.scheduler.request(snapshot)
    await asyncio.sleep(0.4)  # the alternatives are looked for
    assert (await typist.scheduler.request(a_snapshot("y‸"))).suggestion is not None
    assert (await waiting).outcome is Outcome.SUPERSEDED


async def test_all_at_once_where_there_is_none() -> None:
    backend = Script(lambda _prompt: "")
    typist = Typist(backend)
    answer = await typist.scheduler.request(replace(a_snapshot(explicit=True), wants_others=True))
    assert (answer.outcome, len(backend.calls)) == (Outcome.EMPTY, 1)


async def test_a_bug_while_looking_leaves_the_first_one(caplog: pytest.LogCaptureFixture) -> None:
    typist = Typist(Script(replies("one")))
    assert all_shown(await asked_again(typist)) == ["one"]
    assert "IndexError while looking for alternatives" in caplog.text


async def test_an_alternative_is_not_read_further_than_it_is_shown() -> None:
    """Each token costs money."""
    backend = Script(lambda prompt: f"{prompt.variation}\n" + "more\n" * 50, each=0.01)
    typist = Typist(backend, "a = ‸ + b")
    assert all_shown(await asked_again(typist)) == ["0", "1", "2"]
    await asyncio.sleep(0.1)
    assert backend.hung_up >= 2


async def test_a_request_right_after_a_cancelled_one_gets_its_alternatives() -> None:
    """VS Code cancels before it asks again."""
    backend = Script(replies("one", "two", "three"), first=0.5)
    typist = Typist(backend)
    await typist.ask(explicit=True)
    asked = typist.ask(explicit=True)
    await asyncio.sleep(0.1)
    asked.cancel()
    await asyncio.sleep(0)
    assert all_shown(await typist.ask(explicit=True)) == ["one", "two", "three"]
    await asyncio.sleep(5)
    assert (len(backend.calls), backend.hung_up) == (3, 0)
