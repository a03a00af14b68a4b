"""Counts one session's events in memory, and adds them to the file every few seconds in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from fim_lsp.schedule.events import (
    BackendEvent,
    CallEnded,
    RequestAnswered,
    SettingsChanged,
    SuggestionAccepted,
    SuggestionDismissed,
    SuggestionShown,
    TextKept,
)
from fim_lsp.settings.sources import state_folder
from fim_lsp.stats.servers import ServerInfo

if TYPE_CHECKING:
    from fim_lsp.stats.learning import PastAcceptance
    from fim_lsp.stats.store import StatsStore
    from fim_lsp.stats.worker import Worker

_T = TypeVar("_T")

FILE_NAME: Final = "stats.sqlite3"
INTERVAL: Final = 10.0
"""Seconds from the first event to the writing of a batch. What happens in the meantime is lost in a crash."""

_MAX_INTERVAL = 600.0  # seconds between attempts while the file can't be used
_COUNTED: Final = (
    RequestAnswered,
    CallEnded,
    BackendEvent,
    SuggestionShown,
    SuggestionAccepted,
    SuggestionDismissed,
    TextKept,
)


Subscribe: TypeAlias = Callable[[type[Any], Callable[[Any], None]], None]
""":meth:`fim_lsp.session.event_ring.EventRing.subscribe`."""


def stats_path() -> Path | None:
    """The file of the counts; ``None`` for a user without a home directory."""
    folder = state_folder()
    return folder / FILE_NAME if folder else None


class Recorder:
    """Created once for each session, in its event loop; counts nothing before :meth:`configure`.

    Nothing that happens to the file reaches the session: what can't be written is logged once, and kept in memory for a
    later attempt.
    """

    def __init__(
        self,
        subscribe: Subscribe,
        *,
        status: Callable[[], str] = str,
        path: Callable[[], Path | None] = stats_path,
        interval: float = INTERVAL,
    ) -> None:
        """``status`` is the session's in one line, for :func:`~fim_lsp.stats.recent.read_recent` in another process."""
        self._status = status
        self._find_path = path
        self._path: Path | None = None
        self._first_interval = self._interval = interval
        self._enabled = False
        self._folders: tuple[str, ...] = ()
        self._events: list[tuple[Any, tuple[str, ...]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._server = ServerInfo(id=_unique(), pid=os.getpid(), started=time.time())
        self.on_reset: Callable[[], None] = lambda: None
        """Called in the event loop, with the next batch, after ``fim-lsp stats --reset``."""
        self._loop: asyncio.AbstractEventLoop | None = None  # of the session, once something is done in the thread
        self._worker: Worker | None = None  # created in the thread: what it imports takes as long as a hundred keys
        for kind in _COUNTED:
            subscribe(kind, self._take)
        subscribe(SettingsChanged, self._settings_changed)

    def configure(self, *, enabled: bool, roots: Sequence[Path] = ()) -> None:
        """Count or not, from now on. ``roots`` are the folders of the workspace, which paths are relative to.

        A session that counts no longer is no longer listed as running either: what the file says of it would become old.
        """
        self._folders = tuple(map(str, roots))
        self._server = replace(self._server, workspace=os.pathsep.join(self._folders))
        if enabled and self._path is None:
            self._path = self._find_path()
        did_count, self._enabled = self._enabled, enabled and self._path is not None
        if not self._enabled:
            self._events.clear()
            if did_count:
                self._leave()

    def set_client(self, name: str) -> None:
        """The name of the editor."""
        self._server = replace(self._server, client=name)

    def load_acceptance(self, done: Callable[[Mapping[str, PastAcceptance]], None]) -> None:
        """Call ``done`` with how suggestions of the last weeks fared, by language. Never, if there is nothing to read."""
        if not self._enabled or self._path is None or not self._path.exists():
            return
        loop = self._loop = asyncio.get_running_loop()

        def deliver(found: Mapping[str, PastAcceptance]) -> None:
            try:
                loop.call_soon_threadsafe(done, found)
            except RuntimeError:  # the loop is closed
                return

        path = self._path
        self._submit(lambda worker: worker.load_acceptance(path, deliver))

    async def read(self, work: Callable[[StatsStore], _T]) -> _T | None:
        """The result of ``work`` with the file, once everything counted so far is in it; None if nothing is counted.

        Raises :class:`~fim_lsp.errors.StatsUnavailable`.
        """
        self._flush()
        if not self._enabled or self._path is None:
            return None
        path = self._path
        return await asyncio.wrap_future(self._submit(lambda worker: worker.read(path, work)))

    def close(self, *, wait: bool = False) -> None:
        """Write what has been counted. Python waits for that before it exits; ``wait`` does so here."""
        if self._timer is not None:
            self._flush()
        self._leave()
        self._enabled = False
        if self._thread is not None:
            self._thread.shutdown(wait=wait)

    def _leave(self) -> None:
        """Have the session no longer listed, and the file closed, if it was used."""
        if (path := self._path) and self._thread is not None:
            self._submit(lambda worker: worker.close(path, self._server.id))

    # -- events

    def _take(self, event: Any) -> None:
        """Note an event. It is counted later, in the thread: a key must not wait for that."""
        if self._enabled:
            self._events.append((event, self._folders))
            if self._timer is None:
                self._loop = asyncio.get_running_loop()
                self._timer = self._loop.call_later(self._interval, self._flush)

    def _settings_changed(self, event: SettingsChanged) -> None:
        self._server = replace(self._server, problems=event.problems)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        events, self._events = self._events, []
        path, worker = self._path, self._worker
        if worker is not None and worker.has_stopped:
            self._enabled = False
        if not self._enabled or path is None:
            return
        self._server = server = replace(self._server, status=self._status())
        failing = worker is not None and worker.is_failing
        self._interval = min(2 * self._interval, _MAX_INTERVAL) if failing else self._first_interval
        self._submit(lambda worker: worker.write(path, events, server))

    def _submit(self, work: Callable[[Worker], _T]) -> Future[_T]:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stats")
        return self._thread.submit(self._run, work)

    def _run(self, work: Callable[[Worker], _T]) -> _T:
        """In the thread."""
        if self._worker is None:
            from fim_lsp.stats.worker import Worker

            self._worker = Worker(self._was_reset)
        return work(self._worker)

    def _was_reset(self) -> None:
        """In the thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self.on_reset)


def _unique() -> str:
    """An id for a session: several may be in one process, and process ids are used again."""
    return f"{os.getpid()}-{secrets.token_hex(6)}"
