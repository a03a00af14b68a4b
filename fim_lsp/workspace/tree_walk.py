"""Lists the source files of a workspace folder by folder, those nearest to given folders first.

Does blocking I/O, so it runs in a thread. Every folder is listed once and every entry looked at once; folders that may not be
entered, and links, are passed over. Whoever has enough files stops asking, and the rest of the tree is never looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Container, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from pathlib import Path

from fim_lsp.workspace.source_files import SKIPPED_FOLDERS, Allowed, Bounds, FileStamp, may_enter, stamp_of

BATCH_FILES = 500
"""Files after which a batch ends, even if more folders are as near: a batch is sorted before any of it is read."""

_CHECK_INTERVAL = 32  # entries between two calls of ``keep_going``


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file as it was when its folder was listed."""

    path: Path
    stamp: FileStamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Files of folders at one distance, the newest first; empty if none is new. ``distance`` is in steps from folder to
    folder."""

    distance: int
    files: Sequence[FoundFile]


class TreeWalk:
    """The source files below ``roots``: those with certain suffixes. Files and folders must be ``allowed``; ``known`` files are
    skipped.

    ``keep_going`` is called between small pieces of work, and stops the walk by returning ``False``. Entries that can't be read
    are skipped; ``failed`` receives the error.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        suffixes: Collection[str],
        allowed: Allowed,
        bounds: Bounds,
        *,
        keep_going: Callable[[], bool] = lambda: True,
        failed: Callable[[Exception], None] = lambda _error: None,
        known: Container[Path] = (),
    ) -> None:
        self._roots = tuple(dict.fromkeys(map(str, roots)))
        self._suffixes, self._allowed, self._bounds = suffixes, allowed, bounds
        self._keep_going, self._failed, self._known = keep_going, failed, known
        self._remaining = bounds.entries
        self._near: tuple[Path, ...] = ()
        self._parts: tuple[Sequence[str], ...] = ()
        self._seen: set[str] = set(self._roots)
        self._waiting = [(0, order, root) for order, root in enumerate(self._roots)]  # a heap: distance, order, folder
        self._pushed = len(self._roots)

    def next_batch(self, near: Sequence[Path] = (), *, within: int | None = None) -> Batch | None:
        """The next files: those nearest to the folders ``near``, which may differ from call to call.

        No folder is listed that is more than ``within`` steps away. None if there are no more folders.
        """
        self._aim_at(tuple(near))
        found: list[FoundFile] = []
        distance: int | None = None
        while self._waiting and self._remaining > 0 and len(found) < BATCH_FILES and self._keep_going():
            next_distance = self._waiting[0][0]
            if distance not in (None, next_distance) or (within is not None and next_distance > within):
                break
            distance, _, folder = heappop(self._waiting)
            self._list(folder, found)
        if distance is None:
            return None
        found.sort(key=lambda file: (-file.stamp[0], file.path))
        return Batch(distance=distance, files=found)

    def _aim_at(self, near: tuple[Path, ...]) -> None:
        """Begin in these folders, if they belong to the workspace, and go on from there."""
        if near == self._near:
            return
        self._near, self._parts = near, tuple(folder.parts for folder in near)
        for folder in near:
            try:
                if str(folder) not in self._seen and may_enter(
                    folder, [Path(root) for root in self._roots], self._allowed
                ):
                    self._push(str(folder))
            except (OSError, ValueError) as error:
                self._failed(error)
        self._waiting = [(self._distance(folder), order, folder) for _, order, folder in self._waiting]
        heapify(self._waiting)

    def _push(self, folder: str) -> None:
        if folder not in self._seen:
            self._seen.add(folder)
            self._pushed += 1
            heappush(self._waiting, (self._distance(folder), self._pushed, folder))

    def _distance(self, folder: str) -> int:
        parts = Path(folder).parts if self._parts else ()
        return min((steps_between(parts, other) for other in self._parts), default=len(Path(folder).parts))

    def _list(self, folder: str, found: list[FoundFile]) -> None:
        if folder not in self._roots:
            self._push(os.path.dirname(folder))
        for number, entry in enumerate(_entries(folder)):
            self._remaining -= 1
            if number % _CHECK_INTERVAL == _CHECK_INTERVAL - 1 and not self._keep_going():
                return
            try:
                self._visit(entry, found)
            except Exception as error:  # noqa: BLE001 - a name that is too long, a network drive that is gone, anything
                self._failed(error)

    def _visit(self, entry: os.DirEntry[str], found: list[FoundFile]) -> None:
        if entry.is_dir(follow_symlinks=False):
            if (
                entry.name not in SKIPPED_FOLDERS
                and entry.path not in self._seen
                and self._allowed(Path(entry.path), True)
            ):
                self._push(entry.path)
        elif os.path.splitext(entry.name)[1].lower() in self._suffixes and entry.is_file(follow_symlinks=False):
            path = Path(entry.path)
            if path not in self._known and self._allowed(path, False):
                status = entry.stat(follow_symlinks=False)
                if 0 < status.st_size <= self._bounds.file_bytes:
                    found.append(FoundFile(path=path, stamp=stamp_of(status)))


def find(
    roots: Sequence[Path],
    suffixes: Collection[str],
    allowed: Allowed,
    bounds: Bounds,
    *,
    keep_going: Callable[[], bool] = lambda: True,
    failed: Callable[[Exception], None] = lambda _error: None,
) -> Iterator[FoundFile]:
    """All files of a workspace, from the roots downwards. The arguments are those of :class:`TreeWalk`."""
    walk = TreeWalk(roots, suffixes, allowed, bounds, keep_going=keep_going, failed=failed)
    while (batch := walk.next_batch()) is not None:
        yield from batch.files


def stamps(
    paths: Sequence[Path], roots: Sequence[Path], allowed: Allowed, bounds: Bounds
) -> Iterator[tuple[Path, FileStamp | None]]:
    """The present stamps of files that a walk from the roots would find; None for others. Folders are judged once."""
    folders: dict[Path, bool] = {}
    for path in paths:
        folder = path.parent
        try:
            if folder not in folders:
                folders[folder] = may_enter(folder, roots, allowed)
            stamp = _stamp(path, bounds) if folders[folder] and allowed(path, False) else None
        except (OSError, ValueError):
            stamp = None
        yield path, stamp


def _stamp(path: Path, bounds: Bounds) -> FileStamp | None:
    status = path.lstat()
    return stamp_of(status) if stat.S_ISREG(status.st_mode) and 0 < status.st_size <= bounds.file_bytes else None


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (OSError, ValueError):
        return []


def steps_between(one: Sequence[str], other: Sequence[str]) -> int:
    """How many steps up and down lead from one folder to another, given their parts."""
    common = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        common += 1
    return len(one) + len(other) - 2 * common
