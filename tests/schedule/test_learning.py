"""What the shares of suggestions that are taken do to the debounce."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.schedule.debounce import AdaptiveDebounce
from fim_lsp.schedule.events import Acceptance, Place, SuggestionAccepted, SuggestionShown
from fim_lsp.schedule.learning import AcceptanceRates, Taking
from fim_lsp.schedule.request import Outcome
from tests.marked import split


def show(rates: AcceptanceRates, suggestion: int, language: str = "python") -> None:
    place = Place(path="a.py", language=language, line=0, column=0)
    rates.on_shown(
        SuggestionShown(
            suggestion=suggestion, at=0.0, place=place, backend="b", outcome=Outcome.CALL, lines=1, characters=5
        )
    )


def take(rates: AcceptanceRates, suggestion: int, how: Acceptance = Acceptance.WHOLE, language: str = "python") -> None:
    rates.on_accepted(
        SuggestionAccepted(
            suggestion=suggestion, at=0.0, language=language, backend="b", how=how, characters=5, by_command=False
        )
    )


@pytest.mark.parametrize(
    ("offered", "taken", "factor"),
    [
        (0, 0, 1.0),
        (10, 0, 1.0),  # too few to say
        (20, 0, 1.0),
        (60, 0, 1.5),
        (100, 5, 1.25),
        (100, 10, 1.0),
        (100, 30, 1.0),
        (100, 60, 0.844),
        (100, 100, 0.8),
        (3, 3, 0.997),
    ],
)
def test_the_factor(offered: float, taken: float, factor: float) -> None:
    assert Taking(offered=offered, taken=taken).debounce_factor == pytest.approx(factor, abs=0.001)


@given(offered=st.floats(0, 100), share=st.floats(0, 1), more=st.floats(0, 1))
def test_the_factor_is_bounded_and_falls_with_the_share(offered: float, share: float, more: float) -> None:
    less, greater = sorted((share, more))
    factors = [Taking(offered=offered, taken=offered * it).debounce_factor for it in (less, greater)]
    assert 0.8 <= factors[1] <= factors[0] <= 2.0


@pytest.mark.parametrize(
    ("marked", "offered", "taken", "pause"),
    [
        ("x = co‸", 59, 0, 0.0),  # too few to say
        ("x = co‸", 60, 0, 0.6),
        ("x = co‸", 100, 2, 0.6),
        ("x = co‸", 100, 3, 0.0),
        ("‸", 100, 0, 0.0),  # on a new line, they still come at once
        ("y\n    ‸", 100, 0, 0.0),
    ],
)
def test_where_they_are_rarely_taken_they_come_after_a_pause(
    marked: str, offered: float, taken: float, pause: float
) -> None:
    taking = Taking(offered=offered, taken=taken)
    assert taking.pause(split(marked)) == pause
    debounce = AdaptiveDebounce()
    debounce.edited(0.0)
    assert (debounce.due(0.0, split(marked), 1.0, taking) >= 0.6) is (pause > 0)


def test_a_debounce_that_the_user_chose_is_not_changed() -> None:
    debounce = AdaptiveDebounce(0.2)
    debounce.edited(0.0)
    assert debounce.due(0.0, split("x = co‸"), 1.0, Taking(offered=100, taken=0)) == 0.2


@given(marked=st.sampled_from(["‸", "x‸", "x = ‸", "f()‸"]), factor=st.floats(1, 4), gaps=st.lists(st.floats(0.01, 2)))
def test_without_data_nothing_changes(marked: str, factor: float, gaps: list[float]) -> None:
    debounce, at = AdaptiveDebounce(), 0.0
    for gap in gaps:
        debounce.edited(at := at + gap)
    wait = debounce.wait(split(marked)) * factor
    expected = at + wait if gaps else 9.0
    assert debounce.due(9.0, split(marked), factor, AcceptanceRates().of("python")) == expected


def test_each_suggestion_is_counted_once_by_language() -> None:
    rates = AcceptanceRates()
    for number in range(1, 11):
        show(rates, number)
    for how in (Acceptance.WORD, Acceptance.WORD, Acceptance.WHOLE):
        take(rates, 1, how)
    take(rates, 2)
    take(rates, 1, Acceptance.LINE)
    take(rates, 3, Acceptance.TYPED)
    show(rates, 11, "markdown")
    assert rates.of("python") == Taking(offered=9, taken=2)
    assert rates.of("markdown") == Taking(offered=1, taken=0)
    assert rates.of("rust") == Taking()


def test_only_the_last_hundred_count() -> None:
    rates = AcceptanceRates()
    for number in range(300):
        show(rates, number)
    assert rates.of("python").offered == pytest.approx(100)
    assert rates.of("python").is_rare
    for number in range(300, 320):
        show(rates, number)
        take(rates, number)
    assert not rates.of("python").is_rare
    assert rates.of("python").debounce_factor == 1.0


def test_one_who_begins_to_take_them_has_them_everywhere_soon() -> None:
    rates = AcceptanceRates()
    rates.start_with({"python": Taking(offered=1000, taken=0)})
    taken = 0
    while rates.of("python").is_rare:
        taken += 1
        show(rates, taken)
        take(rates, taken)
    assert taken <= 4


@pytest.mark.parametrize(
    ("offered", "taken", "sentence"),
    [
        (0, 0, ""),
        (20, 0, "python: you took 0 of the last 20 suggestions; waits are 1.0 times the usual"),
        (100, 31, "python: you took 31 of the last 100 suggestions; waits are 1.0 times the usual"),
        (1000, 20, "python: you took 2 of the last 100 suggestions; waits are 1.5 times the usual; in the middle of a line, "
                   "they come after 0.6 s without a key"),
    ],
)  # fmt: skip
def test_what_is_known_is_said(offered: float, taken: float, sentence: str) -> None:
    rates = AcceptanceRates()
    rates.start_with({"python": Taking(offered=offered, taken=taken)})
    assert rates.describe("python") == sentence


def test_it_can_be_turned_off_and_erased() -> None:
    rates = AcceptanceRates()
    rates.start_with({"python": Taking(offered=100, taken=0)})
    rates.enabled = False
    show(rates, 1)
    assert rates.of("python") == Taking()
    assert rates.describe("python") == ""
    rates.enabled = True
    assert rates.of("python").is_rare
    rates.forget()
    assert rates.of("python") == Taking()
