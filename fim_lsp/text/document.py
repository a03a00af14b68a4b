r"""A document as its editor reports it: a list of lines, edited in time that does not depend on the document's size.

The invariant: ``lines == split_lines("".join(lines))`` after every edit, even if an edit joins ``\r`` and ``\n``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fim_lsp.text.cursor import Split, split_at
from fim_lsp.text.positions import Encoding, to_column

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")

_ENDS_FOR_PYTHON_ONLY = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""Line ends for ``str.splitlines``, but not for LSP (3.17, *Text Documents*: ``['\\n', '\\r\\n', '\\r']``)."""


def split_lines(text: str) -> list[str]:
    r"""The lines of ``text`` with their line ends: ``\n``, ``\r\n`` or ``\r``, and no others.

    The last line has no line end: it is ``""`` if the text is empty or ends with a line end.
    """
    # str.splitlines is four times as fast as the pattern, and checking for what it gets wrong costs next to nothing.
    if any(character in text for character in _ENDS_FOR_PYTHON_ONLY):
        lines = _LINE.findall(text)
    else:
        lines = text.splitlines(keepends=True)
    if not text or text.endswith(("\n", "\r")):
        lines.append("")
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The effect of one change: ``removed`` became ``inserted`` at ``line`` and ``column`` (from 0, in characters).

    In lines, from ``first_line`` on, ``old_lines`` lines were replaced by ``new_lines`` ones. That may be one line more than
    the text itself touches: a line feed inserted after a lone carriage return changes the line before it.
    """

    first_line: int
    old_lines: int
    new_lines: int
    removed: str
    inserted: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Change:
    """A change as an editor sends it: ``text`` replaces the text between two positions, or the whole document."""

    text: str
    between: tuple[tuple[int, int], tuple[int, int]] | None = None


def difference(old: Sequence[str], new: Sequence[str]) -> Edit:
    """The edit that turns ``old`` lines into ``new`` ones, without what both have in common at the start and the end."""
    limit = min(len(old), len(new)) - 1  # at least one line is left on both sides
    first = min(common_prefix_length(old, new), limit)
    same = min(common_prefix_length(old[::-1], new[::-1]), limit - first)
    before, after = "".join(old[first : len(old) - same]), "".join(new[first : len(new) - same])
    head = common_prefix_length(before, after)
    head -= before[:head].endswith("\r") and "\n" in (before[head : head + 1], after[head : head + 1])
    tail = common_prefix_length(before[head:][::-1], after[head:][::-1])
    cuts = before[: len(before) - tail].endswith("\r") or after[: len(after) - tail].endswith("\r")
    tail -= cuts and before[len(before) - tail :].startswith("\n")  # a line end is not cut
    above = split_lines(before[:head])
    return Edit(
        first_line=first,
        old_lines=len(old) - same - first,
        new_lines=len(new) - same - first,
        removed=before[head : len(before) - tail],
        inserted=after[head : len(after) - tail],
        line=first + len(above) - 1,
        column=len(above[-1]),
    )


def common_prefix_length(one: Sequence[object], other: Sequence[object]) -> int:
    """How many items two sequences, or characters two strings, have in common at the start.

    By bisection, because Python compares slices much faster than it loops.
    """
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class Document:
    """An open document. A position in it is (line, units): a line from 0, and a count in ``encoding`` from its start.

    No position is an error: one below the last line is the document's end, one above the first its start. For units
    beyond a line's end see :func:`~fim_lsp.text.positions.to_column`.
    """

    __slots__ = ("_encoding", "_lines")

    def __init__(self, text: str, encoding: Encoding) -> None:
        self._lines = split_lines(text)
        self._encoding = encoding

    @property
    def encoding(self) -> Encoding:
        """The encoding in which the editor counts positions."""
        return self._encoding

    @property
    def lines(self) -> Sequence[str]:
        """The lines with their line ends, the last without one. The live list: read it, but don't change it."""
        return self._lines

    def apply(self, change: Change) -> Edit:
        """Apply a change."""
        return self.set_text(change.text) if change.between is None else self.replace(*change.between, change.text)

    def replace(self, start: tuple[int, int], end: tuple[int, int], text: str) -> Edit:
        """Replace the text between the positions ``start`` and ``end``, which may be in either order."""
        lines = self._lines
        (line, column), (last, end_column) = began, ended = sorted((self._locate(start), self._locate(end)))
        removed = self._between(began, ended)
        joined = lines[line][:column] + text + lines[last][end_column:]
        first = line
        if first and joined.startswith("\n") and lines[first - 1].endswith("\r"):
            first -= 1
            joined = lines[first] + joined
        new = split_lines(joined)
        if last + 1 < len(lines):
            new.pop()  # the joined text ends with a line end, and the line after it is already in the list
        lines[first : last + 1] = new
        return Edit(
            first_line=first,
            old_lines=last + 1 - first,
            new_lines=len(new),
            removed=removed,
            inserted=text,
            line=line,
            column=column,
        )

    def set_text(self, text: str) -> Edit:
        """Replace the whole document.

        Returns only what differs, so that typing is recognized in editors that send whole documents, too.
        """
        old, self._lines = self._lines, split_lines(text)
        return difference(old, self._lines)

    def split(self, line: int, units: int, *, before: int, after: int) -> Split:
        """The window around a position: up to ``before`` characters before it and ``after`` characters after it.

        :func:`~fim_lsp.text.cursor.split_at` describes where it is cut. The cost depends on the window's size, not on the
        document's.
        """
        return split_at(self._lines, *self._locate((line, units)), before=before, after=after)

    def _locate(self, place: tuple[int, int]) -> tuple[int, int]:
        """The line and column, inside the document, that a position refers to."""
        line, units = place
        if line < 0:
            return 0, 0
        if line >= len(self._lines):
            return len(self._lines) - 1, len(self._lines[-1])
        return line, to_column(self._lines[line], units, self._encoding)

    def _between(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The text from one line and column to another that is not before it."""
        (line, column), (last, end_column) = start, end
        if line == last:
            return self._lines[line][column:end_column]
        middle = "".join(self._lines[line + 1 : last])
        return self._lines[line][column:] + middle + self._lines[last][:end_column]
