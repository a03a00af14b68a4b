"""Learns from the workspace's files in the background, without slowing down typing.

One thread works in slices of one or two milliseconds, each under the models' lock and followed by a pause: a keystroke
waits for one slice at most. What was kept of the files the last time comes first; then the folders of open documents are read,
and then those nearest to them. Once the bounds are reached, no other folder is looked at.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fim_lsp.ngram.held_files import HeldFiles
from fim_lsp.ngram.index_keeper import IndexKeeper
from fim_lsp.ngram.index_progress import IndexProgress
from fim_lsp.ngram.model import NgramModel
from fim_lsp.workspace.source_files import Allowed, Bounds, reachable, read_lines, stamp_of
from fim_lsp.workspace.tree_walk import FoundFile, TreeWalk, stamps, steps_between

log = logging.getLogger(__name__)

SLICE: Final = 0.0015
"""Seconds of work between two pauses, or as long as one piece of work takes."""

PAUSE: Final = 0.002
"""Seconds of a pause; a million tokens take about 15 seconds."""

BUSY_PAUSE: Final = 0.0003
"""The same while what was kept is read back, which takes about a second in all."""

MAX_NEAR: Final = 8
"""Folders of open documents, those opened last, that decide what is read first."""

_BYTES_PER_TOKEN: Final = 2  # in dense code; about four in most

NEAR_STEPS: Final = 1
"""Steps from such a folder up to which a file takes the place of one that is farther away."""

_FIND = "find"
_NEAR = "near"
_FILE = "file"
_DROP = "drop"


class _Interrupted(Exception):
    """The work is not wanted any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    kind: str
    model: NgramModel
    suffixes: frozenset[str] = frozenset()
    path: Path = Path()


