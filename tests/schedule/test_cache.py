"""Answers are found again wherever they still hold, and so is what the model wrote beyond them."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fim_lsp.schedule.cache import CachedAnswer, Hit, SuggestionCache
from fim_lsp.schedule.request import Outcome
from fim_lsp.settings.schema import Settings
from fim_lsp.suggest.suggestion import Suggestion
from tests.marked import split
from tests.schedule.script import BreaksOff, Script, Typist, a_chain, a_client, shown

pytestmark = pytest.mark.usefixtures("virtual_time")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def known(text: str, *, replace: int = 0) -> CachedAnswer:
    return CachedAnswer(text=text, finish="stop", suggestion=Suggestion(text=text, replace=replace) if text else None)


def text(found: Hit | None) -> str | None:
    rest = found.answer.suggestion.after(found.typed) if found and found.answer.suggestion else None
    return rest.text if rest else None


@pytest.fixture
def cache() -> SuggestionCache:
    cache = SuggestionCache(Clock())
    cache.put("scope", split("def f(‸)\n"), known("self, x", replace=1))
    return cache


@pytest.mark.parametrize(
    ("marked", "rest"),
    [
        ("def f(‸)\n", "self, x"),
        ("def f(s‸)\n", "elf, x"),
        ("def f(self, ‸)\n", "x"),
        ("def f(self, x‸)\n", None),
        ("def f(z‸)\n", None),
        ("def f‸)\n", None),
        ("def f(‸):\n", None),
        ("def g(‸)\n", None),
    ],
)
def test_where_an_answer_holds(cache: SuggestionCache, marked: str, rest: str | None) -> None:
    assert text(cache.find("scope", split(marked))) == rest


def test_another_scope_is_another_answer(cache: SuggestionCache) -> None:
    assert cache.find("other", split("def f(‸)\n")) is None


def test_the_nearest_answer_wins() -> None:
    cache = SuggestionCache(Clock())
    cache.put("s", split("a‸"), known("bcd"))
    cache.put("s", split("ab‸"), known("cat"))
    assert text(cache.find("s", split("abc‸"))) == "at"
    assert text(cache.find("s", split("abcd‸"))) is None


def test_the_window_may_slide() -> None:
    cache = SuggestionCache(Clock())
    long = "".join(f"line {n}\n" for n in range(500))
    cache.put("s", split(long + "x‸", window=2000), known("yz"))
    assert text(cache.find("s", split(long + "xy‸", window=1900))) == "z"


def test_an_edit_far_after_the_cursor_does_not_matter() -> None:
    cache = SuggestionCache(Clock())
    tail = "\n" + "-" * 400
    cache.put("s", split("x‸" + tail), known("y"))
    assert text(cache.find("s", split("x‸" + tail + "changed"))) == "y"


def test_nothing_to_suggest_is_kept_briefly_and_only_there() -> None:
    clock = Clock()
    cache = SuggestionCache(clock)
    cache.put("s", split("x‸"), known(""))
    assert cache.find("s", split("x‸")) == Hit(typed="", answer=known(""))
    assert cache.find("s", split("xy‸")) is None
    clock.now = 60
    assert cache.find("s", split("x‸")) is None


def test_text_is_kept_until_room_is_needed() -> None:
    clock = Clock()
    cache = SuggestionCache(clock, max_bytes=100_000)
    cache.put("s", split("x‸"), known("y"))
    clock.now = 1e6
    assert text(cache.find("s", split("x‸"))) == "y"
    for n in range(100):
        cache.put("s", split(f"{n}‸"), known("z" * 1000))
    assert cache.find("s", split("x‸")) is None
    assert text(cache.find("s", split("99‸")))
    cache.put("s", split("x‸"), known("z" * 1_000_000))  # more than the cache may hold
    assert cache.find("s", split("x‸")) is None


@pytest.mark.parametrize(
    ("marked", "rest"),
    [
        ("a.n‸\nb\nc.n\n", "ame"),  # typed at two cursors
        ("a.na‸\nb\nc.na\n", "me"),
        ("a.n‸\nb\nc.\n", "ame"),
        ("a.n‸\nb\nc.x\n", None),
        ("a.na‸\nb\nc.n\n", None),
        ("a.‸\nb\nc.n\n", None),
        ("a.x‸\nb\nc.x\n", None),
    ],
)
def test_an_answer_holds_while_the_same_is_typed_at_other_cursors(marked: str, rest: str | None) -> None:
    cache = SuggestionCache(Clock())
    cache.put("scope", split("a.‸\nb\nc.\n"), known("name"))
    assert text(cache.find("scope", split(marked))) == rest


async def test_after_an_accept_the_next_part_is_cached() -> None:
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


async def test_a_part_that_has_not_arrived_whole_is_waited_for() -> None:
    backend = Script(lambda prompt: "one()\ntwo()\n", each=0.02)
    typist = Typist(backend, "x = ‸\n", multiline="never")
    assert shown(await typist.ask()) == "one()"
    typist.type("one()")
    second = typist.ask()
    assert not second.done()
    assert shown(await second) == "\ntwo()"
    assert len(backend.calls) == 1


async def test_what_was_shown_is_kept_if_its_back_end_breaks_off_after_it() -> None:
    first = BreaksOff(lambda _prompt: "one()\ntw", each=0.02)
    other = Script(lambda prompt: "\nthree()\n" if prompt.prefix.endswith("one()") else "one()\nfour()\n", name="other")
    typist = Typist(first, "x = ‸\n", multiline="never")
    chain = a_chain(a_client(first), a_client(other), settings=Settings(multiline="never"))
    typist.scheduler.apply_settings(chain, debounce=0, excluded=lambda _uri: False)
    shown_first = await typist.ask()
    assert (shown(shown_first), shown_first.backend) == ("one()", "script")
    typist.type("one()")
    assert shown(await typist.ask()) == "\nthree()"
    typist.erase(5)
    again = await typist.ask(explicit=True)
    assert (shown(again), again.backend) == ("one()", "script")


async def test_typing_a_suggestion_with_crlf() -> None:
    backend = Script(lambda prompt: "one()\n  two()", each=0.001)
    typist = Typist(backend, "a\r\n‸\r\n", multiline="always")
    assert shown(await typist.ask()) == "one()\r\n  two()"
    typist.type("one()\r\n")
    answer = typist.ask()
    assert answer.done()
    assert shown(answer.result()) == "  two()"


async def test_an_answer_outlives_its_call() -> None:
    """The editor cancelled, but the call was nearly done: what it brought is cached for the next request."""

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


async def test_typing_a_bracket_that_the_editor_pairs() -> None:
    """VS Code and Helix insert the closing bracket after the cursor: the cached answer still holds, without it."""

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


class _AllEnds(set[str]):
    """Passes every position on to a look-up."""

    def __contains__(self, _end: object) -> bool:
        return True


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.booleans(), st.text("ab(\n", max_size=40), st.sampled_from(["", ")", "\n", ")\nb"])), max_size=80
    )
)
def test_positions_are_only_passed_over_if_they_have_no_answer(steps: list[tuple[bool, str, str]]) -> None:
    """With few bytes, so that answers go; against a cache that looks up every position."""
    quick, thorough = (SuggestionCache(lambda: 0.0, max_bytes=20_000) for _ in range(2))
    thorough._ends = _AllEnds()
    for number, (is_stored, prefix, suffix) in enumerate(steps):
        place = split(f"{prefix}‸{suffix}")
        if is_stored:
            text = f"a(b){number}"
            answer = CachedAnswer(text=text, finish="stop", suggestion=Suggestion(text=text))
            for cache in (quick, thorough):
                cache.put("scope", place, answer)
        else:
            assert quick.find("scope", place) == thorough.find("scope", place)
