"""Counts, read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fim_lsp.stats.counts import CallCounts, Egress, Source, SuggestionCounts
from fim_lsp.stats.reading import Counts, read_counts
from fim_lsp.stats.store import StatsStore
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
