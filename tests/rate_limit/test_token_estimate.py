"""Tokens from characters: safe at first, right once a server has charged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.rate_limit.token_estimate import Estimator

CALLS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 500)), max_size=20)


@pytest.mark.parametrize(("language", "expected"), [("python", 1003), ("go", 1185)])
def test_the_first_estimate_is_an_upper_one(language: str, expected: int) -> None:
    assert Estimator().tokens(2600, "codestral", language) == expected


def test_estimates_approach_what_is_charged() -> None:
    estimator = Estimator()
    for _ in range(12):
        estimator.learn(4000, "codestral", "rust", 1003)
    assert estimator.tokens(4000, "codestral", "rust") == pytest.approx(1003, rel=0.01)


def test_each_model_and_language_is_learned_separately() -> None:
    estimator = Estimator()
    estimator.learn(4000, "codestral", "rust", 1003)
    assert estimator.tokens(4000, "codestral", "lua") == Estimator().tokens(4000, "codestral", "lua")
    assert estimator.tokens(4000, "other", "rust") == Estimator().tokens(4000, "other", "rust")


def test_nothing_is_learned_from_a_tiny_prompt() -> None:
    estimator = Estimator()
    estimator.learn(5, "codestral", "rust", 30)
    assert estimator.tokens(4000, "codestral", "rust") == Estimator().tokens(4000, "codestral", "rust")


def test_a_typical_answer_is_reserved_rather_than_the_maximum() -> None:
    estimator = Estimator()
    assert estimator.output(128, "codestral", "rust") == 48
    assert estimator.output(16, "codestral", "rust") == 16
    for _ in range(30):
        estimator.learn(4000, "codestral", "rust", 1003, 12)
    assert estimator.output(None, "codestral", "rust") < 16


@given(CALLS, st.integers(0, 20_000), st.sampled_from(["go", "python"]))
def test_characters_never_exceed_the_tokens_they_were_computed_for(
    calls: list[tuple[int, int, int]], tokens: int, language: str
) -> None:
    estimator = Estimator()
    for characters, prompt, completion in calls:
        estimator.learn(characters, "m", language, prompt, completion)
    room = estimator.characters(tokens, "m", language)
    assert estimator.tokens(room, "m", language) <= max(tokens, 3)
    assert estimator.tokens(room + 7, "m", language) > tokens


@given(CALLS)
def test_absurd_reports_keep_the_factor_within_its_range(calls: list[tuple[int, int, int]]) -> None:
    estimator = Estimator()
    for characters, prompt, completion in calls:
        estimator.learn(characters, "m", "python", prompt, completion)
    assert 3 + 6000 / 6 - 1 <= estimator.tokens(6000, "m", "python") <= 3 + 6000 / 1.5 + 1
    assert 0 <= estimator.output(None, "m", "python") <= 1000


def test_the_number_of_entries_is_bounded() -> None:
    estimator = Estimator()
    for number in range(2000):
        estimator.learn(1000, f"model {number}", "python", 400)
    assert len(estimator._learned) <= 256
