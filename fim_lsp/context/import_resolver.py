"""Finding and reading the files that a document imports. Does I/O; meant for a thread of its own."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fim_lsp.workspace.language_families import family, suffixes_of
from fim_lsp.workspace.source_files import reachable, read_lines

_FILES = 12  # read for one document
_FILE_BYTES = 200_000
_LOOKS = 3_000  # names tried on the disk for one document, some 10 ms in a thread
_INDEX_NAMES = ("__init__", "index", "mod")

Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was read; ``name`` is its path in the workspace."""

    path: Path
    name: str
    stamp: Stamp
    text: Sequence[str] = field(repr=False)

    def lines(self) -> Sequence[str]:
        """Its text."""
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The files that a document imports, those of them that are new or have changed, and those known before that may
    not be read any more, or not as they were.
    """

    imported: Collection[Path]
    files: Sequence[File]
    gone: Collection[Path]


@dataclass(frozen=True, slots=True)
class ImportResolver:
    """What the document at ``path`` imports, under ``roots`` and ``allowed``. ``known`` are stamps of files read before."""

    roots: tuple[Path, ...]
    allowed: Callable[[Path], bool]
    path: Path
    language: str
    known: Mapping[Path, Stamp]

    def run(self, wanted: Sequence[str]) -> Found:
        """The files that stems mean, and a second look at those that are known. What can't be read isn't there."""
        gone = {path for path, stamp in self.known.items() if self._stamp(path) != stamp or not self._may_read(path)}
        imported: dict[Path, None] = {}
        files: list[File] = []
        looks = _LOOKS
        for stem in wanted:
            for path in self._candidates(stem):
                looks -= 1
                if looks < 0 or len(imported) >= _FILES:
                    return Found(imported=imported, files=files, gone=gone)
                if path == self.path or (stamp := self._stamp(path)) is None:
                    continue
                if path in self.known and path not in gone:
                    imported[path] = None
                elif file := self._file(path, stamp):
                    imported[path] = None
                    files.append(file)
                break
        return Found(imported=imported, files=files, gone=gone)

    def _stamp(self, path: Path) -> Stamp | None:
        """Of a file that is none too large, and no link."""
        try:
            status = path.lstat()
        except (OSError, ValueError):
            return None
        fits = stat.S_ISREG(status.st_mode) and status.st_size <= _FILE_BYTES
        return (status.st_mtime_ns, status.st_size) if fits else None

    def _file(self, path: Path, stamp: Stamp) -> File | None:
        root = next((root for root in self.roots if path.is_relative_to(root)), None)
        if root is None or not self._may_read(path) or (lines := read_lines(path)) is None:
            return None
        return File(path, path.relative_to(root).as_posix(), stamp, lines)

    def _may_read(self, path: Path) -> bool:
        try:
            return reachable(path, self.roots, self.allowed)
        except (OSError, ValueError):
            return False

    def _candidates(self, stem: str) -> Iterator[Path]:
        suffixes = sorted(suffixes_of(family(self.language, self.path))) or [self.path.suffix]
        suffixes.sort(key=lambda suffix: suffix != self.path.suffix)
        for base in self._bases(stem):
            place = base / stem.lstrip("/")
            if not place.name:
                continue
            if place.suffix in suffixes:
                yield place
            for suffix in suffixes:
                yield place.parent / f"{place.name}{suffix}"
            for name in _INDEX_NAMES:
                for suffix in suffixes:
                    yield place / f"{name}{suffix}"
            yield from self._inside(place, suffixes[0])

    def _bases(self, stem: str) -> Sequence[Path]:
        """The folders from which a stem may count: the workspace's, usual ones in it, and those above the document."""
        own = next((root for root in self.roots if self.path.is_relative_to(root)), None)
        if own is None:
            return ()
        if stem.startswith("/"):
            return (own,)
        above = [folder for folder in self.path.parents if folder.is_relative_to(own)]
        return list(dict.fromkeys([*above, *(root / name for root in self.roots for name in ("", "src", "lib"))]))

    def _inside(self, folder: Path, suffix: str) -> Iterator[Path]:
        """A Go import names a folder."""
        if suffix == ".go" and os.path.isdir(folder):  # unlike Path.is_dir, false for a name too long for a folder
            yield from sorted(path for path in folder.glob("*.go") if not path.name.endswith("_test.go"))[:1]
