"""What the thread does, without the thread."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fim_lsp.errors import StatsUnavailable
from fim_lsp.stats.counts import CallCounts
from fim_lsp.stats.reading import read_counts
from fim_lsp.stats.servers import ServerInfo
from fim_lsp.stats.worker import Worker
from tests.stats.samples import CALL, batch

SERVER = ServerInfo(id="a", pid=1, started=0)


def test_what_could_not_be_written_is_written_once_the_file_can_be_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "state"
    folder.write_text("a file where the folder should be")
    worker = Worker()
    for _ in range(3):
        worker.write(folder / "stats.sqlite3", [(CALL, ("/w",))], SERVER)
        assert worker.is_failing
    assert len(caplog.messages) == 1
    with pytest.raises(StatsUnavailable):
        worker.read(folder / "stats.sqlite3", lambda store: store.add(batch(CALL)))
    with pytest.raises(StatsUnavailable, match=r"Not a directory|File exists"):
        worker.read(folder / "stats.sqlite3", lambda store: read_counts(store, 0))
    folder.unlink()
    worker.write(folder / "stats.sqlite3", [(CALL, ("/w",))], SERVER)
    assert not worker.is_failing
    counts = worker.read(folder / "stats.sqlite3", lambda store: read_counts(store, 0))
    assert [row.counts.calls for row in counts.calls] == [4]
    assert isinstance(counts.calls[0].counts, CallCounts)


def test_an_event_that_cannot_be_counted_is_dropped_with_its_batch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker()
    worker.write(tmp_path / "stats.sqlite3", [(object(), ("/w",))], SERVER)
    assert "KeyError" in caplog.text
    worker.write(tmp_path / "stats.sqlite3", [(CALL, ("/w",))], SERVER)
    counts = worker.read(tmp_path / "stats.sqlite3", lambda store: read_counts(store, 0))
    assert [row.counts.calls for row in counts.calls] == [1]


def test_the_end_does_not_wait_twice_for_a_file_that_another_process_keeps(tmp_path: Path) -> None:
    path = tmp_path / "stats.sqlite3"
    worker = Worker()
    worker.write(path, [(CALL, ("/w",))], SERVER)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        worker.write(path, [(CALL, ("/w",))], SERVER)
        other.execute("ROLLBACK")
        worker.close(path, SERVER.id)
        assert other.execute("SELECT id FROM servers").fetchall() == [(SERVER.id,)]
