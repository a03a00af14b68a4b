"""What is done in the thread of a :class:`~fim_lsp.stats.recorder.Recorder`: events are counted, the file read and written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fim_lsp.errors import StatsUnavailable
from fim_lsp.stats.counts import Tally
from fim_lsp.stats.learning import PastAcceptance, read_acceptance
from fim_lsp.stats.servers import ServerInfo
from fim_lsp.stats.store import StatsStore

log = logging.getLogger(__name__)

_MAX_UNWRITTEN = 20_000  # files in a batch that can't be written
_T = TypeVar("_T")


class Worker:
    """Used by one thread. Only :meth:`read` raises.

    ``has_stopped``: nothing will be written any more. ``on_reset`` is called when somebody has reset the file.
    """

    def __init__(self, on_reset: Callable[[], None] = lambda: None) -> None:
        self._on_reset = on_reset
        self._generation: str | None = None  # of the file, once it is known
        self._tally = Tally()
        self._store: StatsStore | None = None
        self._failure: StatsUnavailable | None = None
        self.has_stopped = False
        self.has_written = False

    @property
    def is_failing(self) -> bool:
        """Whether the latest batch could not be written."""
        return self._failure is not None

    def write(self, path: Path, events: Sequence[tuple[Any, tuple[str, ...]]], server: ServerInfo) -> None:
        """Count events, and add the counts to the file; they are kept if that fails."""
        try:
            for event, folders in events:
                self._tally.add(event, folders)
            self._store_at(path).add(self._tally.batch, server)
        except StatsUnavailable as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - counting must not break anything
            self._tally.take()
            self._failed(StatsUnavailable(type(error).__name__))
        else:
            self._tally.take()
            self._failure, self.has_written = None, True
            self._notice_reset()

    def read(self, path: Path, work: Callable[[StatsStore], _T]) -> _T:
        """What ``work`` finds in the file. If there is none because it can't be written, that is what the user is told."""
        if self._failure is not None and not path.exists():
            raise self._failure
        return work(self._store_at(path))

    def close(self, path: Path, server: str) -> None:
        """The session has ended, or counts no longer: it is no longer listed, and the file is closed.

        While the file can't be written, the process does not wait for it once more: one that has ended is not listed.
        """
        try:
            if self.has_written and not self.is_failing:
                self._store_at(path).remove_server(server)
                self.has_written = False
        except StatsUnavailable as error:
            self._failed(error)
        if self._store is not None:
            self._store.close()

    def load_acceptance(self, path: Path, deliver: Callable[[Mapping[str, PastAcceptance]], None]) -> None:
        """Read how suggestions of the last weeks fared."""
        try:
            deliver(read_acceptance(self._store_at(path)))
            self._notice_reset()
        except StatsUnavailable as error:
            log.info("nothing is known of past suggestions: %s", error)

    def _notice_reset(self) -> None:
        """Compare with what the file was when it was used before."""
        if self._store is None or self._store.generation == self._generation:
            return
        was_known, self._generation = self._generation is not None, self._store.generation
        if was_known:
            self._on_reset()

    def _failed(self, error: StatsUnavailable) -> None:
        if not self.is_failing:
            log.warning("nothing is counted for fim-lsp stats for now: %s", error)
        self._failure = error
        self.has_stopped = self.has_stopped or error.permanent
        if self.has_stopped or len(self._tally.batch.egress) > _MAX_UNWRITTEN:
            self._tally.take()

    def _store_at(self, path: Path) -> StatsStore:
        if self._store is None:
            self._store = StatsStore(path, keep_open=True)
        return self._store
