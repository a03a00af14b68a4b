"""What tokens cost."""

from __future__ import annotations

import pytest

from fim_lsp.stats.counts import CallCounts, Source
from fim_lsp.stats.prices import Cost, cost_of, price_of

MILLION = CallCounts(prompt_tokens=1_000_000, completion_tokens=1_000_000)


def source(model: str, *, local: bool = False) -> Source:
    return Source(backend="openai", model=model, host="api.example.com", local=local)


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("codestral-latest", 1.20),
        ("codestral-2508", 1.20),
        ("mistralai/codestral-2508", 1.20),
        ("mercury-edit-2", 1.00),
        ("my-model", 5.0),
        ("my-other-model", 6.0),
        ("codestral-mine", 0.0),
    ],
)
def test_a_model_costs_what_the_user_says_or_else_its_list_price(model: str, dollars: float) -> None:
    own = {"my-model": (1, 4), "my-*": (2.0, 4.0, 0.5), "codestral-mine": (0, 0)}
    assert cost_of(source(model), MILLION, own) == Cost(dollars=pytest.approx(dollars))


def test_an_unknown_model_has_tokens_but_no_price() -> None:
    counts = CallCounts(
        prompt_tokens=10, completion_tokens=20, estimated_prompt_tokens=30, estimated_completion_tokens=40
    )
    assert cost_of(source("unheard-of"), counts, {}) == Cost(unpriced_tokens=100)
    assert price_of("unheard-of", {}) is None


def test_a_server_on_this_machine_costs_nothing() -> None:
    assert cost_of(source("codestral-22b", local=True), MILLION, {}) == Cost()


def test_cached_tokens_cost_less_and_are_no_more_than_the_prompts() -> None:
    half = CallCounts(prompt_tokens=1_000_000, cached_tokens=500_000)
    assert cost_of(source("codestral-latest"), half, {}).dollars == pytest.approx(0.15 + 0.015)
    absurd = CallCounts(prompt_tokens=1_000_000, cached_tokens=9_000_000)
    assert cost_of(source("codestral-latest"), absurd, {}).dollars == pytest.approx(0.03)
    own_without_a_cached_price = {"m": (1.0, 1.0)}
    assert cost_of(source("m"), half, own_without_a_cached_price).dollars == pytest.approx(1)


def test_what_is_estimated_is_part_of_the_sum_and_marked() -> None:
    counts = CallCounts(
        prompt_tokens=1_000_000, estimated_prompt_tokens=1_000_000, estimated_completion_tokens=1_000_000
    )
    cost = cost_of(source("codestral-latest"), counts, {}) + Cost(dollars=1, unpriced_tokens=5)
    assert cost == Cost(dollars=pytest.approx(2.5), estimated=pytest.approx(1.2), unpriced_tokens=5)


def test_a_day_of_typing_costs_what_the_bench_says() -> None:
    from tests.bench.cost import Day

    counts = CallCounts(prompt_tokens=1_400_000, completion_tokens=56_000)
    expected = Day(calls=1_400, prompt_tokens=1_400_000).dollars
    assert cost_of(source("codestral-latest"), counts, {}).dollars == pytest.approx(expected)
