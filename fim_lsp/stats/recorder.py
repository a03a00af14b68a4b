"""Counts one session's events in memory, and adds them to the file every few seconds in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from fim_lsp.errors import StatsUnavailable
from fim_lsp.schedule.events import SettingsChanged
from fim_lsp.settings.sources import state_folder
from fim_lsp.stats.counts import Tally
from fim_lsp.stats.learning import PastAcceptance
from fim_lsp.stats.servers import ServerInfo

if TYPE_CHECKING:
    from fim_lsp.stats.store import StatsStore

log = logging.getLogger(__name__)

FILE_NAME: Final = "stats.sqlite3"
INTERVAL: Final = 10.0
"""Seconds from the first event to the writing of a batch. What happens in the meantime is lost in a crash."""

_MAX_INTERVAL = 600.0  # seconds between attempts while the file can't be used
_MAX_UNWRITTEN = 20_000  # files in a batch that can't be written


class Subscribe(Protocol):
    """:meth:`fim_lsp.session.event_ring.EventRing.subscribe`."""

    def __call__(self, kind: type[Any], subscriber: Callable[[Any], None]) -> None: ...  # noqa: D102


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
        self._workspace = ""
        self._events: list[tuple[Any, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._server = ServerInfo(id=_unique(), pid=os.getpid(), started=time.time())
        self._worker = _Worker()
        for kind in self._worker.kinds:
            subscribe(kind, self._take)
        subscribe(SettingsChanged, self._settings_changed)

    def configure(self, *, enabled: bool, roots: Sequence[Path] = ()) -> None:
        """Count or not, from now on. ``roots`` are the folders of the workspace, which paths are relative to."""
        self._workspace = os.pathsep.join(map(str, roots))
        self._server = replace(self._server, workspace=self._workspace)
        if enabled and self._path is None:
            self._path = self._find_path()
        self._enabled = enabled and self._path is not None
        if not self._enabled:
            self._events.clear()

    def set_client(self, name: str) -> None:
        """The name of the editor."""
        self._server = replace(self._server, client=name)

    def load_acceptance(self, done: Callable[[Mapping[str, PastAcceptance]], None]) -> None:
        """Call ``done`` with how suggestions of the last weeks fared, by language. Never, if there is nothing to read."""
        if not self._enabled or self._path is None or not self._path.exists():
            return
        loop = asyncio.get_running_loop()

        def deliver(found: Mapping[str, PastAcceptance]) -> None:
            try:
                loop.call_soon_threadsafe(done, found)
            except RuntimeError:  # the loop is closed
                return

        self._submit(self._worker.load_acceptance, self._path, deliver)

    def close(self, *, wait: bool = False) -> None:
        """Write what has been counted. Python waits for that before it exits; ``wait`` does so here."""
        if self._timer is not None:
            self._flush()
        if self._enabled and self._path is not None and self._worker.has_written:
            self._submit(self._worker.remove_server, self._path, self._server.id)
        self._enabled = False
        if self._thread is not None:
            self._thread.shutdown(wait=wait)

    # -- events

    def _take(self, event: Any) -> None:
        """Note an event. It is counted later, in the thread: a key must not wait for that."""
        if self._enabled:
            self._events.append((event, self._workspace))
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._interval, self._flush)

    def _settings_changed(self, event: SettingsChanged) -> None:
        self._server = replace(self._server, problems=event.problems)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        events, self._events = self._events, []
        if not self._enabled or self._path is None:
            return
        if self._worker.has_stopped:
            self._enabled = False
            return
        self._server = replace(self._server, status=self._status())
        failing = self._worker.is_failing
        self._interval = min(2 * self._interval, _MAX_INTERVAL) if failing else self._first_interval
        self._submit(self._worker.write, self._path, events, self._server)

    def _submit(self, work: Callable[..., None], *arguments: Any) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stats")
        self._thread.submit(work, *arguments)


class _Worker:
    """What is done in the thread. SQLite is imported there. No method raises."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._store: StatsStore | None = None
        self.kinds = tuple(self._tally.kinds)
        self.is_failing = False
        self.has_stopped = False
        self.has_written = False

    def write(self, path: Path, events: Sequence[tuple[Any, str]], server: ServerInfo) -> None:
        """Count events, and add the counts to the file; they are kept if that fails."""
        try:
            for event, workspace in events:
                self._tally.add(event, workspace)
            self._store_at(path).add(self._tally.batch, server)
        except StatsUnavailable as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - counting must not break anything
            self._tally.take()
            self._failed(StatsUnavailable(type(error).__name__))
        else:
            self._tally.take()
            self.is_failing, self.has_written = False, True

    def remove_server(self, path: Path, server: str) -> None:
        """The session has ended."""
        try:
            self._store_at(path).remove_server(server)
        except StatsUnavailable as error:
            self._failed(error)

    def load_acceptance(self, path: Path, deliver: Callable[[Mapping[str, PastAcceptance]], None]) -> None:
        """Read how suggestions of the last weeks fared."""
        from fim_lsp.stats.learning import read_acceptance

        try:
            deliver(read_acceptance(self._store_at(path)))
        except StatsUnavailable as error:
            self._failed(error)

    def _failed(self, error: StatsUnavailable) -> None:
        if not self.is_failing:
            log.warning("nothing is counted for fim-lsp stats for now: %s", error)
        self.is_failing = True
        self.has_stopped = self.has_stopped or error.permanent
        if self.has_stopped or len(self._tally.batch.egress) > _MAX_UNWRITTEN:
            self._tally.take()

    def _store_at(self, path: Path) -> StatsStore:
        from fim_lsp.stats.store import StatsStore

        if self._store is None:
            self._store = StatsStore(path)
        return self._store


def _unique() -> str:
    """An id for a session: several may be in one process, and process ids are used again."""
    return f"{os.getpid()}-{secrets.token_hex(6)}"
