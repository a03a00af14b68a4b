"""Joins the cells of a notebook into one document around a cursor in one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from fim_lsp.text.cursor import Split
from fim_lsp.text.positions import content

_COMMENTS: Final = MappingProxyType(
    {
        "#": "python r julia ruby perl shellscript bash powershell elixir coffeescript",
        "//": "javascript javascriptreact typescript typescriptreact java kotlin scala go rust c cpp csharp fsharp swift php "
        "dart",
        "--": "sql haskell lua",
        "%": "matlab octave",
    }
)
_COMMENT: Final = MappingProxyType(
    {language: mark for mark, languages in _COMMENTS.items() for language in languages.split()}
)
PROSE = frozenset({"markdown", "raw", "plaintext", "latex", "html"})
"""Languages of cells that are not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Another cell: its ``lines`` with their line ends, and its ``language``; a cell of ``prose`` is not run."""

    lines: Sequence[str]
    language: str
    prose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCells:
    """The other cells of a ``notebook``, by their URIs, in their order; those that are ``prose`` are not run."""

    notebook: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    prose: frozenset[str] = frozenset()


def join(split: Split, language: str, above: Sequence[Cell], below: Sequence[Cell], *, window: int) -> Split:
    """Extend ``split``, from a cell in this ``language``, by the cells above and below, with a blank line between any two.

    Cells in other languages are left out. Prose between code becomes a comment, if the language's comments are known.
    Up to ``window`` characters come from either side, in whole lines.
    """
    before = [piece for cell in above if (piece := _text_of(cell, language))]
    after = [piece for cell in below if (piece := _text_of(cell, language))]
    head, whole_head = _nearest((line for piece in reversed(before) for line in piece.upwards()), window)
    tail, whole_tail = _nearest((line for piece in after for line in piece.downwards()), window)
    lines_above, lines_below = sum(piece.count + 1 for piece in before), sum(piece.count + 1 for piece in after)
    joined = replace(split, line=split.line + lines_above, lines=split.lines + lines_above + lines_below)
    if lines_above and split.at_start:
        joined = replace(joined, prefix="".join(reversed(head)) + split.prefix, at_start=whole_head)
    if lines_below and split.at_end:
        end = "\n" if split.suffix.endswith(("\n", "\r")) or not (split.suffix or split.prefix) else "\n\n"
        joined = replace(joined, suffix=split.suffix + end + "".join(tail), at_end=whole_tail)
    return joined


@dataclass(frozen=True, slots=True)
class _CellText:
    """The first ``count`` lines of a cell, each prefixed with ``mark``, followed by a blank line."""

    lines: Sequence[str]
    count: int
    mark: str

    def downwards(self) -> Iterator[str]:
        yield from (self._line(number) for number in range(self.count))
        yield "\n"

    def upwards(self) -> Iterator[str]:
        yield "\n"
        yield from (self._line(number) for number in reversed(range(self.count)))

    def _line(self, number: int) -> str:
        line = content(self.lines[number])
        return (f"{self.mark} {line}".rstrip() if self.mark else line) + "\n"


def _text_of(cell: Cell, language: str) -> _CellText | None:
    """The part of a cell that is sent, without the blank lines at its end; ``None`` if the cell is left out."""
    as_comment = cell.prose and language not in PROSE
    mark = _COMMENT.get(language, "") if as_comment else ""
    if (as_comment and not mark) or not (as_comment or cell.language == language):
        return None
    count = len(cell.lines)
    while count and not cell.lines[count - 1].strip():
        count -= 1
    return _CellText(cell.lines, count, mark) if count else None


def _nearest(lines: Iterable[str], budget: int) -> tuple[list[str], bool]:
    """The first lines that fit into ``budget`` characters, and whether those are all lines."""
    kept: list[str] = []
    for line in lines:
        budget -= len(line)
        if budget < 0:
            return kept, False
        kept.append(line)
    return kept, True
