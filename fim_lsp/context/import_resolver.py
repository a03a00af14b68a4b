"""Finds and reads the files that a document imports. Does I/O; meant to run in a thread."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from fim_lsp.workspace.language_families import family, suffixes_of
from fim_lsp.workspace.source_files import reachable, read_lines

_MAX_FILES = 12  # that one document imports
_MAX_FILE_BYTES = 200_000
_MAX_TRIED = 3_000  # paths for one document: some 10 ms in a thread
_INDEX_NAMES = ("__init__", "index", "mod")
_USUAL_FOLDERS = ("", "src", "lib")

Stamp = tuple[int, int]
"""A file's modification time and size."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was read; ``name`` is its path in the workspace."""

    path: Path
    name: str
    stamp: Stamp
    content: Sequence[str] = field(repr=False)

    def lines(self) -> Sequence[str]:
        """Its content, as a source of lines."""
        return self.content


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedImports:
    """The ``imported`` files; ``read``, those of them that are new or changed; and ``gone``, known files that have changed
    or may no longer be read.
    """

    imported: Collection[Path]
    read: Sequence[File]
    gone: Collection[Path]


@dataclass(frozen=True, slots=True)
class ImportResolver:
    """Looks under ``roots`` for what the document at ``path`` imports. ``known`` are the stamps of files read before."""

    roots: tuple[Path, ...]
    may_read: Callable[[Path], bool]
    path: Path
    language: str
    known: Mapping[Path, Stamp]

    def run(self, candidates: Sequence[str]) -> ResolvedImports:
        """Find the first existing file of each candidate, and check all known files."""
        gone = {path for path, stamp in self.known.items() if self._stamp(path) != stamp or not self._is_readable(path)}
        imported: dict[Path, None] = {}
        read: list[File] = []
        for path, stamp in self._existing(candidates):
            if path in self.known and path not in gone:
                imported[path] = None
            elif file := self._read(path, stamp):
                imported[path] = None
                read.append(file)
            if len(imported) >= _MAX_FILES:
                break
        return ResolvedImports(imported=imported, read=read, gone=gone)

    def _existing(self, candidates: Sequence[str]) -> Iterator[tuple[Path, Stamp]]:
        """The first existing path of each candidate, among the first that may be tried."""
        tried = 0
        for candidate in candidates:
            for path in self._paths(candidate):
                tried += 1
                if tried > _MAX_TRIED:
                    return
                if path != self.path and (stamp := self._stamp(path)) is not None:
                    yield path, stamp
                    break

    def _stamp(self, path: Path) -> Stamp | None:
        """The file's stamp; None unless it is a regular file of moderate size, and not a link."""
        try:
            status = path.lstat()
        except (OSError, ValueError):
            return None
        fits = stat.S_ISREG(status.st_mode) and status.st_size <= _MAX_FILE_BYTES
        return (status.st_mtime_ns, status.st_size) if fits else None

    def _read(self, path: Path, stamp: Stamp) -> File | None:
        root = next((root for root in self.roots if path.is_relative_to(root)), None)
        if root is None or not self._is_readable(path) or (lines := read_lines(path)) is None:
            return None
        return File(path, path.relative_to(root).as_posix(), stamp, lines)

    def _is_readable(self, path: Path) -> bool:
        try:
            return reachable(path, self.roots, lambda place, _is_folder: self.may_read(place))
        except (OSError, ValueError):
            return False

    def _paths(self, candidate: str) -> Iterator[Path]:
        """Where the file may be, the likeliest path first: with the document's suffix, in a nearby folder."""
        suffixes = sorted(suffixes_of(family(self.language, self.path))) or [self.path.suffix]
        suffixes.sort(key=lambda suffix: suffix != self.path.suffix)
        for folder in self._folders(candidate):
            path = folder / candidate.lstrip("/")
            if not path.name:
                continue
            if path.suffix in suffixes:
                yield path
            yield from (path.parent / f"{path.name}{suffix}" for suffix in suffixes)
            yield from (path / f"{name}{suffix}" for name in _INDEX_NAMES for suffix in suffixes)
            if suffixes[0] == ".go":
                yield from _first_go_file(path)

    def _folders(self, candidate: str) -> Sequence[Path]:
        """The folders that a candidate may be relative to: those above the document, the workspace's, usual ones in it."""
        root = next((root for root in self.roots if self.path.is_relative_to(root)), None)
        if root is None:
            return ()
        if candidate.startswith("/"):
            return (root,)
        above = [folder for folder in self.path.parents if folder.is_relative_to(root)]
        return list(dict.fromkeys([*above, *(root / name for root in self.roots for name in _USUAL_FOLDERS)]))


def _first_go_file(folder: Path) -> Iterator[Path]:
    """An import in Go names a folder."""
    if os.path.isdir(folder):  # unlike Path.is_dir, false for a name too long for a folder
        files = sorted(path for path in folder.glob("*.go") if not path.name.endswith("_test.go"))
        yield from islice(files, 1)
