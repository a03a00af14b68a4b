"""Brings the progress of the index, which has a thread of its own, to the session's events."""

from __future__ import annotations

import asyncio
import contextlib

from fim_lsp.ngram.workspace_index import WorkspaceIndex
from fim_lsp.schedule.events import IndexingProgress
from fim_lsp.session.event_ring import EventRing


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
