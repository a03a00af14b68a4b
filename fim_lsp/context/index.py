"""The documents that context may come from, and which of them are searched. Pure: callers add documents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from fim_lsp.context.indexed_document import IndexedDocument, LineSource
from fim_lsp.context.ranking import rank_snippets
from fim_lsp.prompt.prompt import Snippet
from fim_lsp.text.unicode import is_visible

_MAX_DOCUMENTS = 40  # searched for one prompt: those edited last
_MAX_CHARACTERS = 12_000  # read for one prompt, in some 4 ms; the rest is read for the next
_MAX_UNREAD_EDITS = 20  # before the edited document itself is read again: what is near the cursor is sent anyway
_IMPORTED_WEIGHT = 1.5  # of a document that the current one imports
_RECENT_WEIGHTS = (1.3, 1.2, 1.1)  # of the documents edited last


class ContextIndex:
    """Documents by keys of the caller's choice, because two documents may have the same name."""

    def __init__(self, previous: ContextIndex | None = None) -> None:
        """``previous`` is the index that this one replaces. The new one takes over which documents were edited last and what
        was selected for each, so that prompts stay the same, but no text.
        """
        self._documents: dict[str, IndexedDocument] = {}
        self._edits: int = previous._edits if previous else 0
        self._selected: dict[str, tuple[Snippet, ...]] = dict(previous._selected) if previous else {}
        self._last_edits: dict[str, tuple[int, int]] = (
            {key: (it.last_edit, it.edited_line) for key, it in previous._documents.items()} if previous else {}
        )

    def put(self, key: str, read_lines: LineSource, name: str | None = None) -> None:
        """Add a document. ``name``, by default the key, is its name in prompts; one that is not visible is not added."""
        self._documents.pop(key, None)
        name = key if name is None else name
        if is_visible(name):
            edit, line = self._last_edits.pop(key, (0, 0))
            self._documents[key] = IndexedDocument(name, read_lines, edit, line)

    def edited(self, key: str, line: int, old: int = 1, new: int = 1) -> None:
        """``old`` lines from ``line`` on were replaced by ``new`` ones."""
        if document := self._documents.get(key):
            self._edits += 1
            document.edited(self._edits, line, old, new)

    def drop(self, key: str) -> None:
        """Remove a document, if it is there."""
        self._documents.pop(key, None)
        self._selected.pop(key, None)
        self._last_edits.pop(key, None)

    def select(
        self,
        key: str,
        prefix: str,
        suffix: str,
        *,
        budget: int,
        imported: Collection[str],
        allowed: Callable[[str], bool],
        line: int | None = None,
    ) -> tuple[Snippet, ...]:
        """Context for a window of the document ``key``, up to ``budget`` characters.

        ``imported`` are the keys of what that document imports; only documents that are ``allowed`` are searched.
        ``line`` is the cursor's.
        """
        searched = self._searched(key, imported, allowed)
        self._refresh(key, searched)
        weights = self._weights(key, searched, imported)
        self._selected[key] = rank_snippets(
            prefix,
            suffix,
            [(self._documents[other], weights.get(other, 1.0)) for other in searched],
            budget=budget,
            previous=self._selected.get(key, ()),
            own=self._documents.get(key),
            line=line,
        )
        return self._selected[key]

    def _searched(self, key: str, imported: Collection[str], allowed: Callable[[str], bool]) -> Sequence[str]:
        """The document itself, what it imports, and those edited last."""

        def importance(other: str) -> tuple[bool, bool, int]:
            return other == key, other in imported, self._documents[other].last_edit

        return sorted(filter(allowed, self._documents), key=importance, reverse=True)[:_MAX_DOCUMENTS]

    def _refresh(self, key: str, searched: Sequence[str]) -> None:
        remaining = _MAX_CHARACTERS
        for other in searched:
            document = self._documents[other]
            if remaining > 0 and not (other == key and document.unread_edits < _MAX_UNREAD_EDITS):
                remaining -= document.refresh(remaining)

    def _weights(self, key: str, searched: Sequence[str], imported: Collection[str]) -> dict[str, float]:
        edits = {other: edit for other in searched if (edit := self._documents[other].last_edit) and other != key}
        weights = dict(zip(sorted(edits, key=edits.__getitem__, reverse=True), _RECENT_WEIGHTS, strict=False))
        return weights | {other: max(_IMPORTED_WEIGHT, weights.get(other, 1.0)) for other in imported}