class WorkspaceIndex:
    """The thread and its jobs. ``lock`` guards the models. ``keeper``, if it is set, keeps the index between starts."""

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
        self._held = HeldFiles(lock)
        self._files = 0
        self._open: dict[Path, None] = {}  # in the order in which they were opened
        self._slice_began = 0.0
        self._one_did_not_fit = False  # into the bound of tokens; smaller ones might, but each would be tried
        self._generation = 0
        self._failures: Counter[str] = Counter()
        self.progress = IndexProgress()
        self.keeper: IndexKeeper | None = None

    @property
    def tokens(self) -> int:
        """How many tokens of files have been learnt."""
        return self._held.tokens

    @property
    def files(self) -> int:
        """How many files have been found so far, or were the last time."""
        return self._files

    def set_workspace(self, roots: Sequence[Path], allowed: Allowed) -> None:
        """Set what may be read from now on; what was learnt before counts again once it is checked. The caller holds the lock."""
        self._generation += 1
        self._roots, self._allowed = tuple(roots), allowed
        self._held.hide_all()

    def learn(self, model: NgramModel, suffixes: Collection[str]) -> None:
        """Learn the workspace's files with these suffixes, and forget those that are no longer in it."""
        if suffixes:
            self._put(_Job(kind=_FIND, model=model, suffixes=frozenset(suffixes)))

    def opened(self, model: NgramModel, path: Path, suffixes: Collection[str]) -> None:
        """A document replaces its file from now on. The caller holds the lock."""
        is_new = all(path.parent != other.parent for other in self._open)
        self._open.pop(path, None)
        self._open[path] = None
        if model.hide_file(str(path)):
            self._put(_Job(kind=_DROP, model=model, path=path))
        if is_new and self._full and self._roots:
            self._put(_Job(kind=_NEAR, model=model, suffixes=frozenset(suffixes)))

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
            self._learn(job)
        elif job.kind == _NEAR:
            self._walk(job, self._generation, max_distance=0)
        elif job.kind == _FILE:
            # not for documents that were never saved: the check reads, and caches, the rules of each folder
            if not self._full and os.path.isfile(job.path) and reachable(job.path, self._roots, self._allowed):
                self._add_file(job.model, FoundFile(path=job.path, stamp=stamp_of(job.path.lstat())))
        else:
            self._drop(job.path)
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

    def _learn(self, job: _Job) -> None:
        """Read back what was kept, drop what has changed or may no longer be read, learn the rest, and keep the result."""
        generation, roots = self._generation, self._roots
        self._files = 0
        self._one_did_not_fit = False
        keeper = self.keeper if roots else None
        if keeper is not None and not len(job.model.file_store):
            with contextlib.suppress(_Interrupted):
                keeper.restore(self._held, job.model, job.suffixes, roots, self._bounds, self._pause_shortly)
        self._check(job.model, generation)
        self._walk(job, generation)
        if keeper is not None and self._is_wanted(generation):
            with contextlib.suppress(_Interrupted):
                opened = self._readable_open_files()
                keeper.keep(self._held, job.model, job.suffixes, roots, opened, lambda: self._pause(generation))

    def _readable_open_files(self) -> Collection[Path]:
        """The files of open documents that would be learnt if they were not open."""
        with self._lock:
            paths = list(self._open)
        found = stamps(paths, self._roots, self._allowed, self._bounds)
        return {path for path, stamp in found if stamp is not None}

    def _check(self, model: NgramModel, generation: int) -> None:
        """Let files count that may still be read and have not changed, and drop all others."""
        known = dict(self._held.unconfirmed(model))
        gone: list[Path] = []
        for path, stamp in stamps(list(known), self._roots, self._allowed, self._bounds):
            with self._lock:
                if generation != self._generation:
                    return
                if stamp == known[path] and path not in self._open:
                    self._held.confirm(path)
                else:
                    gone.append(path)
            self._yield_or_stop(BUSY_PAUSE)
        self._files += len(known) - len(gone)
        for path in gone:
            if not self._is_wanted(generation):
                return
            self._drop(path)

    def _walk(self, job: _Job, generation: int, max_distance: int | None = None) -> None:
        """Learn the nearest files first: up to the bounds, or up to ``max_distance`` from the folder that was opened last."""
        if not self._roots:
            return
        walk = TreeWalk(
            self._roots,
            job.suffixes,
            self._allowed,
            self._bounds,
            keep_going=lambda: self._yield_or_stop() and generation == self._generation,
            failed=self._failed,
            known=self._held,
        )
        while self._is_wanted(generation):
            near = self._near()
            limit = NEAR_STEPS if max_distance is None and self._full else max_distance
            if (batch := walk.next_batch(near, within=limit)) is None:
                return
            self._files += len(batch.files)
            self.progress.found(len(batch.files))
            if batch.files and batch.distance <= NEAR_STEPS:
                self._make_room(batch.files, near)
            self._add_files(job.model, batch.files, generation)

    @property
    def _full(self) -> bool:
        over = self._held.tokens >= self._bounds.tokens
        return over or self._one_did_not_fit or len(self._held) >= self._bounds.files

    def _near(self) -> Sequence[Path]:
        """The folders of open documents, the one opened last first."""
        with self._lock:
            return list(dict.fromkeys(path.parent for path in reversed(self._open)))[:MAX_NEAR]

    def _make_room(self, files: Sequence[FoundFile], near: Sequence[Path]) -> None:
        """Drop files that are farther from open documents than these, as many as these may need."""
        size = sum(file.stamp[1] for file in files if file.path not in self._open)
        wanted = self._held.tokens + size // _BYTES_PER_TOKEN - self._bounds.tokens
        if wanted <= 0:
            return
        parts = [folder.parts for folder in near]

        def distance(path: Path) -> int:
            return min((steps_between(path.parent.parts, other) for other in parts), default=0)

        for path in sorted(self._held.paths(), key=distance, reverse=True):
            if wanted <= 0 or distance(path) <= NEAR_STEPS or self._stopping.is_set():
                return
            wanted -= self._drop(path)
            self._one_did_not_fit = False

    def _add_files(self, model: NgramModel, files: Sequence[FoundFile], generation: int) -> None:
        for file in files:
            if self._full or not self._is_wanted(generation):
                return
            try:
                self._add_file(model, file)
            except Exception as error:  # noqa: BLE001 - one file must not keep the others out
                self._failed(error)
            self.progress.read()
            self._yield_or_stop()

    def _add_file(self, model: NgramModel, file: FoundFile) -> None:
        path = file.path
        if path in self._held or path in self._open or not (lines := read_lines(path)):
            return

        def fits() -> bool:
            self._one_did_not_fit = self._held.tokens > self._bounds.tokens
            return self._yield_or_stop() and not self._one_did_not_fit

        clean = self.keeper is not None and self.keeper.is_clean(lines)
        if not self._held.add(
            model, path, lines, stamp=file.stamp, clean=clean, wanted=lambda: path not in self._open, keep_going=fits
        ):
            self._drop(path)

    def _drop(self, path: Path) -> int:
        return self._held.drop(path, keep_going=self._yield_or_stop)

    def _is_wanted(self, generation: int) -> bool:
        return generation == self._generation and not self._stopping.is_set()

    def _pause(self, generation: int) -> None:
        if not self._yield_or_stop() or generation != self._generation:
            raise _Interrupted

    def _pause_shortly(self) -> None:
        if not self._yield_or_stop(BUSY_PAUSE):
            raise _Interrupted

    def _yield_or_stop(self, pause: float = PAUSE) -> bool:
        self.progress.working()
        if time.monotonic() - self._slice_began < SLICE:
            return not self._stopping.is_set()
        stopped = self._stopping.wait(pause)
        self._slice_began = time.monotonic()
        return not stopped
