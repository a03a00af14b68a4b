"""The open documents of one editor, and what may be done with the text of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.context.provider import ContextProvider
from fim_lsp.prompt.build import WINDOW_CHARACTERS
from fim_lsp.schedule.events import RequestAnswered
from fim_lsp.schedule.request import Outcome, Snapshot
from fim_lsp.text.cells import Cell, OtherCells, join
from fim_lsp.text.document import Change, Document, Edit
from fim_lsp.text.unicode import is_visible
from fim_lsp.workspace.exclusion import Exclusion
from fim_lsp.workspace.file_policy import FilePolicy

Place = tuple[str, Path | None]
"""A URI, and its file if it is one on this machine."""


@dataclass(slots=True, kw_only=True)
class OpenDocument:
    """A document as the editor has it now. ``notebook`` is set if the document is a cell of one.

    The text must not be used until a policy has decided where it may go.
    """

    uri: str
    language: str
    path: Path | None
    text: Document
    notebook: Place | None = None
    size: int = field(init=False)  # in characters
    excluded: bool = True
    local_only: bool = True
    indexed: bool = False  # the embedded model has learnt from it

    def __post_init__(self) -> None:
        self.size = sum(map(len, self.text.lines))

    @property
    def places(self) -> list[Place]:
        """Its own place, and that of its notebook."""
        return [(self.uri, self.path), *([self.notebook] if self.notebook else [])]

    def apply_policy(self, policy: FilePolicy) -> None:
        """Decide where the text may go. A cell is restricted by what restricts its notebook too."""
        self.excluded = not all(policy.may_send(*place) for place in self.places)
        self.local_only = any(policy.local_only(*place) for place in self.places)


class OpenDocuments(Mapping[str, OpenDocument]):
    """The open documents by URI, in the order in which they were opened.

    The embedded model learns from those that are not excluded, and prompts for other documents may use them as context.
    """

    def __init__(self, ngram: NgramBackend, context: ContextProvider) -> None:
        self._ngram = ngram
        self._context = context
        self._documents: dict[str, OpenDocument] = {}
        self.policy = FilePolicy((), ())

    def __getitem__(self, uri: str) -> OpenDocument:
        return self._documents[uri]

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    def apply_policy(self, policy: FilePolicy, roots: Sequence[Path]) -> None:
        """Follow this policy from now on; ``roots`` are the folders of the workspace."""
        self.policy = policy
        self._ngram.workspace(roots, policy.may_index)
        self._context.set_workspace(roots, policy.may_import, lambda path: policy.local_only(path.as_uri(), path))
        for document in self._documents.values():
            self._index_or_forget(document)
            self._offer_as_context(document)

    def open(self, document: OpenDocument) -> None:
        """A document was opened."""
        self._documents[document.uri] = document
        self._index_or_forget(document)
        self._offer_as_context(document)

    def change(self, uri: str, changes: Sequence[Change]) -> tuple[Edit, ...]:
        """Apply the changes of one notification, each to the result of the one before."""
        document = self._documents[uri]
        return tuple(self._apply(document, change) for change in changes)

    def _apply(self, document: OpenDocument, change: Change) -> Edit:
        edit = document.text.apply(change)
        document.size += len(edit.inserted) - len(edit.removed)
        if document.indexed:
            new_lines = document.text.lines[edit.first_line : edit.first_line + edit.new_lines]
            self._ngram.change(document.uri, edit.first_line, edit.old_lines, new_lines)
            self._context.changed(document.uri, edit.first_line, edit.old_lines, edit.new_lines)
        return edit

    def close(self, uri: str) -> None:
        """A document was closed, if it was open."""
        document = self._documents.pop(uri, None)
        if document is not None and document.indexed:
            self._forget(document)
        self.policy.forget_closed_folders(self._recheck)

    def is_excluded(self, uri: str) -> bool:
        """Whether a document's text must never be sent; true for one that is not open."""
        document = self.get(uri)
        return document is None or document.excluded

    def is_local_only(self, uri: str) -> bool:
        """Whether a document's text may only go to back ends on this machine; true for one that is not open."""
        document = self.get(uri)
        return document is None or document.local_only

    def relative_path(self, document: OpenDocument) -> str:
        """A document's path in the workspace, ``""`` for one outside of it or without a file."""
        return self.policy.relative_path(document.path) if document.path else ""

    # -- for people who ask

    def name_of(self, uri: str) -> str:
        """What the user calls a document: its path in the workspace, else its file's name, else ``this document``."""
        document = self.get(uri)
        path = document.path if document else None
        name = self.relative_path(document) if document else ""
        return name or (path.name if path else "This document")

    def exclusion(self, document: OpenDocument) -> str:
        """The rule because of which a document is never sent, ``""`` if there is none."""
        return self._first_rule(document, self.policy.exclusion)

    def local_only_rule(self, document: OpenDocument) -> str:
        """The rule because of which a document must not leave this machine, ``""`` if there is none."""
        return self._first_rule(document, self.policy.local_only_rule)

    @staticmethod
    def _first_rule(document: OpenDocument, rule_of: Callable[[str, Path | None], Exclusion | None]) -> str:
        return next((str(rule) for place in document.places if (rule := rule_of(*place)) is not None), "")

    def with_rule(self, event: RequestAnswered) -> RequestAnswered:
        """An event about an excluded document, with the rule that excludes it now."""
        if event.outcome is not Outcome.EXCLUDED or event.reason:
            return event
        for document in self.values():
            if document.excluded and self.relative_path(document) == event.place.path:
                return replace(event, reason=self.exclusion(document))
        return event

    def snapshot(
        self,
        document: OpenDocument,
        line: int,
        character: int,
        *,
        number: int = 0,
        explicit: bool = False,
        other_cells: OtherCells | None = None,
    ) -> Snapshot:
        """A request at a position, counted in the encoding of the document; ``number`` is the request's.

        ``other_cells`` are the other cells of the notebook, if the document is a cell.
        """
        split = document.text.split(line, character, before=WINDOW_CHARACTERS, after=WINDOW_CHARACTERS)
        snapshot = Snapshot(
            number=number,
            uri=document.uri,
            language=document.language,
            path=self.relative_path(document),
            split=split,
            explicit=explicit,
            size=document.size,
        )
        if other_cells is None:
            return snapshot
        above, below = self.neighbours(document, other_cells)
        whole = join(split, document.language, above, below, window=WINDOW_CHARACTERS)
        return replace(snapshot, notebook=other_cells.notebook, whole=whole)

    def neighbours(self, cell: OpenDocument, other_cells: OtherCells) -> tuple[list[Cell], list[Cell]]:
        """The cells above and below a cell, without those that are more restricted than this one."""

        def cells(uris: Sequence[str]) -> list[Cell]:
            return [
                Cell(lines=other.text.lines, language=other.language, prose=uri in other_cells.prose)
                for uri in uris
                if (other := self.get(uri)) and not other.excluded and (cell.local_only or not other.local_only)
            ]

        return cells(other_cells.above), cells(other_cells.below)

    def _recheck(self) -> None:
        """Ask the policy about every document and file in use again, so that it notices changed ignore files there."""
        for document in self._documents.values():
            was_indexed = document.indexed
            self._index_or_forget(document)
            if not was_indexed:
                self._offer_as_context(document)
        for path in self._context.files:
            self.policy.may_import(path)

    def _index_or_forget(self, document: OpenDocument) -> None:
        document.apply_policy(self.policy)
        if document.indexed and document.excluded:
            document.indexed = False
            self._forget(document)
        elif not document.indexed and not document.excluded:
            document.indexed = True
            self._ngram.open(document.uri, document.language, lambda: document.text.lines, document.path)

    def _forget(self, document: OpenDocument) -> None:
        self._ngram.forget(document.uri)
        self._context.closed(document.uri)

    def _offer_as_context(self, document: OpenDocument) -> None:
        """Use a document as context for others, if it may be sent and is in the workspace."""
        name, path = self.relative_path(document), document.path
        if document.indexed and path is not None and is_visible(name) and self.policy.contains(path):
            self._context.opened(document.uri, name, path, document.language, lambda: document.text.lines)
