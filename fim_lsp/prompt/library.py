"""The documents that context is taken from. Pure: it is told of them, and reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from fim_lsp.prompt.chunks import Chunk, names, pieces
from fim_lsp.prompt.context import choose
from fim_lsp.prompt.prompt import Snippet

Lines = Callable[[], Sequence[str]]

_DOCUMENTS = 40  # looked through for one prompt, the newest first
_LINES = 1500  # of one document, round its last edit; together some 8 ms
_IMPORTED = 1.5  # how much more a document says that the file imports
_EDITED = (1.3, 1.2, 1.1)  # the ones that were edited last


@dataclass(slots=True)
class _Shelf:
    """``edit`` is the last edit's number among all and ``line`` its line; ``chunks`` are None when they are out of date."""

    lines: Lines
    edit: int = 0
    line: int = 0
    chunks: tuple[Chunk, ...] | None = None
    names: dict[str, frozenset[str]] = field(default_factory=dict)

    def cut(self, path: str) -> tuple[Chunk, ...]:
        if self.chunks is None:
            lines = self.lines()
            start = max(0, min(self.line - _LINES // 2, len(lines) - _LINES))
            lines = lines[start : start + _LINES]
            texts = [(first, last, "".join(lines[first:last])) for first, last in pieces(lines)]
            self.names = {text: self.names.get(text) or names(text) for _, _, text in texts}
            self.chunks = tuple(
                Chunk(path=path, first=start + first, last=start + last, text=text, names=self.names[text])
                for first, last, text in texts
            )
        return self.chunks


class Library:
    """Documents by their paths, which are relative to the workspace."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._edits = 0
        self._chosen: dict[str, tuple[Snippet, ...]] = {}

    def put(self, path: str, lines: Lines) -> None:
        """Take in a document; ``lines`` gives its lines as they are when it is called."""
        self._shelves.pop(path, None)
        self._shelves[path] = _Shelf(lines)

    def edited(self, path: str, line: int) -> None:
        """A document changed at a line."""
        if shelf := self._shelves.get(path):
            self._edits += 1
            shelf.edit, shelf.line, shelf.chunks = self._edits, line, None

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
        chosen = choose(
            prefix,
            suffix,
            [chunk for other in near for chunk in self._shelves[other].cut(other)],
            room=room,
            weights=weights,
            kept=self._chosen.get(path, ()),
        )
        self._chosen[path] = chosen
        return chosen
