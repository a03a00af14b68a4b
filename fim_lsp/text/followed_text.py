"""A piece of a document, followed through later edits: how much of it is still there."""

from __future__ import annotations

from typing import TypeAlias

from fim_lsp.text.document import Edit, split_lines
from fim_lsp.text.typed import advance, moved

_Position: TypeAlias = tuple[int, int]  # a line and a column, from 0, in characters
_Piece: TypeAlias = tuple[_Position, str]  # where it begins, and its text


class FollowedText:
    """Text that was inserted into a document, as the pieces that are left of it.

    Edits before a piece move it, edits inside cut it, and what is inserted inside is no part of it.
    """

    __slots__ = ("_end", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        self._end: _Position = (0, 0)  # of the last piece

    @property
    def size(self) -> int:
        """How many characters are left."""
        return sum(len(text) for _, text in self._pieces)

    def add(self, position: _Position, text: str) -> None:
        """Follow ``text`` too, which is in the document at ``position`` now."""
        if text:
            self._pieces.append((position, text))
            self._end = max(self._end, advance(*position, text))

    def apply(self, edit: Edit) -> None:
        """The document was edited."""
        start = (edit.line, edit.column)
        if start >= self._end:
            return  # the usual case: the user types on after the text
        until = advance(*start, edit.removed)
        self._pieces = [rest for piece in self._pieces for rest in _rests(piece, edit, until)]
        self._end = max((advance(*position, text) for position, text in self._pieces), default=(0, 0))


def _rests(piece: _Piece, edit: Edit, until: _Position) -> list[_Piece]:
    """What is left of a piece after an edit that removed the text up to ``until``."""
    position, text = piece
    start = (edit.line, edit.column)
    end = advance(*position, text)
    if start >= end:
        return [piece]
    if until <= position:
        return [(moved(position, edit), text)]
    rests = []
    if start > position:
        rests.append((position, text[: _offset(text, position, start)]))
    if until < end:
        rests.append((advance(*start, edit.inserted), text[_offset(text, position, until) :]))
    return rests


def _offset(text: str, position: _Position, inside: _Position) -> int:
    """The index in ``text``, which begins at ``position``, of a later position inside it."""
    lines = inside[0] - position[0]
    if lines == 0:
        return inside[1] - position[1]
    return sum(map(len, split_lines(text)[:lines])) + inside[1]
