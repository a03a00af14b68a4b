"""Dismissed suggestions make calls less eager, until one is taken."""

from __future__ import annotations

import pytest

from fim_lsp.schedule.acceptance import AcceptanceTracker
from fim_lsp.suggest.suggestion import Suggestion
from tests.marked import split


def offered(text: str, tracker: AcceptanceTracker | None = None) -> AcceptanceTracker:
    tracker = tracker or AcceptanceTracker()
    tracker.offer(split("x = ‸"), Suggestion(text=text))
    return tracker


@pytest.mark.parametrize(
    ("marked", "still_offered"),
    [
        ("x = ‸", "compute()"),  # nothing was typed
        ("x = co‸", "compute()"),
        ("x = compute()‸", ""),  # accepted
        ("x = y‸", ""),  # something else was typed
        ("y‸", ""),  # the cursor is elsewhere
    ],
)
def test_what_is_on_the_screen(marked: str, still_offered: str) -> None:
    tracker = offered("compute()")
    tracker.observe(split(marked))
    assert tracker.offered == still_offered


def test_dismissals_in_a_row_lengthen_the_debounce_within_bounds() -> None:
    tracker, factors = AcceptanceTracker(), []
    for _ in range(20):
        offered("compute()", tracker).observe(split("x = y‸"))
        factors.append(tracker.debounce_factor)
    assert factors[0] == 1.0
    assert factors == sorted(factors)
    assert factors[-1] == 2.0


@pytest.mark.parametrize(("typed", "taken"), [("com", False), ("comp", True), ("compute()", True)])
def test_a_few_typed_characters_take_a_suggestion(typed: str, taken: bool) -> None:
    tracker = AcceptanceTracker()
    for _ in range(10):
        offered("compute()", tracker).observe(split("x = y‸"))
    offered("compute()", tracker).observe(split(f"x = {typed}‸"))
    assert (tracker.debounce_factor == 1.0) is taken
