"""The documents that context is taken from. Pure: it is told of them, and reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection

from fim_lsp.context.indexed_document import IndexedDocument, LineSource
from fim_lsp.context.ranking import rank_snippets
from fim_lsp.prompt.prompt import Snippet
from fim_lsp.text.unicode import is_visible

_DOCUMENTS = 40  # looked through for one prompt, the newest first
_CHARACTERS = 12_000  # read anew for one prompt, some 4 ms; what is left waits for the next
_AT_ONCE = 20  # edits until the document that is typed in is read again: what is near the cursor is sent anyway
_IMPORTED = 1.5  # how much more a document says that the file imports
_EDITED = (1.3, 1.2, 1.1)  # the ones that were edited last


class ContextIndex:
    """Documents by keys of the caller's, which tell apart those that have the same name."""

    def __init__(self, before: ContextIndex | None = None) -> None:
        """``before`` is the library that this one replaces: which documents were edited last, and what was chosen for
        each, is still known, so that prompts stay the same. No text is taken over.
        """
        self._shelves: dict[str, IndexedDocument] = {}
        self._edits: int = before._edits if before else 0
        self._chosen: dict[str, tuple[Snippet, ...]] = dict(before._chosen) if before else {}
        self._places: dict[str, tuple[int, int]] = (
            {key: (it.edit, it.line) for key, it in before._shelves.items()} if before else {}
        )

    def put(self, key: str, lines: LineSource, name: str | None = None) -> None:
        """Take in a document; ``lines`` gives its lines as they are when it is called.

        ``name`` is what prompts call it, the key if there is none; one that would break a heading is left out.
        """
        self._shelves.pop(key, None)
        name = key if name is None else name
        if is_visible(name):
            edit, line = self._places.pop(key, (0, 0))
            self._shelves[key] = IndexedDocument(name, lines, edit, line)

    def edited(self, key: str, line: int, old: int = 1, new: int = 1) -> None:
        """A document changed at a line: from there ``new`` lines stand where ``old`` ones stood."""
        if shelf := self._shelves.get(key):
            self._edits += 1
            shelf.edited(self._edits, line, old, new)

    def drop(self, key: str) -> None:
        """A document is gone. Unknown ones are passed over."""
        self._shelves.pop(key, None)
        self._chosen.pop(key, None)
        self._places.pop(key, None)

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
        """Context for a window in the document of ``key``, in ``budget`` characters.

        ``imported`` are the keys of what that document imports; of the others only ``allowed`` ones are looked at.
        ``line`` is the cursor's.
        """
        shelves = self._shelves
        near = sorted(
            filter(allowed, shelves),
            key=lambda other: (other == key, other in imported, shelves[other].edit),
            reverse=True,
        )[:_DOCUMENTS]
        left = _CHARACTERS
        for other in near:
            if left > 0 and not (other == key and shelves[other].edits < _AT_ONCE):
                left -= shelves[other].refresh(left)
        weights = self._weights(key, near, imported)
        chosen = rank_snippets(
            prefix,
            suffix,
            [(shelves[other], weights.get(other, 1.0)) for other in near],
            budget=budget,
            kept=self._chosen.get(key, ()),
            own=shelves.get(key),
            line=line,
        )
        self._chosen[key] = chosen
        return chosen

    def _weights(self, key: str, near: Collection[str], imported: Collection[str]) -> dict[str, float]:
        edits = {other: shelf.edit for other in near if (shelf := self._shelves[other]).edit and other != key}
        weights = dict(zip(sorted(edits, key=edits.__getitem__, reverse=True), _EDITED, strict=False))
        return weights | {other: max(_IMPORTED, weights.get(other, 1.0)) for other in imported}
