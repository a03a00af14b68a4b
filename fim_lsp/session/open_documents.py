"""The open documents: one record of each, who learns from it, and where its text may go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.context.provider import ContextProvider
from fim_lsp.text.cells import Beside, Cell
from fim_lsp.text.document import Change, Document, Edit
from fim_lsp.text.unicode import is_visible
from fim_lsp.workspace.file_policy import FilePolicy

Place = tuple[str, Path | None]
"""A URI, and its file if it is one on this machine."""


@dataclass(slots=True)
class _Open:
    """``size`` is in characters. ``excluded``: never to be sent; ``stays``: only to back ends on this machine. What restricts
    a place in ``places``, the document's own or its notebook's, restricts the document.
    """

    language: str
    path: Path | None
    text: Document
    size: int
    places: Sequence[Place]
    excluded: bool = True
    stays: bool = True
    learnt: bool = False


class OpenDocuments:
    """One editor's. The embedded model learns from those that are not excluded, and other prompts have them as context."""

    def __init__(self, ngram: NgramBackend, surroundings: ContextProvider) -> None:
        self._ngram = ngram
        self._surroundings = surroundings
        self._paths = FilePolicy((), ())
        self._open: dict[str, _Open] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __getitem__(self, uri: str) -> _Open:
        return self._open[uri]

    def get(self, uri: str) -> _Open | None:
        """The document, if it is open."""
        return self._open.get(uri)

    def apply_rules(self, paths: FilePolicy) -> None:
        """Other rules say from now on what may be learnt and sent."""
        self._paths = paths
        for uri, document in self._open.items():
            self._learn_or_forget(uri, document)
            self._offer_as_context(uri, document)

    def opened(self, uri: str, language: str, document: Document, places: Sequence[Place]) -> None:
        """A document was opened; the first of its ``places`` is its own."""
        path, size = places[0][1], sum(map(len, document.lines))
        opened = self._open[uri] = _Open(language, path, document, size, places)
        self._learn_or_forget(uri, opened)
        self._offer_as_context(uri, opened)

    def change(self, uri: str, changes: Sequence[Change]) -> tuple[Edit, ...]:
        """Apply the changes of one notification to a document, each to what the one before made of it."""
        document = self._open[uri]
        return tuple(self._apply(uri, document, change) for change in changes)

    def _apply(self, uri: str, document: _Open, change: Change) -> Edit:
        edit = document.text.apply(change)
        document.size += len(edit.inserted) - len(edit.removed)
        if document.learnt:
            new = document.text.lines[edit.first_line : edit.first_line + edit.new_lines]
            self._ngram.change(uri, edit.first_line, edit.old_lines, new)
            self._surroundings.changed(uri, edit.first_line, edit.old_lines, edit.new_lines)
        return edit

    def closed(self, uri: str) -> None:
        """A document was closed."""
        document = self._open.pop(uri, None)
        if document is not None and document.learnt:
            self._ngram.forget(uri)
            self._surroundings.closed(uri)
        self._paths.forget_closed_folders(self._ask_again)

    def _ask_again(self) -> None:
        """Have the rules of every place that is in use read again."""
        for uri, document in self._open.items():
            learnt = document.learnt
            self._learn_or_forget(uri, document)
            if not learnt:
                self._offer_as_context(uri, document)
        for path in self._surroundings.files:
            self._paths.may_import(path)

    def excluded(self, uri: str) -> bool:
        """Whether its text is never to be sent. One that is not open is not."""
        document = self._open.get(uri)
        return document is None or document.excluded

    def stays(self, uri: str) -> bool:
        """Whether its text may only go to back ends on this machine."""
        document = self._open.get(uri)
        return document is None or document.stays

    def name(self, uri: str) -> str:
        """Its path in the workspace, ``""`` for one outside of it or without a file."""
        path = self._open[uri].path
        return self._paths.relative_path(path) if path else ""

    def cells(self, uri: str, beside: Beside) -> tuple[list[Cell], list[Cell]]:
        """The cells above and below a cell, without those that may not go where that one may."""
        leaves = not self._open[uri].stays

        def cells(uris: Sequence[str]) -> list[Cell]:
            known = ((other, self._open[other]) for other in uris if other in self._open)
            return [
                Cell(lines=it.text.lines, language=it.language, prose=other in beside.prose)
                for other, it in known
                if not (it.excluded or (it.stays and leaves))
            ]

        return cells(beside.above), cells(beside.below)

    def _learn_or_forget(self, uri: str, document: _Open) -> None:
        """Let the embedded model read a document, or forget it once it is excluded."""
        document.excluded = not all(self._paths.may_send(*place) for place in document.places)
        document.stays = any(self._paths.local_only(*place) for place in document.places)
        if document.learnt and document.excluded:
            document.learnt = False
            self._ngram.forget(uri)
            self._surroundings.closed(uri)
        elif not document.learnt and not document.excluded:
            document.learnt = True
            self._ngram.open(uri, document.language, lambda: document.text.lines, document.path)

    def _offer_as_context(self, uri: str, document: _Open) -> None:
        """Let a document that may be sent serve as context for others, if it is in the workspace."""
        name, path = self.name(uri), document.path
        if document.learnt and path is not None and is_visible(name) and self._paths.contains(path):
            self._surroundings.opened(uri, name, path, document.language, lambda: document.text.lines)
