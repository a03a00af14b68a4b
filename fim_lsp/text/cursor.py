"""What surrounds the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fim_lsp.text.positions import content, line_end


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    r"""The document round the cursor: ``prefix`` + ``suffix`` is one contiguous piece of it.

    ``line`` and ``column`` are the cursor's, from 0, in characters, inside the document, which has ``lines`` lines.
    ``at_start`` says that ``prefix`` begins where the document does, ``at_end`` that ``suffix`` ends where it does.
    ``line_end`` is the document's own (``\n``, ``\r\n`` or ``\r``), for text that is to be inserted.
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
        """The cursor's line before the cursor, as far as the window holds it."""
        return self.prefix[max(self.prefix.rfind("\n"), self.prefix.rfind("\r")) + 1 :]

    @property
    def line_suffix(self) -> str:
        """The cursor's line after the cursor, without its line end, as far as the window holds it."""
        return self.suffix.partition("\n")[0].partition("\r")[0]


def split_at(lines: Sequence[str], line: int, column: int, *, before: int, after: int) -> Split:
    """The window of at most ``before`` characters in front of a place and ``after`` behind it.

    ``lines`` are a whole document's, with their line ends, and the place is inside it. The window's outer edges are
    edges of lines, unless the place's own line is too long by itself: then it is cut, but no line end ever is.
    A negative count is taken for 0.
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
    """At most ``budget`` characters in front of a place, and whether the document starts with them."""
    own = lines[line][max(column - budget, 0) : column]
    if len(own) < column:
        return own, False
    first, budget = line, budget - column
    while first and len(lines[first - 1]) <= budget:
        first -= 1
        budget -= len(lines[first])
    return "".join(lines[first:line]) + own, first == 0


def _below(lines: Sequence[str], line: int, column: int, budget: int) -> tuple[str, bool]:
    """At most ``budget`` characters behind a place, and whether the document ends with them."""
    own = lines[line][column:]
    if len(own) > budget:
        return content(own)[: max(budget, 0)], False
    end, budget = line + 1, budget - len(own)
    while end < len(lines) and len(lines[end]) <= budget:
        budget -= len(lines[end])
        end += 1
    return own + "".join(lines[line + 1 : end]), end == len(lines)
