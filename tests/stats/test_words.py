"""Numbers, as a person reads them."""

from __future__ import annotations

import pytest

from fim_lsp.stats import words
from fim_lsp.stats.counts import Source
from fim_lsp.stats.prices import Cost
from fim_lsp.stats.report import Percentiles


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (950, "950"), (9_999, "9,999"), (12_340, "12.3k"), (200_000, "200k"), (1_400_000, "1.4M"), (2e9, "2G")],
)
def test_large_numbers_are_short(value: int, written: str) -> None:
    assert words.short(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0 B"), (999, "999 B"), (4200, "4.2 kB"), (1_300_000, "1.3 MB"), (2_500_000_000, "2.5 GB")],
)
def test_bytes_have_a_unit(value: int, written: str) -> None:
    assert words.size(value) == written


@pytest.mark.parametrize(
    ("cost", "written"),
    [
        (Cost(), "$0.00"), (Cost(dollars=0.001), "< $0.01"), (Cost(dollars=1234.5), "$1,234.50"),
        (Cost(dollars=1, estimated=0.5), "~$1.00"), (Cost(dollars=1, estimated=0.001), "$1.00"),
    ],
)  # fmt: skip
def test_money_says_whether_it_is_estimated(cost: Cost, written: str) -> None:
    assert words.dollars(cost) == written


@pytest.mark.parametrize(("value", "written"), [(0.0004, "0 ms"), (0.41, "410 ms"), (0.9996, "1.0 s"), (2.5, "2.5 s")])
def test_durations_have_a_unit(value: float, written: str) -> None:
    assert words.seconds(value) == written


def test_what_is_not_known_is_a_dash() -> None:
    assert (words.share(None), words.rate(None), words.latency(None)) == ("–", "–", "–")
    assert (words.share(0.314), words.rate(0.04), words.rate(118.2)) == ("31 %", "0.04", "118")
    assert words.latency(Percentiles(p50=0.4, p90=1.2, p99=2)) == "400 ms / 1.2 s / 2.0 s"


def test_things_are_counted() -> None:
    assert (words.counted(1, "call"), words.counted(1200, "call")) == ("1 call", "1,200 calls")


def test_a_back_end_is_named_with_its_model_and_host() -> None:
    assert (
        words.name(Source(backend="llamacpp", model="qwen", host="127.0.0.1:8012"))
        == "llamacpp · qwen · 127.0.0.1:8012"
    )
    assert words.name(Source(backend="")) == "no back end asked"
