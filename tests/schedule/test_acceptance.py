"""What becomes of suggestions: numbers, taking by edits and by commands, typing, dismissing, and the debounce."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.schedule.events import SuggestionAccepted, SuggestionShown, TextKept
from fim_lsp.schedule.request import Outcome
from tests.schedule.screen import Screen

CALL = "compute(a)"


def offered(text: str = CALL, marked: str = "x = ‸", replace: int = 0) -> Screen:
    """A suggestion was shown; it has the number 1."""
    screen = Screen(marked)
    assert screen.ask(text, replace=replace) == 1
    assert screen.seen() == ["1 shown"]
    return screen


# -- numbers


def test_a_suggestion_is_shown_once_with_its_origin_and_size() -> None:
    screen = Screen("x = ‸")
    screen.ask("f(\n    a)", backend="codestral")
    [shown] = screen.events
    assert isinstance(shown, SuggestionShown)
    assert (shown.place.path, shown.place.language, shown.place.line, shown.place.column) == ("a.py", "python", 0, 4)
    assert (shown.backend, shown.outcome, shown.lines, shown.characters) == ("codestral", Outcome.CALL, 2, 9)


def test_its_rest_keeps_the_number() -> None:
    screen = offered()
    for count in range(1, len(CALL)):
        screen.type(CALL[count - 1])
        assert screen.ask(CALL[count:]) == 1
    assert screen.ask(CALL[-1:]) == 1
    assert screen.seen() == []


@pytest.mark.parametrize(("again", "number"), [(CALL, 1), (f"{CALL} + b", 1), ("compute", 1), ("call()", 2)])
def test_asking_again_at_the_same_place(again: str, number: int) -> None:
    """More or less of the same text is the same suggestion."""
    screen = offered()
    assert screen.ask(again) == number
    assert screen.seen() == ["2 shown"][: number - 1]


def test_what_is_left_after_typing_along_is_known_as_offered() -> None:
    """Editors that keep what is on the screen do not ask again at each key."""
    screen = offered(f"{CALL}\n{CALL}")
    screen.type("com")
    rest = f"{CALL}\n{CALL}".removeprefix("com")
    assert screen.tracker.offered_for(rest) == rest
    assert screen.tracker.offered_for(rest[:9]) == rest
    assert screen.tracker.offered_for(f"else {rest}") != rest


def test_no_suggestion_has_no_number_and_changes_nothing() -> None:
    screen = offered()
    assert screen.ask(None) == 0
    assert screen.ask(CALL) == 1


def test_a_suggestion_that_is_offered_again_after_a_wrong_key_keeps_its_number() -> None:
    screen = offered()
    screen.type("y")
    screen.ask(None)
    screen.erase(1)
    assert screen.ask(CALL) == 1
    screen.insert(CALL)
    assert screen.seen() == ["1 dismissed", "1 whole 10"]


def test_what_follows_an_accepted_one_is_a_new_one() -> None:
    screen = offered()
    screen.insert(CALL)
    assert screen.ask(" + b") == 2
    assert screen.seen() == ["1 whole 10", "2 shown"]


def test_a_document_asks_for_the_numbers_of_its_session() -> None:
    from fim_lsp.schedule.acceptance import AcceptanceTracker

    screen = Screen("‸")
    screen.tracker = AcceptanceTracker(screen.events.append, numbers=itertools.count(7))
    assert [screen.ask("a"), screen.ask("b")] == [7, 8]


# -- taking, by edits


def test_all_of_it() -> None:
    screen = offered()
    screen.insert(CALL)
    assert screen.tracker.offered == ""
    screen.ask(None)
    assert screen.seen() == ["1 whole 10"]


def test_all_of_the_rest() -> None:
    screen = offered()
    screen.type("com")
    screen.insert("pute(a)")
    assert screen.seen() == ["1 whole 7"]


def test_words_and_lines_one_after_the_other() -> None:
    text = "one two\nthree\nfour five"
    screen = offered(text)
    screen.insert("one")
    screen.ask(text.removeprefix("one"))
    screen.insert(" two")
    screen.insert("\nthree")  # not asked for in between
    screen.ask("\nfour five")
    screen.insert("\nfour five")
    assert screen.seen() == ["1 word 3", "1 word 4", "1 word 6", "1 whole 10"]


def test_a_line_of_several_words() -> None:
    screen = offered("one two\nthree")
    screen.insert("one two")
    assert screen.seen() == ["1 line 7"]


def test_an_answer_that_came_after_a_key_is_followed() -> None:
    """Helix asks no more while it waits, and filters the late answer by what was typed since."""
    screen = Screen("x = co‸")
    screen.tracker.observe(asked := screen.split)
    snapshot, result = screen._answer("mpute(a)", 0, "codestral")
    assert snapshot.split == asked
    screen.type("m")
    screen.tracker.offer(snapshot, result)
    screen.edit(((0, 4), (0, 7), CALL))
    assert screen.seen() == ["1 shown", "1 whole 7"]


def test_a_preview_in_a_menu_is_counted_once() -> None:
    """Helix inserts the selected entry, removes it again and inserts it for good."""
    screen = offered("pute(a)", "x = com‸")
    for _ in range(2):
        screen.edit(((0, 4), (0, 7), CALL))
        screen.edit(((0, 4), (0, 14), "com"))
    screen.edit(((0, 4), (0, 7), CALL))
    screen.timers.expire()
    assert screen.seen() == ["1 whole 7", "1 kept 7 of 7"]


def test_undone_and_accepted_again_is_counted_once() -> None:
    screen = offered()
    screen.insert(CALL)
    screen.ask(" + b")
    screen.erase(len(CALL))
    assert screen.ask(CALL) == 1
    screen.insert(CALL)
    screen.timers.expire()
    assert screen.seen() == ["1 whole 10", "2 shown", "2 dismissed", "1 kept 10 of 10"]


# -- typing and dismissing


@pytest.mark.parametrize("asks", [True, False])
def test_typing_all_of_it_is_not_accepting(asks: bool) -> None:
    screen = offered()
    for count, key in enumerate(CALL, 1):
        screen.type(key)
        if asks and count < len(CALL):
            screen.ask(CALL[count:])
    screen.ask(None)
    assert screen.seen() == ["1 typed 10"]
    assert screen.tracker.offered == ""


def test_a_word_taken_and_the_rest_typed_is_one_word_taken() -> None:
    screen = offered()
    screen.insert("compute")
    screen.type("(a)")
    screen.ask(None)
    assert screen.seen() == ["1 word 7"]


def test_a_bracket_that_the_editor_closes_is_typing() -> None:
    screen = offered("(a)", "f‸")
    screen.edit(((0, 1), (0, 1), "()"))
    screen.cursor = (0, 2)
    assert screen.ask("a)", replace=1) == 1
    assert screen.seen() == []


@pytest.mark.parametrize("cursor", [(0, 0), (1, 0)])
def test_moving_away_dismisses(cursor: tuple[int, int]) -> None:
    screen = offered(marked="x = ‸\ny\n")
    screen.cursor = cursor
    screen.ask(None)
    assert screen.seen() == ["1 dismissed"]
    assert screen.tracker.offered == ""


@pytest.mark.parametrize("keys", ["y", "cy", "compute(b"])
def test_typing_something_else_dismisses(keys: str) -> None:
    screen = offered()
    screen.type(keys)
    screen.ask(None)
    assert screen.seen() == ["1 dismissed"]


def test_typing_something_else_after_a_part_is_no_dismissal() -> None:
    screen = offered()
    screen.insert("compute")
    screen.type("d")
    screen.ask(None)
    assert screen.seen() == ["1 word 7"]


def test_another_suggestion_at_the_same_place_does_not_dismiss_the_first() -> None:
    screen = offered()
    assert screen.ask("other()") == 2
    assert screen.seen() == ["2 shown"]


def test_closing_the_document_dismisses_what_was_not_taken() -> None:
    screen = offered()
    screen.tracker.close()
    assert screen.seen() == ["1 dismissed"]
    screen.tracker.close()
    assert screen.seen() == []


# -- commands


def test_a_command_after_the_edit_counts_nothing_again() -> None:
    screen = offered()
    screen.insert(CALL)
    screen.tracker.accepted(1)
    screen.ask(None)
    screen.tracker.accepted(1)
    assert screen.seen() == ["1 whole 10"]


def test_a_command_before_the_edit() -> None:
    screen = offered()
    screen.type("com")
    screen.ask("pute(a)")
    screen.tracker.accepted(1)
    screen.insert("pute(a)")
    screen.ask(None)
    screen.timers.expire()
    assert screen.seen() == ["1 whole 7 by command", "1 kept 7 of 7"]


def test_a_command_after_an_edit_that_was_not_understood() -> None:
    """An editor's formatter has changed the text: nothing is known of its place, so it is not followed."""
    screen = offered()
    screen.insert("compute( a )")
    screen.tracker.accepted(1)
    screen.ask(None)
    screen.timers.expire()
    assert screen.seen() == ["1 whole 10 by command"]


