"""The progress of the index reaches the events of the session."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from fim_lsp.ngram.workspace_index import WorkspaceIndex
from fim_lsp.schedule.events import IndexingProgress
from fim_lsp.session.event_ring import EventRing
from fim_lsp.session.indexing import index_folder, index_keeper, observe_indexing


async def test_progress_is_published_in_the_loops_thread() -> None:
    index, ring, seen = WorkspaceIndex(threading.Lock()), EventRing(), asyncio.Queue[tuple[IndexingProgress, int]]()
    ring.subscribe(IndexingProgress, lambda event: seen.put_nowait((event, threading.get_ident())))
    observe_indexing(index, ring)
    await asyncio.to_thread(index.progress.report, 3, 10, False)
    assert await seen.get() == (IndexingProgress(read=3, files=10, finished=False), threading.get_ident())


def test_a_loop_that_has_ended_is_no_failure() -> None:
    index = WorkspaceIndex(threading.Lock())
    observe_indexing(index, EventRing())  # no loop: nobody is told

    async def observe() -> None:
        observe_indexing(index, EventRing())

    asyncio.run(observe())
    index.progress.report(1, 1, True)


def test_indexes_are_kept_in_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fim_lsp.session.indexing.cache_folder", lambda: tmp_path)
    folder = index_folder()
    assert folder is not None
    assert folder == tmp_path / "index"
    folder.mkdir(parents=True)
    (folder / "0.index").touch()
    assert index_keeper(lambda: True).clear() == "1 kept index is deleted."
    assert list(folder.iterdir()) == []
