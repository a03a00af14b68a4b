"""What one day's suggestions cost and brought, in four numbers."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from statistics import median as middle

from fim_lsp.stats.counts import CallCounts, Latency, total
from fim_lsp.stats.histogram import merged, percentile
from fim_lsp.stats.reading import read_counts
from fim_lsp.stats.retention import number_of
from fim_lsp.stats.store import StatsStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """``latency`` is the median of the calls that were answered, in seconds; None if there are none.

    ``tokens`` were sent and received, counted or estimated. ``accepted`` suggestions were taken at least in part.
    """

    latency: float | None
    tokens: int
    calls: int
    accepted: int


def read_usage(store: StatsStore, *, today: datetime.date | None = None) -> Usage:
    """One day's numbers, zeros without a file. Raises :class:`~fim_lsp.errors.StatsUnavailable`."""
    counts = read_counts(store, number_of(today or datetime.date.today()))
    calls = total(CallCounts, (row.counts for row in counts.calls))
    return Usage(
        latency=percentile(merged(row.histogram for row in counts.durations if row.kind == Latency.CALL), 0.5),
        tokens=calls.tokens,
        calls=calls.calls,
        accepted=sum(row.counts.accepted for row in counts.suggestions),
    )


def median(seconds: Collection[float]) -> float | None:
    """The median, None of nothing."""
    return middle(seconds) if seconds else None