def test_a_command_that_comes_after_the_next_request() -> None:
    screen = offered()
    screen.insert("compute( a )")
    screen.ask(None)
    screen.tracker.accepted(1)
    assert screen.seen() == ["1 dismissed", "1 whole 10 by command"]


def test_one_character_is_accepted_if_the_editor_says_so() -> None:
    screen = offered(")", "f(a‸")
    screen.insert(")")
    screen.tracker.accepted(1)
    screen.ask(None)
    assert screen.seen() == ["1 whole 1 by command"]


def test_one_character_without_a_command_is_typed() -> None:
    screen = offered(")", "f(a‸")
    screen.insert(")")
    screen.ask(None)
    assert screen.seen() == ["1 typed 1"]


def test_a_command_about_a_part() -> None:
    screen = offered("😀 = compute(a)", "‸")
    screen.tracker.accepted(1, 2)
    screen.insert("😀")
    screen.insert(" = compute")
    screen.tracker.accepted(1, 12)  # in UTF-16, from the beginning
    screen.ask("(a)")
    screen.tracker.accepted(1, 2)  # of the rest that was sent last
    screen.tracker.accepted(1, 2)
    screen.tracker.accepted(1, 1)
    screen.tracker.accepted(1, 1_000)
    assert screen.seen() == [
        "1 word 1 by command",
        "1 part 10",
        "1 part 2 by command",
        "1 whole 1 by command",
    ]


