"""Makes a reply's indentation fit the file and the cursor's line.

Models indent with tabs where the file has spaces, with two spaces where it has four, or indent the first line as if
nothing were before the cursor. :func:`with_file_indentation` corrects the unit, :func:`aligned_with_cursor` the level.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fim_lsp.suggest.code_lines import (
    CONTINUATION,
    TAB_COLUMNS,
    begins_worded_block,
    closes,
    columns_of,
    defines,
    indentation,
    opens,
    width,
)
from fim_lsp.suggest.cursor_context import CursorContext

_STEPS: Final = (2, 3, 4, 8)  # columns that one level may have
_EXAMINED_LINES: Final = 40  # in which an indented line is looked for
_LIST_ITEM = re.compile(r"(?:[-*+]|\d+\.)[ ]+(?=\S)")
_OPERATOR = re.compile(r"\s*(?!/[/*])[?:&|+*/-]")


def with_file_indentation(context: CursorContext, text: str) -> str:
    """Convert the indentation to the file's unit: tabs or spaces, and the same number of them for each level."""
    lines = text.split("\n")
    unit = _unit(context, lines)
    if unit is None:
        return text
    first = [_converted(context, lines[0], unit)] if context.at_line_start else lines[:1]
    return "\n".join([*first, *(_converted(context, line, unit) for line in lines[1:])])


@dataclass(frozen=True, slots=True)
class _Unit:
    """One level of the reply's indentation is ``columns`` wide; the first ``base`` columns already use the file's unit."""

    columns: int
    base: int = 0


def _unit(context: CursorContext, lines: Sequence[str]) -> _Unit | None:
    """The unit of a reply, taken from its first indented line; ``None`` if it is the file's."""
    above = context.line_prefix + lines[0]
    level = context.column // context.indent.columns
    first_is_indented = context.at_line_start and lines[0][:1] in (" ", "\t")
    for number, line in enumerate(lines[:_EXAMINED_LINES]):
        if number and line.strip():
            whitespace = indentation(line)
            if whitespace:
                deeper = bool(above.strip()) and opens(above) and not closes(line)
                if "\t" in whitespace or context.indent.unit == "\t":
                    return _unit_with_tabs(context, whitespace, level + deeper, opened=deeper)
                if not deeper or first_is_indented:
                    return None
                return _unit_of_spaces(context, len(whitespace), level + deeper)
            if not closes(line):
                level = 0
            above = line
    return None


