"""Past acceptance, weighted by age."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp.schedule.events import Acceptance
from fim_lsp.stats.learning import HALF_LIFE, PastAcceptance, read_acceptance
from fim_lsp.stats.store import StatsStore
from tests.stats.samples import ACCEPTED, CALL, NOON, PLACE, SHOWN, batch


def test_there_is_none_without_a_file(tmp_path: Path) -> None:
    assert read_acceptance(StatsStore(tmp_path / "stats.sqlite3")) == {}


def test_older_suggestions_count_less_and_each_language_for_itself(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    rust = replace(SHOWN, place=replace(PLACE, language="rust"), at=NOON - HALF_LIFE * 86_400)
    old = replace(SHOWN, at=NOON - 200 * 86_400)
    store.add(
        batch(SHOWN, SHOWN, ACCEPTED, rust, old, replace(CALL, place=replace(PLACE, language="go"))), today=20261126
    )
    found = read_acceptance(store, today=datetime.date(2026, 11, 26))
    assert found == {
        "python": PastAcceptance(offered=2, accepted=1),
        "rust": PastAcceptance(offered=0.5, accepted=0),
    }
    store.reset()
    assert read_acceptance(store) == {}


def test_a_day_in_the_future_counts_as_today(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    store.add(batch(SHOWN), today=20261126)
    found = read_acceptance(store, today=datetime.date(2026, 11, 1))
    assert found["python"].offered == pytest.approx(1)


def test_what_was_typed_in_full_does_not_count(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    store.add(batch(SHOWN, SHOWN, replace(ACCEPTED, how=Acceptance.TYPED)), today=20261126)
    found = read_acceptance(store, today=datetime.date(2026, 11, 26))
    assert found == {"python": PastAcceptance(offered=1, accepted=0)}
