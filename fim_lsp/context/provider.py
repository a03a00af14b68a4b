"""What a prompt contains from other files: the open documents, and the files that they import.

:mod:`fim_lsp.context.index` selects; this module knows which documents there are, and reads files in a thread, so that a
keystroke never waits for the disk.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.context.import_parser import IMPORT_LINES, import_candidates
from fim_lsp.context.import_resolver import ImportResolver, ResolvedImports, Stamp
from fim_lsp.context.index import ContextIndex
from fim_lsp.context.indexed_document import LineSource
from fim_lsp.prompt.prompt import Snippet

log = logging.getLogger(__name__)

_CHECK_INTERVAL = 10.0  # seconds after which imported files are looked for again
_MAX_FILES = 80  # that are imported and not open
_NEVER = float("-inf")


@dataclass(slots=True)
class _OpenDocument:
    """``candidates`` are derived from ``import_lines``; ``resolved_at`` is when they were last looked for."""

    name: str
    path: Path
    language: str
    read_lines: LineSource
    import_lines: Sequence[str] = ()
    candidates: tuple[str, ...] = ()
    resolved_at: float = _NEVER
    imported: frozenset[Path] = frozenset()


class ContextProvider:
    """The context of one session. Prompts name files by their paths in the workspace; files outside it are not context.

    The index has open documents by URI and other files by path, because files in two folders may have the same name.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._index = ContextIndex()
        self._open: dict[str, _OpenDocument] = {}
        self._files: dict[Path, Stamp] = {}
        self._roots: tuple[Path, ...] = ()
        self._may_read: Callable[[Path], bool] = lambda _path: False
        self._is_local_only: Callable[[Path], bool] = lambda _path: False
        self._local_only: set[str] = set()
        self._unresolved: dict[str, None] = {}
        self._reader: asyncio.Task[None] | None = None

    def set_workspace(
        self,
        roots: Sequence[Path],
        may_read: Callable[[Path], bool],
        local_only: Callable[[Path], bool] = lambda _path: False,
    ) -> None:
        """Start again in a workspace: only files under ``roots`` that ``may_read`` allows are read, in a thread.

        Those that are ``local_only`` are context only for back ends on this machine.
        """
        self._roots, self._may_read, self._is_local_only = tuple(roots), may_read, local_only
        self._local_only = set()
        self._index, self._files = ContextIndex(self._index), {}
        self._open.clear()
        self._unresolved.clear()

    def opened(self, uri: str, name: str, path: Path, language: str, read_lines: LineSource) -> None:
        """A document of the workspace was opened; ``name`` is its path there."""
        self._open[uri] = _OpenDocument(name, path, language, read_lines)
        self._drop_file(path)
        self._put(uri, name, path, read_lines)

    def changed(self, uri: str, line: int, old: int = 1, new: int = 1) -> None:
        """``old`` lines of a document from ``line`` on were replaced by ``new`` ones."""
        self._index.edited(uri, line, old, new)

    def closed(self, uri: str) -> None:
        """A document was closed, or must not be used any more."""
        self._unresolved.pop(uri, None)
        self._index.drop(uri)
        self._local_only.discard(uri)
        if document := self._open.pop(uri, None):
            for other in self._open.values():
                if document.path in other.imported:
                    other.resolved_at = _NEVER  # the file itself is context now

    def snippets(
        self, uri: str, prefix: str, suffix: str, budget: int, remote: bool, line: int | None = None
    ) -> tuple[Snippet, ...]:
        """Context for a window of an open document, up to ``budget`` characters; ``remote``: for another machine.

        Files that the document has only just imported are available the next time. ``line`` is the cursor's. Other
        documents that are open for the same file are not context.
        """
        document = self._open.get(uri)
        if document is None or budget <= 0:
            return ()
        self._resolve_if_due(uri, document)
        same_file = {other for other, it in self._open.items() if it.path == document.path and other != uri}
        open_imports = {other for other, it in self._open.items() if it.path in document.imported}
        return self._index.select(
            uri,
            prefix,
            suffix,
            budget=budget,
            imported={*map(str, document.imported), *open_imports},
            allowed=lambda other: other not in same_file and not (remote and other in self._local_only),
            line=line,
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that have been read and are not open."""
        return tuple(self._files)

    async def wait_until_read(self, uri: str) -> None:
        """Wait until what a document imports has been read."""
        if document := self._open.get(uri):
            self._resolve_if_due(uri, document)
        await self.close()

    async def close(self) -> None:
        """Wait until files that are being read have been read."""
        while self._reader is not None and not self._reader.done():
            await asyncio.wait([self._reader])

    def _put(self, key: str, name: str, path: Path, read_lines: LineSource) -> None:
        self._local_only.discard(key)
        if self._is_local_only(path):
            self._local_only.add(key)
        self._index.put(key, read_lines, name)

    def _drop_file(self, path: Path) -> None:
        self._files.pop(path, None)
        self._index.drop(str(path))

    def _resolve_if_due(self, uri: str, document: _OpenDocument) -> None:
        """Have a document's imports read if they have changed or some time has passed."""
        candidates, import_lines = document.candidates, document.read_lines()[:IMPORT_LINES]
        if import_lines != document.import_lines:
            document.import_lines = import_lines
            candidates = import_candidates(import_lines, document.name)
        now = self._clock()
        if candidates == document.candidates and now - document.resolved_at < _CHECK_INTERVAL:
            return
        document.candidates, document.resolved_at = candidates, now
        self._unresolved[uri] = None
        if self._reader is None or self._reader.done():
            self._reader = asyncio.get_running_loop().create_task(self._read_imports())

    async def _read_imports(self) -> None:
        """Read the imports of one document after another while there are any."""
        while self._unresolved:
            uri = next(iter(self._unresolved))
            del self._unresolved[uri]
            document, index = self._open[uri], self._index
            resolver = ImportResolver(self._roots, self._may_read, document.path, document.language, dict(self._files))
            try:
                resolved = await asyncio.to_thread(resolver.run, document.candidates)
            except Exception as error:  # noqa: BLE001 - one document's imports must not end the reading
                log.warning("reading imports: %s", type(error).__name__)
                continue
            if index is self._index:  # still in the same workspace
                self._update(document, resolved)

    def _update(self, document: _OpenDocument, resolved: ResolvedImports) -> None:
        """Add the files that were read; drop those that are no longer imported, or may no longer be read."""
        document.imported = frozenset(resolved.imported)
        open_paths = {it.path for it in self._open.values()}
        imported = frozenset[Path]().union(*(it.imported for it in self._open.values()))
        for path in [path for path in self._files if path not in imported or path in resolved.gone]:
            self._drop_file(path)
        for file in resolved.read:
            if file.path not in open_paths and file.path in imported:
                self._drop_file(file.path)
                self._files[file.path] = file.stamp
                self._put(str(file.path), file.name, file.path, file.lines)
        for path in list(self._files)[: max(0, len(self._files) - _MAX_FILES)]:
            self._drop_file(path)
