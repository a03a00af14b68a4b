"""What a prompt may say of other files: the open documents, and the files that they import.

The choice itself is :mod:`fim_lsp.context.index`'s; here is what it needs of the world: which documents there are, and
reading files, in a thread, so that a keystroke never waits for a disk.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.context.import_parser import HEAD, stems
from fim_lsp.context.import_resolver import Found, ImportResolver
from fim_lsp.context.index import ContextIndex
from fim_lsp.prompt.prompt import Snippet

log = logging.getLogger(__name__)

_AGAIN = 10.0  # seconds after which imported files are looked at again
_KEPT = 80  # files that are not open

LineSource = Callable[[], Sequence[str]]


@dataclass(slots=True)
class _Open:
    """``head`` are the lines that were looked at for imports, ``stems`` what they may mean, ``looked`` when that was
    looked for, ``imported`` the files that were found.
    """

    name: str
    path: Path
    language: str
    lines: LineSource
    head: Sequence[str] = ()
    stems: tuple[str, ...] = ()
    looked: float = float("-inf")
    imported: frozenset[Path] = frozenset()


class ContextProvider:
    """One editor's. Prompts name files by their paths in the workspace; what lies outside of it is no context.

    The library knows an open document by its URI, another file by its path: names may be the same in two folders.
    """

    def __init__(self) -> None:
        self._library = ContextIndex()
        self._open: dict[str, _Open] = {}
        self._files: dict[Path, tuple[int, int]] = {}
        self._roots: tuple[Path, ...] = ()
        self._allowed: Callable[[Path], bool] = lambda _path: False
        self._stays: Callable[[Path], bool] = lambda _path: False
        self._local: set[str] = set()
        self._wanted: dict[str, None] = {}
        self._reader: asyncio.Task[None] | None = None

    def set_workspace(
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
        self._library, self._files = ContextIndex(self._library), {}
        self._open.clear()
        self._wanted.clear()

    def opened(self, uri: str, name: str, path: Path, language: str, lines: LineSource) -> None:
        """A document of the workspace was opened; ``name`` is its path there."""
        self._open[uri] = _Open(name, path, language, lines)
        self._forget(path)
        self._put(uri, name, path, lines)

    def changed(self, uri: str, line: int, old: int = 1, new: int = 1) -> None:
        """A document changed at a line: from there ``new`` lines stand where ``old`` ones stood."""
        self._library.edited(uri, line, old, new)

    def closed(self, uri: str) -> None:
        """A document was closed, or is not to be used any more."""
        self._wanted.pop(uri, None)
        self._library.drop(uri)
        self._local.discard(uri)
        if document := self._open.pop(uri, None):
            for other in self._open.values():
                if document.path in other.imported:
                    other.looked = float("-inf")  # its file counts again

    def snippets(
        self, document: str, prefix: str, suffix: str, budget: int, leaves: bool, line: int | None = None
    ) -> tuple[Snippet, ...]:
        """Context for a window of an open document, in ``budget`` characters; ``leaves`` if it is to leave this machine.

        ``document`` is its URI, or its name where no other has the same. Files that it newly imports are there next time.
        ``line`` is the cursor's; what else is open of the same file is no context.
        """
        uri = self._uri(document)
        if uri is None or budget <= 0:
            return ()
        self._look(uri)
        imported, path = self._open[uri].imported, self._open[uri].path
        same = {other for other, it in self._open.items() if it.path == path and other != uri}
        return self._library.select(
            uri,
            prefix,
            suffix,
            budget=budget,
            imported={*map(str, imported), *(other for other, it in self._open.items() if it.path in imported)},
            allowed=lambda other: other not in same and not (leaves and other in self._local),
            line=line,
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """What was read and is not open."""
        return tuple(self._files)

    def _uri(self, document: str) -> str | None:
        if document in self._open:
            return document
        called = [uri for uri, it in self._open.items() if it.name == document]
        return called[0] if len(called) == 1 else None

    def _put(self, key: str, name: str, path: Path, lines: LineSource) -> None:
        self._local.discard(key)
        if self._stays(path):
            self._local.add(key)
        self._library.put(key, lines, name)

    def _forget(self, path: Path) -> None:
        self._files.pop(path, None)
        self._library.drop(str(path))

    async def wait_until_read(self, uri: str) -> None:
        """Wait until what a document imports has been read."""
        if uri in self._open:
            self._look(uri)
        await self.close()

    async def close(self) -> None:
        """Wait for what is being read."""
        while self._reader is not None and not self._reader.done():
            await asyncio.wait([self._reader])

    def _look(self, uri: str) -> None:
        """Have a document's imports read, if they are others than before or a while has passed."""
        document, lines = self._open[uri], self._open[uri].lines()
        now, head, again = document.stems, lines[:HEAD], time.monotonic() - document.looked >= _AGAIN
        if head != document.head:
            document.head = head
            now = stems(head, document.name)
        if now == document.stems and not again:
            return
        document.stems, document.looked = now, time.monotonic()
        self._wanted[uri] = None
        if self._reader is None or self._reader.done():
            self._reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        """Read for one document after another, as long as any wants it."""
        while self._wanted:
            uri = next(iter(self._wanted))
            del self._wanted[uri]
            document, library = self._open[uri], self._library
            search = ImportResolver(self._roots, self._allowed, document.path, document.language, dict(self._files))
            try:
                found = await asyncio.to_thread(search.run, document.stems)
            except Exception as error:  # noqa: BLE001 - one document's imports must not end the reading
                log.warning("reading imports: %s", type(error).__name__)
                continue
            if library is self._library:  # the same workspace still
                self._take(document, found)

    def _take(self, document: _Open, found: Found) -> None:
        """Keep what was found and is not open, and of what was known before only what may still be read and is imported."""
        document.imported = frozenset(found.imported)
        is_open = {it.path for it in self._open.values()}
        wanted = frozenset[Path]().union(*(it.imported for it in self._open.values()))
        for path in [path for path in self._files if path not in wanted or path in found.gone]:
            self._forget(path)
        for file in found.files:
            if file.path not in is_open and file.path in wanted:
                self._forget(file.path)
                self._files[file.path] = file.stamp
                self._put(str(file.path), file.name, file.path, file.lines)
        for path in list(self._files)[: max(0, len(self._files) - _KEPT)]:
            self._forget(path)
