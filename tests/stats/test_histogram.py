"""Durations in logarithmic buckets."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.stats.histogram import MAX_ERROR, bucket_of, decode, encode, merged, percentile

durations = st.floats(0.001, 3600)
histograms = st.dictionaries(st.integers(0, 174), st.integers(1, 10**9))


@given(st.lists(durations, min_size=1), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_percentile_is_off_by_less_than_is_said(seconds: list[float], share: float) -> None:
    histogram = merged({bucket_of(one): 1} for one in seconds)
    true = sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    found = percentile(histogram, share)
    assert found is not None
    assert abs(found - true) <= true * MAX_ERROR * 1.000001
    assert MAX_ERROR < 0.05


@given(histograms)
def test_a_histogram_is_the_same_after_storing(histogram: dict[int, int]) -> None:
    assert decode(encode(histogram)) == histogram


@given(st.binary(max_size=200))
def test_damage_makes_no_error(data: bytes) -> None:
    assert percentile(decode(data), 0.5) != 0


@pytest.mark.parametrize("seconds", [math.nan, -1, 0, 0.0005])
def test_what_is_shorter_than_a_millisecond_counts_as_one(seconds: float) -> None:
    assert percentile({bucket_of(seconds): 1}, 0.5) == 0.001


@pytest.mark.parametrize("seconds", [4000, math.inf])
def test_what_is_longer_than_an_hour_counts_as_one(seconds: float) -> None:
    assert percentile({bucket_of(seconds): 1}, 0.99) == pytest.approx(3600, rel=MAX_ERROR)


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile({}, 0.5) is None


def test_a_busy_days_latencies_take_a_hundred_bytes() -> None:
    assert len(encode({bucket_of(0.2 * 1.01**step): 15 for step in range(100)})) < 100
