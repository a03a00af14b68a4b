r"""A document as its editor tells it: a list of lines that takes edits in time that doesn't grow with the document.

The invariant: ``lines == split_lines("".join(lines))`` after every edit, also where ``\r`` and ``\n`` come to stand together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fim_lsp.text.cursor import Split, split_at
from fim_lsp.text.positions import Encoding, to_column

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")

_ENDS_FOR_PYTHON_ONLY = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""Where ``str.splitlines`` sees a line's end and LSP doesn't (3.17, *Text Documents*: ``['\\n', '\\r\\n', '\\r']``)."""


def split_lines(text: str) -> list[str]:
    r"""The lines of ``text`` with their line ends, which are ``\n``, ``\r\n`` and ``\r`` and no others.

    The last line has none: it is ``""`` if the text is empty or ends with a line end.
    """
    # str.splitlines is four times as fast as the pattern, and looking for what it gets wrong costs next to nothing.
    if any(character in text for character in _ENDS_FOR_PYTHON_ONLY):
        lines = _LINE.findall(text)
    else:
        lines = text.splitlines(keepends=True)
    if not text or text.endswith(("\n", "\r")):
        lines.append("")
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What one change did: ``removed`` became ``inserted`` at ``line`` and ``column`` (from 0, in characters).

    In lines, ``new_lines`` of the document from ``first_line`` on stand where ``old_lines`` stood. That may be one line
    more than the text itself touches: a line feed behind a lone carriage return changes the line before it.
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
    """A change as an editor sends it: ``text`` replaces what is between two places, or the whole document."""

    text: str
    between: tuple[tuple[int, int], tuple[int, int]] | None = None


def difference(old: Sequence[str], new: Sequence[str]) -> Edit:
    """The one edit that makes ``new`` lines of ``old`` ones, as small as two cuts can make it."""
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
    """An open document. A place in it is (line, units): a line from 0, and a count in ``encoding`` from its start.

    No place is an error. Behind the last line is the document's end, before the first its start; for units that a
    line doesn't have see :func:`~fim_lsp.text.positions.to_column`.
    """

    __slots__ = ("_encoding", "_lines")

    def __init__(self, text: str, encoding: Encoding) -> None:
        self._lines = split_lines(text)
        self._encoding = encoding

    @property
    def encoding(self) -> Encoding:
        """What the editor counts in."""
        return self._encoding

    @property
    def lines(self) -> Sequence[str]:
        """The lines with their line ends, the last without one. The live list: read it, but don't change it."""
        return self._lines

    def apply(self, change: Change) -> Edit:
        """Make a change."""
        return self.set_text(change.text) if change.between is None else self.replace(*change.between, change.text)

    def replace(self, start: tuple[int, int], end: tuple[int, int], text: str) -> Edit:
        """Put ``text`` where the text from place ``start`` to place ``end`` is; either may come first."""
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
            new.pop()  # what is put together ends with a line end, behind which the next line stands already
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
        """Put ``text`` where the whole document is.

        The edit is what differs, so that an editor that sends whole documents is seen typing, too.
        """
        old, self._lines = self._lines, split_lines(text)
        return difference(old, self._lines)

    def split(self, line: int, units: int, *, before: int, after: int) -> Split:
        """The window round a place: at most ``before`` characters in front of it and ``after`` behind it.

        See :func:`~fim_lsp.text.cursor.split_at` for where it is cut. Its cost is the window's, not the document's.
        """
        return split_at(self._lines, *self._locate((line, units)), before=before, after=after)

    def _locate(self, place: tuple[int, int]) -> tuple[int, int]:
        """The line and column, inside the document, that a place means."""
        line, units = place
        if line < 0:
            return 0, 0
        if line >= len(self._lines):
            return len(self._lines) - 1, len(self._lines[-1])
        return line, to_column(self._lines[line], units, self._encoding)

    def _between(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The text from one line and column to another, which is not before it."""
        (line, column), (last, end_column) = start, end
        if line == last:
            return self._lines[line][column:end_column]
        middle = "".join(self._lines[line + 1 : last])
        return self._lines[line][column:] + middle + self._lines[last][:end_column]
