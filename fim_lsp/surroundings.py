"""What a prompt may say of other files: the open documents, and the files that they import.

The choice itself is :mod:`fim_lsp.prompt.library`'s; here is what it needs of the world: which documents there are, and
reading files, in a thread, so that a keystroke never waits for a disk.
"""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.backends.ngram.files import reachable, read_lines
from fim_lsp.backends.ngram.languages import family, suffixes_of
from fim_lsp.prompt.imports import stems
from fim_lsp.prompt.library import Library
from fim_lsp.prompt.prompt import Snippet

_FILES = 12  # read for one document
_FILE_BYTES = 200_000
_LOOKS = 3_000  # names tried on the disk for one document, some 10 ms in a thread
_AGAIN = 10.0  # seconds after which imported files are looked at again
_KEPT = 80  # files that are not open
_INDEX_NAMES = ("__init__", "index", "mod")

Lines = Callable[[], Sequence[str]]


@dataclass(slots=True)
class _Open:
    """``stems`` is what the document imported when that was last looked at, ``imported`` the files that were found."""

    uri: str
    path: Path
    language: str
    lines: Lines
    stems: tuple[str, ...] = ()
    looked: float = float("-inf")
    imported: frozenset[str] = frozenset()


class Surroundings:
    """One editor's. Paths are relative to the workspace; what lies outside of it has none, and is no context."""

    def __init__(self) -> None:
        self._library = Library()
        self._open: dict[str, _Open] = {}
        self._uris: dict[str, str] = {}
        self._files: dict[str, tuple[int, int]] = {}
        self._roots: tuple[Path, ...] = ()
        self._allowed: Callable[[Path], bool] = lambda _path: False
        self._stays: Callable[[Path], bool] = lambda _path: False
        self._local: set[str] = set()
        self._readers: set[asyncio.Task[None]] = set()

    def workspace(
        self,
        roots: Sequence[Path],
        allowed: Callable[[Path], bool],
        stays: Callable[[Path], bool] = lambda _path: False,
    ) -> None:
        """Begin anew in a workspace: only files under ``roots`` for which ``allowed`` is true are read, in a thread.

        Those for which ``stays`` is true are context only for back ends on this machine.
        """
        self._roots, self._allowed, self._stays = tuple(roots), allowed, stays
        self._local = set()
        self._library, self._files = Library(), {}
        self._open.clear()
        self._uris.clear()

    def opened(self, uri: str, name: str, path: Path, language: str, lines: Lines) -> None:
        """A document of the workspace was opened; ``name`` is its path there."""
        self._open[name] = _Open(uri, path, language, lines)
        self._uris[uri] = name
        self._files.pop(name, None)
        self._put(name, path, lines)

    def changed(self, uri: str, line: int) -> None:
        """A document changed at a line."""
        if name := self._uris.get(uri):
            self._library.edited(name, line)

    def closed(self, uri: str) -> None:
        """A document was closed, or is not to be used any more."""
        if name := self._uris.pop(uri, None):
            self._open.pop(name, None)
            self._library.drop(name)

    def around(self, name: str, prefix: str, suffix: str, room: int, leaves: bool) -> tuple[Snippet, ...]:
        """Context for a window in an open document, in ``room`` characters; ``leaves``: it leaves this machine.

        Files that the document newly imports are there next time.
        """
        document = self._open.get(name)
        if document is None or room <= 0:
            return ()
        self._look(name, document)
        return self._library.choose(
            name,
            prefix,
            suffix,
            room=room,
            imported=document.imported,
            allowed=lambda other: not (leaves and other in self._local),
        )

    def _put(self, name: str, path: Path, lines: Lines) -> None:
        self._local.discard(name)
        if self._stays(path):
            self._local.add(name)
        self._library.put(name, lines)

    async def settled(self, uri: str) -> None:
        """Wait until what a document imports has been read."""
        if name := self._uris.get(uri):
            self._look(name, self._open[name])
        await asyncio.gather(*self._readers)

    async def close(self) -> None:
        """Wait for what is being read."""
        await asyncio.gather(*self._readers)

    def _look(self, name: str, document: _Open) -> None:
        """Have a document's imports read, if they are others than before or a while has passed."""
        now = stems(document.lines(), name)
        if now == document.stems and time.monotonic() - document.looked < _AGAIN:
            return
        document.stems, document.looked = now, time.monotonic()
        task = asyncio.get_running_loop().create_task(self._read(document, self._library))
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    async def _read(self, document: _Open, library: Library) -> None:
        search = _Search(self._roots, self._allowed, document.path, document.language, dict(self._files))
        found = await asyncio.to_thread(search.run, document.stems)
        if library is not self._library:
            return  # another workspace since
        document.imported = frozenset(found)
        for name, file in found.items():
            if file is not None and name not in self._open:
                self._files.pop(name, None)
                self._files[name] = file.stamp
                self._put(name, file.path, file.lines)
        for name in list(self._files)[: max(0, len(self._files) - _KEPT)]:
            del self._files[name]
            library.drop(name)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    stamp: tuple[int, int]
    text: Sequence[str]

    def lines(self) -> Sequence[str]:
        return self.text


@dataclass(frozen=True, slots=True)
class _Search:
    """Finds files on the disk. ``known`` are stamps of files that were read before."""

    roots: tuple[Path, ...]
    allowed: Callable[[Path], bool]
    path: Path
    language: str
    known: dict[str, tuple[int, int]]

    def run(self, wanted: Sequence[str]) -> dict[str, _File | None]:
        """The files that stems mean, by their names in the workspace; None for one that hasn't changed."""
        found: dict[str, _File | None] = {}
        looks = _LOOKS
        for stem in wanted:
            for path in self._candidates(stem):
                looks -= 1
                if looks < 0 or len(found) >= _FILES:
                    return found
                if self._take(path, found):
                    break
        return found

    def _take(self, path: Path, found: dict[str, _File | None]) -> bool:
        try:
            status = path.lstat()
        except (OSError, ValueError):
            return False
        root = next((root for root in self.roots if path.is_relative_to(root)), None)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _FILE_BYTES or root is None or path == self.path:
            return False
        name, stamp = path.relative_to(root).as_posix(), (status.st_mtime_ns, status.st_size)
        if self.known.get(name) == stamp:
            found[name] = None
        elif reachable(path, self.roots, self.allowed) and (lines := read_lines(path)) is not None:
            found[name] = _File(path, stamp, lines)
        return True

    def _candidates(self, stem: str) -> Iterator[Path]:
        suffixes = sorted(suffixes_of(family(self.language, self.path))) or [self.path.suffix]
        suffixes.sort(key=lambda suffix: suffix != self.path.suffix)
        for base in self._bases(stem):
            place = base / stem.lstrip("/")
            if place.suffix in suffixes:
                yield place
            for suffix in suffixes:
                yield place.with_name(place.name + suffix)
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
        if suffix == ".go" and folder.is_dir():
            yield from sorted(path for path in folder.glob("*.go") if not path.name.endswith("_test.go"))[:1]
