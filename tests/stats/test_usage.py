"""One day's numbers."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from fim_lsp.stats.histogram import MAX_ERROR
from fim_lsp.stats.store import StatsStore
from fim_lsp.stats.usage import Usage, median, read_usage
from tests.stats.samples import LOCAL_CALL, ONE_SUGGESTION, batch

DAY = datetime.date(2026, 11, 26)


def test_a_days_numbers_of_all_sources(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    store.add(batch(*ONE_SUGGESTION, LOCAL_CALL))
    found = read_usage(store, today=DAY)
    assert (found.tokens, found.calls, found.accepted) == (2080, 2, 1)
    assert found.latency == pytest.approx(0.4, rel=MAX_ERROR)
    assert read_usage(store, today=DAY + datetime.timedelta(days=1)).calls == 0


def test_nothing_has_been_counted(tmp_path: Path) -> None:
    nothing = Usage(latency=None, tokens=0, calls=0, accepted=0)
    assert read_usage(StatsStore(tmp_path / "stats.sqlite3"), today=DAY) == nothing
    assert median([]) is None
    assert median([0.4, 0.1, 0.3]) == 0.3