def test_an_editor_that_had_only_the_beginning() -> None:
    """The suggestion has grown since, and the edit shows what the editor inserted."""
    screen = offered("def f():", "‸")
    screen.ask("def f():\n    return 1")
    screen.insert("def f():")
    screen.tracker.accepted(1)
    assert screen.seen() == ["1 line 8"]


@pytest.mark.parametrize("number", [0, -1, 2, 10**30])
@pytest.mark.parametrize("units", [None, 0, 5])
def test_unknown_numbers_are_ignored(number: int, units: int | None) -> None:
    screen = offered()
    screen.tracker.accepted(number, units)
    assert screen.seen() == []


def test_old_numbers_are_forgotten() -> None:
    screen = Screen("‸")
    for number in range(1, 30):
        screen.ask(f"n{number}")
    screen.seen()
    for number in range(1, 30):
        screen.tracker.accepted(number)
    assert len(screen.seen()) == 9


# -- alternatives


def test_an_alternative_counts_as_shown_when_it_is_taken() -> None:
    screen = offered()
    assert screen.ask_alternative("other()") == 2
    assert screen.ask_alternative("third()") == 3
    assert screen.seen() == []
    screen.insert("other()")
    screen.ask(None)
    assert screen.seen() == ["2 shown", "2 whole 7"]


def test_an_alternative_that_is_not_sent_has_no_number() -> None:
    screen = offered()
    assert screen.ask_alternative("") == 0
    assert screen.ask_alternative("other()") == 2


def test_an_answer_that_comes_after_a_hundred_keys_is_not_followed() -> None:
    """What is remembered of the edits since a request is bounded."""
    screen = Screen("x = ‸")
    screen.tracker.observe(screen.split)
    late = screen._answer("a" * 100 + "bcdef", 0, "codestral")
    screen.type("a" * 100)
    screen.tracker.offer(*late)
    screen.insert("bcdef")
    assert not any("whole" in event for event in screen.seen())


def test_dismissing_all_dismisses_the_first_one() -> None:
    screen = offered()
    screen.ask_alternative("other()")
    screen.type("y")
    screen.ask(None)
    assert screen.seen() == ["1 dismissed"]


def test_a_common_beginning_is_counted_once_and_typing_on_selects() -> None:
    screen = offered("compute(a)")
    screen.ask_alternative("compute(b)")
    screen.insert("compute")
    screen.type("(b")
    screen.ask(")")
    screen.tracker.accepted(2)
    assert screen.seen() == ["1 word 7", "2 shown", "2 whole 1 by command"]


# -- what is kept


