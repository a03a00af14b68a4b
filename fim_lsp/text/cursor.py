"""The text around the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fim_lsp.text.positions import content, line_end


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    r"""The document around the cursor: ``prefix`` + ``suffix`` is one contiguous piece of it.

    ``line`` and ``column`` are the cursor's position, from 0, in characters, in a document of ``lines`` lines.
    ``at_start``: ``prefix`` begins where the document does; ``at_end``: ``suffix`` ends where the document does.
    ``line_end`` is the document's (``\n``, ``\r\n`` or ``\r``), for text that is inserted.
    """

    prefix: str
    suffix: str
    line: int
    column: int
    lines: int
    at_start: bool
    at_end: bool
    line_end: str

    @property
    def line_prefix(self) -> str:
        """The part of the cursor's line before the cursor, or as much of it as the window contains."""
        return self.prefix[max(self.prefix.rfind("\n"), self.prefix.rfind("\r")) + 1 :]

    @property
    def line_suffix(self) -> str:
        """The part of the cursor's line after the cursor, without its line end, or as much as the window contains."""
        return self.suffix.partition("\n")[0].partition("\r")[0]


def split_at(lines: Sequence[str], line: int, column: int, *, before: int, after: int) -> Split:
    """The window of up to ``before`` characters before a position and ``after`` characters after it.

    ``lines`` are the whole document's, with their line ends, and the position is inside it. The window consists of whole
    lines, unless the line at the position is too long by itself: then it is cut, but never inside a line end.
    Negative counts mean 0.
    """
    prefix, at_start = _above(lines, line, column, before)
    suffix, at_end = _below(lines, line, column, after)
    return Split(
        prefix=prefix,
        suffix=suffix,
        line=line,
        column=column,
        lines=len(lines),
        at_start=at_start,
        at_end=at_end,
        line_end=line_end(lines[0]) or "\n",
    )


def _above(lines: Sequence[str], line: int, column: int, budget: int) -> tuple[str, bool]:
    """Up to ``budget`` characters before a position, and whether the document starts with them."""
    own = lines[line][max(column - budget, 0) : column]
    if len(own) < column:
        return own, False
    first, budget = line, budget - column
    while first and len(lines[first - 1]) <= budget:
        first -= 1
        budget -= len(lines[first])
    return "".join(lines[first:line]) + own, first == 0


def _below(lines: Sequence[str], line: int, column: int, budget: int) -> tuple[str, bool]:
    """Up to ``budget`` characters after a position, and whether the document ends with them."""
    own = lines[line][column:]
    if len(own) > budget:
        return content(own)[: max(budget, 0)], False
    end, budget = line + 1, budget - len(own)
    while end < len(lines) and len(lines[end]) <= budget:
        budget -= len(lines[end])
        end += 1
    return own + "".join(lines[line + 1 : end]), end == len(lines)
