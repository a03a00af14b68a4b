"""Which documents are cells of the same notebook, and in which order: as the client reports it, or by their URIs."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from lsprotocol import types

SYNC_OPTIONS = types.NotebookDocumentSyncOptions(
    notebook_selector=[types.NotebookDocumentFilterWithNotebook(notebook="*")]
)
"""All cells of all notebooks."""

_CELL_URI = re.compile(r"(?P<notebook>[^#]+)#(?P<cell>[^/#]+)")
_RANDOM_ID = re.compile(r"(?=.*[a-f])(?=.*\d)[0-9a-f]{8}[0-9a-f-]*", re.IGNORECASE)  # ids in no particular order


class Notebooks:
    """The notebooks of one editor. Callers pass the documents that are open."""

    def __init__(self) -> None:
        self._cells: dict[str, list[types.NotebookCell]] = {}  # by the notebook's URI
        self._notebook: dict[str, str] = {}  # by the cell's URI

    def open(self, notebook: str, cells: Sequence[types.NotebookCell]) -> None:
        """``notebookDocument/didOpen``."""
        self._set_cells(notebook, list(cells))

    def rearrange(self, notebook: str, change: types.NotebookCellArrayChange) -> None:
        """Cells were added, removed or moved."""
        cells = self._cells.get(notebook, [])
        start = min(change.start, len(cells))
        cells[start : start + change.delete_count] = change.cells or []
        self._set_cells(notebook, cells)

    def update_kinds(self, notebook: str, changed: Sequence[types.NotebookCell]) -> None:
        """Cells have become code or markup."""
        by_uri = {cell.document: cell for cell in changed}
        self._set_cells(notebook, [by_uri.get(cell.document, cell) for cell in self._cells.get(notebook, [])])

    def close(self, notebook: str) -> list[str]:
        """``notebookDocument/didClose``. Returns the cells that the notebook had."""
        cells = [cell.document for cell in self._cells.pop(notebook, [])]
        for cell in cells:
            self._notebook.pop(cell, None)
        return cells

    def notebook_of(self, uri: str) -> str:
        """The URI of the notebook that a document belongs to, ``""`` if it is not a cell."""
        if reported := self._notebook.get(uri):
            return reported
        match = _CELL_URI.fullmatch(uri)
        if match is None or (uri[:5].lower() == "file:" and "." in match["cell"]):  # a file name like c#.py
            return ""
        return match["notebook"]

    def cells_of(self, notebook: str, documents: Collection[str]) -> list[str]:
        """The cells of a notebook from top to bottom, among ``documents``, which are in the order of their opening."""
        if notebook in self._cells:
            return [cell.document for cell in self._cells[notebook] if cell.document in documents]
        cells = [uri for uri in documents if self.notebook_of(uri) == notebook]
        if any(_RANDOM_ID.fullmatch(uri.partition("#")[2]) for uri in cells):
            return cells
        return sorted(cells, key=_natural_order)

    def is_markup(self, uri: str) -> bool:
        """Whether the client has reported that a cell is markup, which is not run."""
        cells = self._cells.get(self._notebook.get(uri, ""), [])
        return any(cell.document == uri and cell.kind == types.NotebookCellKind.Markup for cell in cells)

    def _set_cells(self, notebook: str, cells: list[types.NotebookCell]) -> None:
        for cell in self._cells.get(notebook, []):
            self._notebook.pop(cell.document, None)
        self._cells[notebook] = cells
        self._notebook |= {cell.document: notebook for cell in cells}


def _natural_order(uri: str) -> list[tuple[int, str]]:
    """Compares numbers in ids by value. VS Code's ids begin with a letter that encodes the number of digits."""
    parts = re.split(r"(\d+)", uri.partition("#")[2])
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
