"""Errors are sentences for the user."""

from __future__ import annotations

import math

import pytest

from fim_lsp.errors import BackendError, Paused, Withheld, duration


def test_a_withheld_prompt_was_not_sent_and_counts_as_a_pause() -> None:
    error = Withheld("the settings have changed")
    assert isinstance(error, Paused)
    assert not error.sent
    assert BackendError("x").sent


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "a moment"), (1, "1 s"), (59.6, "60 s"), (180, "about 3 minutes"), (18_000, "about 5 hours"),
        (1e9, "more than a day"), (math.inf, "more than a day"), (math.nan, "more than a day"), (-5, "a moment"),
    ],
)  # fmt: skip
def test_durations_are_for_people(seconds: float, words: str) -> None:
    assert duration(seconds) == words
