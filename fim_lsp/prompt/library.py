"""The documents that context is taken from. Pure: it is told of them, and reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection

from fim_lsp.prompt.context import choose
from fim_lsp.prompt.prompt import Snippet
from fim_lsp.prompt.shelf import Lines, Shelf

_DOCUMENTS = 40  # looked through for one prompt, the newest first
_LINES = 1000  # read anew for one prompt, some 10 ms; what is left waits for the next
_IMPORTED = 1.5  # how much more a document says that the file imports
_EDITED = (1.3, 1.2, 1.1)  # the ones that were edited last


class Library:
    """Documents by their paths, which are relative to the workspace."""

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}
        self._edits = 0
        self._chosen: dict[str, tuple[Snippet, ...]] = {}

    def put(self, path: str, lines: Lines) -> None:
        """Take in a document; ``lines`` gives its lines as they are when it is called."""
        self._shelves.pop(path, None)
        self._shelves[path] = Shelf(path, lines)

    def edited(self, path: str, line: int) -> None:
        """A document changed at a line."""
        if shelf := self._shelves.get(path):
            self._edits += 1
            shelf.edited(self._edits, line)

    def drop(self, path: str) -> None:
        """A document is gone. Unknown ones are passed over."""
        self._shelves.pop(path, None)
        self._chosen.pop(path, None)

    def choose(
        self,
        path: str,
        prefix: str,
        suffix: str,
        *,
        room: int,
        imported: Collection[str],
        allowed: Callable[[str], bool],
    ) -> tuple[Snippet, ...]:
        """Context for a window in the document at ``path``, in ``room`` characters.

        ``imported`` are the paths of what that document imports; of the others only ``allowed`` ones are looked at.
        """
        near = sorted(
            (other for other in self._shelves if allowed(other)),
            key=lambda other: (other in imported, self._shelves[other].edit),
            reverse=True,
        )[:_DOCUMENTS]
        edited = sorted((p for p in near if self._shelves[p].edit and p != path), key=lambda p: -self._shelves[p].edit)
        weights = dict(zip(edited, _EDITED, strict=False))
        for other in imported:
            weights[other] = max(_IMPORTED, weights.get(other, 1.0))
        left = _LINES
        for other in near:
            left -= self._shelves[other].refresh(left)
        chosen = choose(
            prefix,
            suffix,
            [self._shelves[other] for other in near],
            room=room,
            weights=weights,
            kept=self._chosen.get(path, ()),
        )
        self._chosen[path] = chosen
        return chosen
