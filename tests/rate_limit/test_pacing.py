"""What is saved, and in which order: the prompt, the debounce, and then the call."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.rate_limit.pacing import Degradation, TokenBucket, degrade
from fim_lsp.rate_limit.sliding_window import Rate

# headroom, tokens a second, calls a second -> prompt share, debounce factor
TABLE = {
    "a fresh minute is free": (0.9, 100, 3, 1.0, 1.0),
    "slow enough": (0.1, 1000, 0.8, 1.0, 1.0),
    "a little too fast": (0.1, 880, 0.85, 0.8, 1.0),
    "a smaller prompt is enough": (0.1, 880, 2.0, 0.32, 1.0),
    "then the wait is longer": (0.1, 880, 4.0, 0.25, 1.58),
    "to an end": (0.1, 0, 4.0, 0.25, 4.0),
}


@pytest.mark.parametrize("case", TABLE)
def test_degrade(case: str) -> None:
    headroom, tokens, demand, share, factor = TABLE[case]
    rate = Rate(tokens=tokens, requests=math.inf)
    found = degrade(headroom=headroom, rate=rate, demand=demand, prompt=1200, output=48)
    assert found.prompt_share == share
    assert found.debounce_factor == pytest.approx(factor, abs=0.01)


def test_a_prompt_does_not_alternate_between_two_sizes() -> None:
    share = 0.7
    for tokens, expected in ((1000, 0.7), (1020, 0.7), (1110, 0.8), (1010, 0.8), (900, 0.7)):
        rate = Rate(tokens=tokens, requests=math.inf)
        share = degrade(headroom=0, rate=rate, demand=1, prompt=1200, output=48, last_share=share).prompt_share
        assert share == expected


def test_too_many_requests_lengthen_the_debounce_only() -> None:
    found = degrade(headroom=0, rate=Rate(tokens=math.inf, requests=1), demand=2, prompt=1200, output=48)
    assert found == Degradation(prompt_share=1.0, debounce_factor=2.0)


@given(
    st.floats(0, 1), st.floats(0, 5000), st.floats(0, 10), st.floats(0, 20), st.integers(0, 4000), st.integers(0, 500)
)
def test_a_degradation_stays_within_its_ranges(
    headroom: float, tokens: float, requests: float, demand: float, prompt: int, output: int
) -> None:
    rate = Rate(tokens=tokens, requests=requests)
    found = degrade(headroom=headroom, rate=rate, demand=demand, prompt=prompt, output=output)
    assert 0.25 <= found.prompt_share <= 1
    assert 1 <= found.debounce_factor <= 4


def test_a_bucket_spreads_calls() -> None:
    now, bucket, made = 1000.0, TokenBucket(1000.0), 0
    for _ in range(600):  # a call is wanted every tenth of a second, and the rate is one in ten seconds
        bucket.refill(now, 0.1)
        if bucket.wait(0.1) == 0:
            bucket.take()
            made += 1
        now += 0.1
    assert 3 + 5 <= made <= 3 + 6
    assert bucket.wait(0) in {0, 1}


def test_asking_a_bucket_how_long_to_wait_changes_nothing() -> None:
    bucket = TokenBucket(0)
    for _ in range(3):
        bucket.take()
    bucket.refill(5, 0.1)
    assert [bucket.wait(0.1) for _ in range(3)] == [5, 5, 5]
