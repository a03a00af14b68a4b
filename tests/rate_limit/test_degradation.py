"""What is saved on, and in which order: the prompt, the wait, and then the call."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.rate_limit.degradation import Degradation, degrade
from fim_lsp.rate_limit.sliding_window import Pace
from fim_lsp.rate_limit.token_bucket import TokenBucket
from tests.rate_limit.clock import Clock

# room, tokens a second, calls a second -> prompt, debounce
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
    room, tokens, wanted, prompt, debounce = TABLE[case]
    found = degrade(room=room, pace=Pace(tokens=tokens, requests=math.inf), wanted=wanted, prompt=1200, output=48,
                    before=Degradation())  # fmt: skip
    assert found.prompt == prompt
    assert found.debounce == pytest.approx(debounce, abs=0.01)


def test_it_does_not_flip_between_two_sizes() -> None:
    before = Degradation(prompt=0.7)
    for tokens, expected in ((1000, 0.7), (1020, 0.7), (1110, 0.8), (1010, 0.8), (900, 0.7)):
        before = degrade(room=0, pace=Pace(tokens=tokens, requests=math.inf), wanted=1, prompt=1200, output=48,
                         before=before)  # fmt: skip
        assert before.prompt == expected


def test_too_many_requests_lengthen_the_wait_and_leave_the_prompt() -> None:
    found = degrade(room=0, pace=Pace(tokens=math.inf, requests=1), wanted=2, prompt=1200, output=48)
    assert found == Degradation(prompt=1.0, debounce=2.0)


@given(
    st.floats(0, 1), st.floats(0, 5000), st.floats(0, 10), st.floats(0, 20), st.integers(0, 4000), st.integers(0, 500)
)
def test_it_stays_within_its_ranges(
    room: float, tokens: float, requests: float, wanted: float, prompt: int, output: int
) -> None:
    pace = Pace(tokens=tokens, requests=requests)
    found = degrade(room=room, pace=pace, wanted=wanted, prompt=prompt, output=output)
    assert 0.25 <= found.prompt <= 1
    assert 1 <= found.debounce <= 4


def test_a_ration_spreads_what_bunches() -> None:
    clock = Clock()
    ration, pace = TokenBucket(clock), Pace(tokens=100, requests=math.inf)
    made = 0
    for _ in range(600):  # a call wanted every tenth of a second; the pace is one in ten seconds
        if ration.wait(1000, pace) == 0:
            ration.spend()
            made += 1
        clock.now += 0.1
    assert 3 + 5 <= made <= 3 + 6
    assert ration.wait(1000, Pace(tokens=0, requests=0)) in {0, 1}
