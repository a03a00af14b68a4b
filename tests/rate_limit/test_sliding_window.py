"""The arithmetic of the sliding window."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.rate_limit.sliding_window import (
    PAUSE,
    Entry,
    Limits,
    headroom,
    seconds_until_free,
    sustainable_rate,
    usage_window,
)


def call(expires_in: float, tokens: int, requests: int = 1, name: str = "call") -> Entry:
    return Entry(name=name, tokens=tokens, requests=requests, expires_in=expires_in)


HUNDRED = Limits(tokens=100, requests=3)

WAITS = {
    "nothing used": ([], 100, 0),
    "it just fits": ([call(10, 60)], 40, 0),
    "until enough has expired": ([call(30, 30), call(10, 20), call(20, 30)], 60, 20),
    "more than the limit": ([], 101, math.inf),
    "too many requests": ([call(5, 1), call(6, 1), call(7, 1)], 1, 5),
    "a pause": ([call(30, 0, 0, PAUSE)], 1, 30),
    "expired entries do not count": ([call(0, 100), call(-1, 100)], 100, 0),
}


@pytest.mark.parametrize("case", WAITS)
def test_seconds_until_free(case: str) -> None:
    entries, tokens, expected = WAITS[case]
    assert seconds_until_free(usage_window(entries), HUNDRED, tokens) == expected


def test_without_a_limit_everything_is_free() -> None:
    window = usage_window([call(10, 10**9)])
    assert seconds_until_free(window, Limits(), 10**9) == 0
    assert headroom(window, Limits()) == 1
    assert sustainable_rate(window, Limits()).tokens == math.inf


def test_a_setting_of_zero_means_no_limit() -> None:
    assert Limits.per_minute(requests=0, tokens=None) == Limits()
    assert Limits(tokens=5).tightest(Limits(tokens=3, requests=2)) == Limits(tokens=3, requests=2)


def test_an_empty_window_is_spent_evenly() -> None:
    assert sustainable_rate(usage_window([]), Limits(tokens=60_000)).tokens == 1000


def test_after_a_burst_the_rate_lasts_until_the_burst_expires() -> None:
    window = usage_window([call(50, 30_000)])
    assert sustainable_rate(window, Limits(tokens=60_000)).tokens == 600


ENTRIES = st.lists(st.builds(call, st.floats(0.1, 75), st.integers(0, 4000), st.just(1)), max_size=30)


@given(ENTRIES, st.integers(100, 60_000))
def test_the_rate_can_be_sustained_for_a_minute(entries: list[Entry], limit: int) -> None:
    window = usage_window(entries)
    rate = sustainable_rate(window, Limits(tokens=limit)).tokens
    for second in range(1, 60):
        spent = rate * second
        assert spent + window.after(second).tokens <= limit + 1e-6 or rate == 0


@given(ENTRIES, st.integers(1, 4000), st.integers(4000, 60_000), st.integers(1, 40))
def test_a_call_fits_after_the_wait_and_not_before(
    entries: list[Entry], tokens: int, limit: int, requests: int
) -> None:
    window, ceiling = usage_window(entries), Limits(tokens=limit, requests=requests)
    seconds = seconds_until_free(window, ceiling, tokens)
    assert seconds_until_free(window.after(seconds), ceiling, tokens) == 0
    if seconds > 0:
        assert seconds_until_free(window.after(seconds * 0.999), ceiling, tokens) > 0
