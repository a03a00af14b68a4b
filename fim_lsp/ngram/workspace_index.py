"""Learns from the workspace's files in the background, without slowing down typing.

One thread works in slices of one or two milliseconds, each under the models' lock and followed by a pause: a keystroke
waits for one slice at most. It reads the folders of open documents first, and then those nearest to them; once the bounds
are reached, it looks at no other folder.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.ngram.index_progress import IndexProgress
from fim_lsp.ngram.model import NgramModel
from fim_lsp.workspace.source_files import Allowed, Bounds, reachable, read_lines
from fim_lsp.workspace.tree_walk import TreeWalk

log = logging.getLogger(__name__)

SLICE_LINES = 24
"""Lines added at a time: about 200 tokens, one millisecond."""

SLICE_TOKENS = 200
"""Tokens removed at a time."""

SLICE = 0.0015
"""Seconds of work between two pauses, or as long as one piece of work takes."""

PAUSE = 0.002
"""Seconds of a pause; a million tokens take about 15 seconds."""

MAX_NEAR = 8
"""Folders of open documents, those opened last, that decide what is read first."""

_FIND = "find"
_FILE = "file"
_DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    kind: str
    model: NgramModel
    suffixes: frozenset[str] = frozenset()
    path: Path = Path()


class WorkspaceIndex:
    """The thread and its jobs. ``lock`` guards the models."""

    def __init__(self, lock: threading.Lock, *, bounds: Bounds | None = None) -> None:
        self._lock = lock
        self._bounds = bounds or Bounds()
        self._roots: tuple[Path, ...] = ()
        self._allowed: Allowed = lambda _path, _is_folder: True
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._held: dict[Path, tuple[NgramModel, int]] = {}
        self._tokens = 0
        self._files = 0
        self._open: dict[Path, None] = {}  # in the order in which they were opened
        self._slice_began = 0.0
        self._one_did_not_fit = False  # into the bound of tokens; smaller ones might, but each would be tried
        self._generation = 0
        self._failures: Counter[str] = Counter()
        self.progress = IndexProgress()

    @property
    def tokens(self) -> int:
        """How many tokens of files have been learnt."""
        return self._tokens

    @property
    def files(self) -> int:
        """How many files have been found so far, or were the last time."""
        return self._files

    def set_workspace(self, roots: Sequence[Path], allowed: Allowed) -> None:
        """Set what may be read from now on; what was learnt before is removed in idle time."""
        self._generation += 1
        self._roots, self._allowed = tuple(roots), allowed
        for path, (model, _) in list(self._held.items()):
            model.hide_file(str(path))
            self._put(_Job(kind=_DROP, model=model, path=path))

    def learn(self, model: NgramModel, suffixes: Collection[str]) -> None:
        """Learn the workspace's files with these suffixes."""
        if self._roots and suffixes:
            self._put(_Job(kind=_FIND, model=model, suffixes=frozenset(suffixes)))

    def opened(self, model: NgramModel, path: Path) -> None:
        """A document replaces its file from now on. The caller holds the lock."""
        self._open.pop(path, None)
        self._open[path] = None
        if model.hide_file(str(path)):
            self._put(_Job(kind=_DROP, model=model, path=path))

    def closed(self, model: NgramModel, path: Path, suffixes: Collection[str]) -> None:
        """The file itself counts again, as it is on the disk. The caller holds the lock."""
        self._open.pop(path, None)
        if self._roots and path.suffix.lower() in suffixes:
            self._put(_Job(kind=_FILE, model=model, path=path))

    def cancel(self) -> None:
        """Read no more of the files that are known now, until :meth:`set_workspace` or :meth:`learn` is called again."""
        self._generation += 1
        kept: list[_Job] = []
        with contextlib.suppress(queue.Empty):
            while (job := self._jobs.get_nowait()) is not None:
                kept += [job] if job.kind == _DROP else []
        for job in kept:
            self._jobs.put(job)

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until there is nothing to do; for commands and tests."""
        return self._idle.wait(timeout)

    def stop(self) -> None:
        """End the thread, after its slice or the file that it reads."""
        self._stopping.set()
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _put(self, job: _Job) -> None:
        if self._stopping.is_set():
            return
        self._idle.clear()
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="fim-lsp ngram index", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None and not self._stopping.is_set():
            try:
                self._do(job)
            except MemoryError:
                self._give_up()
            except Exception as error:  # noqa: BLE001 - one job must not end the thread
                self._failed(error)
            if self._jobs.empty():
                self.progress.finish()
                self._idle.set()

    def _do(self, job: _Job) -> None:
        if job.kind == _FIND:
            self._find(job)
        elif job.kind == _FILE:
            # not for documents that were never saved: the check reads, and caches, the rules of each folder
            if os.path.isfile(job.path) and reachable(job.path, self._roots, self._allowed):
                self._add_files(job.model, [job.path], self._generation)
        else:
            self._drop(job.model, job.path)
            self._one_did_not_fit = False

    def _give_up(self) -> None:
        """Out of memory: read no more files, rather than the next one at once."""
        self._stopping.set()
        log.warning("indexing: MemoryError, no more files are read")
        self.progress.finish()
        self._idle.set()

    def _failed(self, error: Exception) -> None:
        """Log failures of each kind at powers of two, without paths: a disk that is gone fails for every file.

        Running out of memory is not a file's failure, and is raised again.
        """
        if isinstance(error, MemoryError):
            raise error
        kind = type(error).__name__
        self._failures[kind] += 1
        if self._failures[kind].bit_count() == 1:
            log.warning("indexing: %s (%d so far)", kind, self._failures[kind])

    def _find(self, job: _Job) -> None:
        generation = self._generation
        self._files = 0

        def wanted() -> bool:
            return self._yield_or_stop() and generation == self._generation

        walk = TreeWalk(self._roots, job.suffixes, self._allowed, self._bounds, keep_going=wanted, failed=self._failed)
        while wanted() and not self._full and (batch := walk.next_batch(self._near())) is not None:
            self._files += len(batch.files)
            self.progress.found(len(batch.files))
            self._add_files(job.model, [file.path for file in batch.files], generation)

    @property
    def _full(self) -> bool:
        return self._one_did_not_fit or len(self._held) >= self._bounds.files

    def _near(self) -> Sequence[Path]:
        """The folders of open documents, the one opened last first."""
        with self._lock:
            return list(dict.fromkeys(path.parent for path in reversed(self._open)))[:MAX_NEAR]

    def _add_files(self, model: NgramModel, paths: Iterable[Path], generation: int) -> None:
        for path in paths:
            if self._full or self._stopping.is_set() or generation != self._generation:
                return
            if path in self._held or path in self._open:
                continue
            try:
                lines = read_lines(path)
                if lines and not self._add(model, path, lines):
                    self._drop(model, path)
            except Exception as error:  # noqa: BLE001 - one file must not keep the others out
                self._failed(error)
            self.progress.read()
            self._yield_or_stop()

    def _add(self, model: NgramModel, path: Path, lines: Sequence[str]) -> bool:
        """Add a file in slices; false if it is opened in the meantime or a bound is reached."""
        name = str(path)
        for first in range(0, len(lines), SLICE_LINES):
            with self._lock:
                if path in self._open:
                    return False
                before = len(model.file_store)
                model.add_lines(name, lines[first : first + SLICE_LINES], folder=str(path.parent))
                added = len(model.file_store) - before
                self._held[path] = (model, self._held.get(path, (model, 0))[1] + added)
                self._tokens += added
            self._one_did_not_fit = self._tokens > self._bounds.tokens
            if self._one_did_not_fit or not self._yield_or_stop():
                return False
        return True

    def _drop(self, model: NgramModel, path: Path) -> None:
        gone = False
        while not gone and not self._stopping.is_set():
            with self._lock:
                gone = model.remove_file(str(path), max_tokens=SLICE_TOKENS)
                if gone:
                    self._tokens -= self._held.pop(path, (model, 0))[1]
            self._yield_or_stop()

    def _yield_or_stop(self) -> bool:
        self.progress.working()
        if time.monotonic() - self._slice_began < SLICE:
            return not self._stopping.is_set()
        stopped = self._stopping.wait(PAUSE)
        self._slice_began = time.monotonic()
        return not stopped
