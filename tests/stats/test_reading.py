"""Counts, read back."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp.errors import StatsUnavailable
from fim_lsp.stats.counts import CallCounts, Egress, Source, SuggestionCounts
from fim_lsp.stats.reading import Counts, read_counts
from fim_lsp.stats.recent import read_recent
from fim_lsp.stats.report import make_report
from fim_lsp.stats.retention import date_of
from fim_lsp.stats.store import StatsStore
from fim_lsp.stats.text_report import egress, overview
from tests.stats.samples import ANSWERED, CALL, DAY, NOON, ONE_SUGGESTION, SHOWN, batch

SOURCE = Source(backend="codestral", model="codestral-latest", host="codestral.mistral.ai")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    assert read_counts(store, 0) == Counts()
    assert not read_counts(store, 0)
    store.add(batch(*ONE_SUGGESTION), today=DAY)
    found = read_counts(store, DAY)
    (suggestions,), (calls,) = found.suggestions, found.calls
    assert (suggestions.day, suggestions.language, suggestions.source) == (DAY, "python", SOURCE)
    assert suggestions.counts == SuggestionCounts(
        requests=1, called=1, shown=1, shown_characters=20, accepted=1, whole=1, accepted_characters=20,
        checked_characters=20, kept_characters=18,
    )  # fmt: skip
    assert calls.counts == CallCounts(
        calls=1, answered=1, http_requests=1, sent_bytes=4000, masked=1, prompt_tokens=1000, completion_tokens=40
    )
    assert sorted((row.kind, sum(row.histogram.values())) for row in found.durations) == [(0, 1), (1, 1), (2, 1)]
    assert [(row.folder, row.path, row.egress) for row in found.sent] == [
        ("/home/me/project", "src/main.py", Egress(first=NOON, last=NOON, calls=1, size=3000, masked=1)),
        ("/home/me/project", "src/util.py", Egress(first=NOON, last=NOON, calls=1, size=500, masked=0)),
    ]
    assert not read_counts(store, DAY + 1)


COLUMNS = [
    (table, column)
    for table, columns in {
        "suggestions": ("day", "language", "source", "shown"), "calls": ("day", "language", "source", "sent_bytes"),
        "durations": ("day", "source", "histogram"), "sources": ("id", "backend", "host"), "folders": ("folder",),
        "files": ("path",), "egress": ("day", "first", "size"),
    }.items()
    for column in columns
]  # fmt: skip


@pytest.mark.parametrize(("table", "column"), COLUMNS)
@pytest.mark.parametrize("value", ["x", None, b"\xff", -1, 1 << 62, 1.5])
def test_what_no_batch_has_written_is_damage(tmp_path: Path, table: str, column: str, value: object) -> None:
    """SQLite stores anything in any column. It is reported, or shown as it is, and never a traceback."""
    store = StatsStore(tmp_path / "stats.sqlite3")
    store.add(batch(*ONE_SUGGESTION), today=DAY)
    with closing(sqlite3.connect(store.path)) as db, db, contextlib.suppress(sqlite3.IntegrityError):
        db.execute(f"UPDATE {table} SET {column} = ?", (value,))  # noqa: S608 - names of ours
    day = date_of(DAY)
    with contextlib.suppress(StatsUnavailable):
        report = make_report(read_counts(store, 0), since=day, today=day, prices={})
        assert all(isinstance(line, str) for line in (*overview(report), *egress(report)))
        assert json.dumps(report.to_json())
    with contextlib.suppress(StatsUnavailable):
        read_recent(store)


def test_suggestions_that_were_counted_before_the_model_was_known_are_its_own(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    store.add(batch(SHOWN, ANSWERED, replace(SHOWN, backend="ngram")), today=DAY)
    store.add(batch(CALL, SHOWN), today=DAY)
    sources = [row.source for row in read_counts(store, 0).suggestions]
    assert sources.count(SOURCE) == 2
    assert sources.count(Source(backend="ngram", local=True)) == 1


def test_who_reads_does_not_keep_the_next_batch_out(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3", keep_open=True)
    for number in range(1, 4):
        store.add(batch(CALL), today=DAY)
        assert read_counts(store, 0).calls[0].counts.calls == number
    store.close()
