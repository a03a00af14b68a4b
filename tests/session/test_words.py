"""Times and back ends, as a user reads them."""

from __future__ import annotations

import math
import time

import pytest

from fim_lsp.session.words import source_of, time_of_day, with_fallback

NOON = time.mktime((2026, 11, 26, 12, 0, 0, 0, 0, -1))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "12:00"),
        (1, "12:01"),
        (60, "12:01"),
        (7_500, "14:05"),
        (43_199, "00:00 tomorrow"),
        (80_000, "10:14 tomorrow"),
        (1e18, "a later day"),
        (math.nan, "a later day"),
    ],
)
def test_a_time_to_come_is_a_full_minute_that_is_not_too_early(seconds: float, words: str) -> None:
    assert time_of_day(NOON + seconds, NOON) == words


def test_the_embedded_back_end_is_the_users_own_files() -> None:
    assert source_of("codestral") == "codestral"
    assert source_of("ngram") == "your own files (ngram)"
    assert with_fallback("it is not there", "ngram").endswith(
        "; meanwhile suggestions come from your own files (ngram)"
    )
    assert with_fallback("it is not there", "") == "it is not there"