@pytest.mark.parametrize("by", ["time", "closing"])
def test_what_is_left_is_counted_half_a_minute_later_or_at_the_end(by: str) -> None:
    screen = offered()
    screen.insert(CALL)
    screen.erase(3)
    assert screen.seen() == ["1 whole 10"]
    if by == "time":
        screen.timers.expire()
    screen.tracker.close()
    assert screen.seen() == ["1 kept 7 of 10"]


def test_undo_right_after_accepting() -> None:
    screen = offered()
    screen.insert(CALL)
    screen.erase(10)
    screen.timers.expire()
    assert screen.seen() == ["1 whole 10", "1 kept 0 of 10"]


def test_an_edit_in_the_notification_that_accepted_it_is_followed() -> None:
    screen = offered()
    screen.edit(((0, 4), (0, 4), CALL), ((0, 4), (0, 6), ""))
    screen.timers.expire()
    assert screen.seen() == ["1 whole 10", "1 kept 8 of 10"]


# -- the debounce


@pytest.mark.parametrize(("keys", "still_offered"), [("", CALL), ("co", CALL), (CALL, ""), ("y", "")])
def test_what_is_on_the_screen(keys: str, still_offered: str) -> None:
    screen = offered()
    screen.type(keys)
    screen.tracker.observe(screen.split)
    assert screen.tracker.offered == still_offered


def dismissed(times: int) -> Screen:
    """Suggestions were dismissed this many times in a row."""
    screen = Screen("x = ‸")
    for _ in range(times):
        screen.ask(CALL)
        screen.type("y")
        screen.ask(None)
    return screen


def test_dismissals_in_a_row_lengthen_the_debounce_within_bounds() -> None:
    factors = [dismissed(times).tracker.debounce_factor for times in range(20)]
    assert factors[:5] == [1.0] * 5
    assert factors == sorted(factors)
    assert factors[-1] == 2.0


@pytest.mark.parametrize(("keys", "taken"), [("com", False), ("comp", True), (CALL, True)])
def test_a_few_typed_characters_take_a_suggestion(keys: str, taken: bool) -> None:
    screen = dismissed(10)
    screen.ask(CALL)
    screen.type(keys)
    screen.ask(None)
    assert (screen.tracker.debounce_factor == 1.0) is taken


@pytest.mark.parametrize("part", ["compute", CALL])
def test_accepting_takes_a_suggestion(part: str) -> None:
    screen = dismissed(10)
    screen.ask(CALL)
    screen.insert(part)
    assert screen.tracker.debounce_factor == 1.0


# -- whatever happens

TEXT = "one(two)\n    three"
steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, len(TEXT))),
        st.tuples(st.just("type"), st.integers(1, 3)),
        st.tuples(st.just("ask"), st.just(0)),
        st.tuples(st.just("whole"), st.integers(0, 3)),
        st.tuples(st.just("part"), st.integers(0, 30)),
        st.tuples(st.just("wrong"), st.just(0)),
        st.tuples(st.just("undo"), st.integers(1, 5)),
    ),
    max_size=15,
)


@given(steps=steps)
def test_no_character_is_accepted_twice_and_no_more_are_kept(steps: list[tuple[str, int]]) -> None:
    """Whatever the editor does and reports, in any order."""
    screen = Screen("‸\n")
    screen.ask(TEXT)
    for what, number in steps:
        typed = screen.text[: -len("\n")]
        rest = TEXT.removeprefix(typed) if TEXT.startswith(typed) else ""
        match what:
            case "take" if rest:
                screen.insert(rest[:number])
            case "type":
                screen.type(rest[:number])
            case "ask":
                screen.ask(rest or None)
            case "whole":
                screen.tracker.accepted(number)
            case "part":
                screen.tracker.accepted(1, number)
            case "wrong":
                screen.type("x")
            case "undo" if screen.cursor[1] >= number:
                screen.erase(number)
    screen.timers.expire()
    screen.tracker.close()
    for number in {event.suggestion for event in screen.events if isinstance(event, SuggestionShown)}:
        accepted = [
            event for event in screen.events if isinstance(event, SuggestionAccepted) and event.suggestion == number
        ]
        kept = [event for event in screen.events if isinstance(event, TextKept) and event.suggestion == number]
        assert sum(event.characters for event in accepted) <= len(TEXT)
        assert all(event.characters > 0 for event in accepted)
        assert all(event.kept <= event.accepted for event in kept)
        assert sum(event.accepted for event in kept) <= sum(event.characters for event in accepted)
