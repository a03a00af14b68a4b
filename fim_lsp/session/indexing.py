"""Connects the index, which has a thread of its own, with the session: its progress, and where it is kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from fim_lsp.ngram.index_cache import IndexCache
from fim_lsp.ngram.index_keeper import IndexKeeper
from fim_lsp.ngram.workspace_index import WorkspaceIndex
from fim_lsp.schedule.events import IndexingProgress
from fim_lsp.session.event_ring import EventRing
from fim_lsp.settings.sources import cache_folder


def observe_indexing(index: WorkspaceIndex, events: EventRing) -> None:
    """Publish the progress in the running event loop's thread. Without a running loop, nobody can be told."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return

    def report(read: int, files: int, finished: bool) -> None:
        event = IndexingProgress(read=read, files=files, finished=finished)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(events.publish, event)

    index.progress.report = report


def index_keeper(may_keep: Callable[[], bool]) -> IndexKeeper:
    """Keeps indexes in the user's cache directory; ``may_keep`` is the keeper's."""
    return IndexKeeper(IndexCache(index_folder), may_keep=may_keep)


def index_folder() -> Path | None:
    """Where indexes are kept; None for a user without a home directory."""
    folder = cache_folder()
    return folder and folder / "index"
