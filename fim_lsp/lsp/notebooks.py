"""Which documents are cells of one notebook, and in which order: by the client's word, else by their URIs."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from lsprotocol import types

_CELL = re.compile(r"(?P<notebook>[^#]+)#(?P<cell>[^/#]+)")
_RANDOM = re.compile(r"(?=.*[a-f])(?=.*\d)[0-9a-f]{8}[0-9a-f-]*", re.IGNORECASE)  # an id that says nothing about order

SYNC = types.NotebookDocumentSyncOptions(notebook_selector=[types.NotebookDocumentFilterWithNotebook(notebook="*")])
"""All cells of all notebooks."""


class Notebooks:
    """One editor's. Only for documents that are open: whoever asks says which those are."""

    def __init__(self) -> None:
        self._cells: dict[str, list[types.NotebookCell]] = {}
        self._notebook: dict[str, str] = {}

    def opened(self, notebook: str, cells: Sequence[types.NotebookCell]) -> None:
        """``notebookDocument/didOpen``."""
        self._put(notebook, list(cells))

    def rearranged(self, notebook: str, array: types.NotebookCellArrayChange) -> None:
        """Cells were added, removed or moved."""
        cells = self._cells.get(notebook, [])
        start = min(array.start, len(cells))
        cells[start : start + array.delete_count] = array.cells or []
        self._put(notebook, cells)

    def described(self, notebook: str, data: Sequence[types.NotebookCell]) -> None:
        """Cells are of another kind now."""
        kinds = {cell.document: cell for cell in data}
        self._put(notebook, [kinds.get(cell.document, cell) for cell in self._cells.get(notebook, [])])

    def closed(self, notebook: str) -> list[str]:
        """``notebookDocument/didClose``; the cells that it had."""
        cells = [cell.document for cell in self._cells.pop(notebook, [])]
        for cell in cells:
            self._notebook.pop(cell, None)
        return cells

    def of(self, uri: str) -> str:
        """The URI of the notebook that a document is a cell of, ``""`` if it is none."""
        if known := self._notebook.get(uri):
            return known
        match = _CELL.fullmatch(uri)
        if match is None or (uri[:5].lower() == "file:" and "." in match["cell"]):  # the name of a file, like c#.py
            return ""
        return match["notebook"]

    def cells(self, notebook: str, known: Collection[str]) -> list[str]:
        """The cells of a notebook from above to below, of the ``known`` documents, which are in the order of opening."""
        if notebook in self._cells:
            return [cell.document for cell in self._cells[notebook] if cell.document in known]
        found = [uri for uri in known if self.of(uri) == notebook]
        if any(_RANDOM.fullmatch(uri.partition("#")[2]) for uri in found):
            return found
        return sorted(found, key=_natural)

    def is_prose(self, uri: str) -> bool:
        """Whether the client said that a cell is not run."""
        cells = self._cells.get(self._notebook.get(uri, ""), [])
        return any(cell.document == uri and cell.kind == types.NotebookCellKind.Markup for cell in cells)

    def _put(self, notebook: str, cells: list[types.NotebookCell]) -> None:
        for cell in self._cells.get(notebook, []):
            self._notebook.pop(cell.document, None)
        self._cells[notebook] = cells
        self._notebook |= {cell.document: notebook for cell in cells}


def _natural(uri: str) -> list[tuple[int, str]]:
    """Numbers in an id count as numbers. VS Code's ids begin with a letter for the number of digits."""
    parts = re.split(r"(\d+)", uri.partition("#")[2])
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