def _unit_with_tabs(context: CursorContext, whitespace: str, level: int, *, opened: bool) -> _Unit | None:
    """The unit where the reply has tabs, or the file has; the line belongs ``level`` levels deep."""
    columns = columns_of(whitespace)
    if "\t" in whitespace:
        return _Unit(TAB_COLUMNS) if context.indent.unit != "\t" and context.indent.uses_spaces else None
    if columns == 1:
        return None  # an aligned comment
    divides = level > 0 and columns % level == 0 and columns // level in _STEPS
    if divides and (opened or columns % TAB_COLUMNS):
        return _Unit(columns // level)
    return _Unit(TAB_COLUMNS if columns % TAB_COLUMNS == 0 else 2)


def _unit_of_spaces(context: CursorContext, columns: int, level: int) -> _Unit | None:
    """The unit where file and reply are indented with spaces: only the first line of a block shows it."""
    step, start = context.indent.columns, context.column
    if not context.indent.is_measured or columns == start + step or start % step:
        return None
    if columns <= start and context.lines_below and width(context.lines_below[0]) > start:
        return None  # the lines below may be the block of the line before it
    if columns > start and columns - start in _STEPS:
        return _Unit(columns - start, start)
    return _Unit(columns // level) if columns % level == 0 and columns // level in _STEPS else None


def _converted(context: CursorContext, line: str, unit: _Unit) -> str:
    """A line with the file's unit; a remainder of less than a level, as in aligned lines, is kept."""
    whitespace, file_unit = indentation(line), context.indent.unit
    columns = columns_of(whitespace)
    if not whitespace or (file_unit == "\t" and " " * 2 not in whitespace):
        return line
    if file_unit != "\t" and unit.columns == TAB_COLUMNS and "\t" in whitespace and not unit.base:
        return whitespace.replace("\t", file_unit) + line[len(whitespace) :]
    if columns < unit.base:
        return line
    levels, remainder = divmod(columns - unit.base, unit.columns)
    return " " * unit.base + file_unit * levels + " " * remainder + line[len(whitespace) :]


def aligned_with_cursor(context: CursorContext, text: str) -> str:
    """Remove the indentation that is already before the cursor from the first line, and move the other lines to match."""
    if not context.at_line_start or text[:1] == "\n":
        return text
    lines = text.split("\n")
    if not context.column:
        return "\n".join(_at_margin(context, lines))
    extra = columns_of(indentation(lines[0]))
    if extra and _leads_to_level(context, extra):
        return text
    if lines[0].lstrip().startswith("*"):
        extra = 0  # a comment's lines are aligned with its first
    if extra:
        lines[0] = lines[0].lstrip()
    shift = _shift(context, lines, extra)
    if shift:
        lines[1:] = [_moved(context, line, shift) for line in lines[1:]]
    return "\n".join(lines)


def _at_margin(context: CursorContext, lines: list[str]) -> list[str]:
    """At column 0, the first line loses a single space, or all whitespace if the next line has none and no block is open."""
    if re.match(r" [^\s*]", lines[0]):
        return [lines[0][1:], *lines[1:]]
    following = next((line for line in lines[1:] if line.strip()), "")
    above = context.lines_above[-1] if context.lines_above else ""
    in_block = bool(above) and (width(above) or opens(above))
    if following[:1].strip() and not in_block and not closes(following) and not lines[0].lstrip().startswith("*"):
        return [lines[0].lstrip(" \t"), *lines[1:]]
    return lines


def _leads_to_level(context: CursorContext, extra: int) -> bool:
    """Whether the cursor is not yet at the level of a block, and would be with ``extra`` more columns."""
    step, above = context.indent.columns, context.lines_above[-1] if context.lines_above else ""
    opened = bool(above) and opens(above) and context.column <= width(above)
    return opened or bool(context.column % step and not (context.column + extra) % step)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Lines of a reply at an indented cursor, and what the rules below need to know about them.

    The first line has lost ``extra`` columns of indentation. ``second`` is the next one that is not blank, indented by
    ``columns``, and by at least ``expected`` if it is where it belongs.
    """

    context: CursorContext
    lines: Sequence[str]
    extra: int
    second: str
    columns: int
    least_columns: int  # of all lines after the first
    opened: bool  # the first line opens a block
    wrapped: bool  # the first line continues in the second
    in_brackets: bool  # the first line leaves a bracket open, other than a block's
    expected: int

    @property
    def column(self) -> int:
        """The cursor's."""
        return self.context.column

    @property
    def step(self) -> int:
        """One level of the file."""
        return self.context.indent.columns

    @property
    def below(self) -> str:
        """The line below the cursor."""
        return self.context.lines_below[0] if self.context.lines_below else ""


def _shift(context: CursorContext, lines: Sequence[str], extra: int) -> int:
    """By how many columns the lines after the first have to be moved: the first rule that applies decides."""
    following = [line for line in lines[1:] if line.strip()]
    if not following:
        return 0
    opened = opens(lines[0]) or begins_worded_block(context.language, lines[0])
    wrapped = bool(_OPERATOR.match(following[0])) or lines[0].rstrip().endswith(tuple(",\\=+-&|("))
    block = _Block(
        context=context,
        lines=lines,
        extra=extra,
        second=following[0],
        columns=width(following[0]),
        least_columns=min(map(width, following)),
        opened=opened,
        wrapped=wrapped,
        in_brackets=_open_brackets(lines[0]) > 0 and not lines[0].rstrip().endswith("{"),
        expected=context.column + context.indent.columns * (opened or wrapped),
    )
    shifts = (rule(block) for rule in _SHIFT_RULES)
    return next((shift for shift in shifts if shift is not None), 0)


def _one_space_too_many(block: _Block) -> int | None:
    """Some models begin each line with the space that separates words."""
    aligned = block.second.lstrip()[0] == "*" or opens(block.lines[0])
    applies = block.step > 1 and block.columns == block.column + 1 and block.extra < 2 and not aligned
    return -1 if applies else None


def _item_of_list(block: _Block) -> int | None:
    """Lines that belong to a list item are aligned with the item's first word."""
    item = _LIST_ITEM.match(block.lines[0])
    return 0 if item and block.columns == block.column + item.end() else None


def _one_level_deeper(block: _Block) -> int | None:
    """The reply was written one level too deep, the first line included: all lines are moved back."""
    if block.extra != block.step or block.extra == block.column or block.in_brackets:
        return None
    return -block.extra if block.least_columns >= block.extra else 0


def _indentation_repeated(block: _Block) -> int | None:
    """The model repeated the cursor's indentation on the first line, and indented the others relative to that."""
    if block.extra < 2:
        return None
    if block.in_brackets:
        return -block.extra if block.least_columns >= block.column + block.extra else None
    return -block.extra if block.columns >= block.expected + block.extra else None


def _meant_as_it_is(block: _Block) -> int | None:
    """Closers, chained calls, lines within brackets, definitions and branches have columns of their own."""
    apart = block.second.lstrip()[0] in ")]}." or defines(block.second) or bool(CONTINUATION.match(block.second))
    return 0 if apart or block.in_brackets or block.extra == 1 else None


def _block_from_margin(block: _Block) -> int | None:
    """A block that the first line opens is indented as if that line began at the margin."""
    if not block.opened:
        return None
    below_is_its_block = block.column < width(block.below) <= block.expected
    return block.column if block.columns == block.step <= block.column and not below_is_its_block else 0


def _deeper_without_reason(block: _Block) -> int | None:
    """A line after a finished statement is not indented deeper than that."""
    if block.columns <= block.expected:
        return None
    finished = block.context.hash_comments or block.lines[0].rstrip().endswith((";", "}"))
    return block.expected - block.columns if finished and not block.wrapped else 0


def _from_margin(block: _Block) -> int | None:
    """All lines begin at the margin, in a block that continues below the cursor: only the first is in place."""
    in_block = width(block.below) >= block.column + (not block.lines[1].strip())
    applies = block.columns == 0 and in_block and block.second.strip() != block.below.strip()
    return block.column if applies else None


_SHIFT_RULES: Final[tuple[Callable[[_Block], int | None], ...]] = (
    _one_space_too_many,
    _item_of_list,
    _one_level_deeper,
    _indentation_repeated,
    _meant_as_it_is,
    _block_from_margin,
    _deeper_without_reason,
    _from_margin,
)


def _open_brackets(line: str) -> int:
    return sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))


def _moved(context: CursorContext, line: str, shift: int) -> str:
    whitespace = indentation(line)
    columns = columns_of(whitespace) + shift
    if columns <= 0 or not line.strip():
        return line.lstrip(" \t") if line.strip() else line
    if context.indent.unit == "\t":
        return "\t" * (columns // TAB_COLUMNS) + " " * (columns % TAB_COLUMNS) + line[len(whitespace) :]
    return " " * columns + line[len(whitespace) :]
