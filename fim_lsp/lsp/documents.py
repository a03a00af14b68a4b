"""Reports changes of documents to the session, in place of pygls' workspace."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from lsprotocol import types
from pygls.uris import to_fs_path
from pygls.workspace import Workspace

from fim_lsp.lsp.notebooks import Notebooks
from fim_lsp.session.open_documents import OpenDocument
from fim_lsp.text.cells import PROSE, OtherCells
from fim_lsp.text.document import Change, Document
from fim_lsp.text.positions import Encoding
from fim_lsp.workspace.language_families import language_of

log = logging.getLogger(__name__)


class DocumentStore(Protocol):
    """Keeps the open documents, as a session does."""

    @property
    def documents(self) -> Mapping[str, OpenDocument]:
        """The open documents by URI."""

    def open_document(self, document: OpenDocument) -> None:
        """A document was opened, or opened again."""

    def change_document(self, uri: str, changes: Sequence[Change]) -> None:
        """A document was changed. Applies the changes of one notification in their order."""

    def close_document(self, uri: str) -> None:
        """A document was closed."""


class Documents(Workspace):
    """Handles document notifications for pygls. The documents themselves are in the ``store``.

    The text documents of pygls take O(document) per keystroke, split lines where LSP does not, and clamp columns wrongly.
    """

    def __init__(
        self, root_uri: str | None, folders: Sequence[types.WorkspaceFolder], encoding: str, store: DocumentStore
    ) -> None:
        super().__init__(root_uri, types.TextDocumentSyncKind.Incremental, folders, encoding)
        self._encoding = Encoding(encoding)
        self._store = store
        self._notebooks = Notebooks()
        self._versions: dict[str, int] = {}  # as the editor counts them, of the documents that are open

    def document(self, uri: str) -> OpenDocument | None:
        """The open document with this URI."""
        return self._store.documents.get(uri)

    def version(self, uri: str) -> int:
        """The editor's number for the present text of an open document; 0 if it has none."""
        return self._versions.get(uri, 0)

    def roots(self) -> tuple[Path, ...]:
        """The folders of the workspace that are on this machine's disk."""
        uris = [folder.uri for folder in self.folders.values()] or ([self.root_uri] if self.root_uri else [])
        return tuple(path for uri in uris if (path := local_path(uri)))

    def put_text_document(self, text_document: types.TextDocumentItem, notebook_uri: str | None = None) -> None:
        """``didOpen``."""
        uri, path = text_document.uri, local_path(text_document.uri)
        notebook = self._notebooks.notebook_of(uri)
        self._versions[uri] = text_document.version
        self._store.open_document(
            OpenDocument(
                uri=uri,
                language=text_document.language_id or language_of(path or _path_in(uri)),
                path=path,
                text=Document(text_document.text, self._encoding),
                notebook=(notebook, local_path(notebook)) if notebook else None,
            )
        )

    def update_text_documents(self, params: types.DidChangeTextDocumentParams) -> None:
        """``didChange``."""
        self._change(params.text_document, params.content_changes)

    def _change(
        self,
        changed: types.VersionedTextDocumentIdentifier,
        changes: Sequence[types.TextDocumentContentChangeEvent],
    ) -> None:
        if changed.uri not in self._store.documents:
            log.warning("a change to a document that is not open was ignored")
            return
        self._versions[changed.uri] = changed.version
        self._store.change_document(changed.uri, tuple(map(_to_change, changes)))

    def remove_text_document(self, doc_uri: str) -> None:
        """``didClose``."""
        self._versions.pop(doc_uri, None)
        if doc_uri in self._store.documents:
            self._store.close_document(doc_uri)

    def put_notebook_document(self, params: types.DidOpenNotebookDocumentParams) -> None:
        """``notebookDocument/didOpen``."""
        self._notebooks.open(params.notebook_document.uri, params.notebook_document.cells)
        for document in params.cell_text_documents:
            self.put_text_document(document)

    def update_notebook_document(self, params: types.DidChangeNotebookDocumentParams) -> None:
        """``notebookDocument/didChange``: first the order of the cells, then their text."""
        notebook, cells = params.notebook_document.uri, params.change.cells
        if cells is None:
            return
        if cells.structure is not None:
            self._notebooks.rearrange(notebook, cells.structure.array)
            for closed in cells.structure.did_close or ():
                self.remove_text_document(closed.uri)
            for document in cells.structure.did_open or ():
                self.put_text_document(document)
        self._notebooks.update_kinds(notebook, cells.data or ())
        for content in cells.text_content or ():
            self._change(content.document, content.changes)

    def remove_notebook_document(self, params: types.DidCloseNotebookDocumentParams) -> None:
        """``notebookDocument/didClose``, which closes all cells."""
        cells = self._notebooks.close(params.notebook_document.uri)
        for uri in dict.fromkeys((*cells, *(document.uri for document in params.cell_text_documents))):
            self.remove_text_document(uri)

    def other_cells(self, document: OpenDocument) -> OtherCells | None:
        """The other cells of its notebook, or None if a document is not a cell."""
        notebook = self._notebooks.notebook_of(document.uri)
        documents = self._store.documents
        cells = self._notebooks.cells_of(notebook, documents) if notebook else []
        if document.uri not in cells:
            return None
        at = cells.index(document.uri)
        prose = frozenset(uri for uri in cells if self._notebooks.is_markup(uri) or documents[uri].language in PROSE)
        return OtherCells(notebook=notebook, above=tuple(cells[:at]), below=tuple(cells[at + 1 :]), prose=prose)


def _to_change(change: types.TextDocumentContentChangeEvent) -> Change:
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return Change(change.text)
    start, end = change.range.start, change.range.end
    return Change(change.text, ((start.line, start.character), (end.line, end.character)))


def _path_in(uri: str) -> Path:
    """The path in a URI that is not a file's, for the suffix of its name."""
    return Path(unquote(re.split("[?#]", uri, maxsplit=1)[0]))


def local_path(uri: str) -> Path | None:
    """The file of a ``file:`` URI, without ``..``; None for other and invalid URIs."""
    try:
        path = to_fs_path(uri) if uri[:5].lower() == "file:" else None
    except ValueError:
        return None
    return Path(os.path.normpath(path)) if path else None
