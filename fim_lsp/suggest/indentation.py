"""How lines are indented: as the file does it, and as the cursor's line is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fim_lsp.suggest.blocks import begins_block
from fim_lsp.suggest.cursor_context import GOES_ON, CursorContext, closes, defines, indentation, opens, width

_TAB = 4  # columns of a tab, where a model writes blanks and the file has tabs
_STEPS = (2, 3, 4, 8)  # columns that a level may have
_SHOWING = 40  # lines in which one is looked for that shows it
_ENTRY = re.compile(r"(?:[-*+]|\d+\.)[ ]+(?=\S)")  # of a list: what belongs to it stands as far in as its first word
_OPERATOR = re.compile(r"\s*(?!/[/*])[?:&|+*/-]")


def with_own_indentation(place: CursorContext, text: str) -> str:
    """Lines indented with tabs or with blanks, and by as many of them a level, as the file does it."""
    lines = text.split("\n")
    unit = _unit(place, lines)
    if unit is None:
        return text
    head = [_in_units(place, lines[0], unit)] if place.fresh else lines[:1]
    return "\n".join([*head, *(_in_units(place, line, unit) for line in lines[1:])])


@dataclass(frozen=True, slots=True)
class _Unit:
    """One level of a text's own indentation: so many ``columns``; those up to ``base`` are the file's already."""

    columns: int
    base: int = 0


def _unit(place: CursorContext, lines: Sequence[str]) -> _Unit | None:
    """By what a text indents its lines, ``None`` if it does so as the file does; told by the first line that shows it."""
    above = "" if place.fresh and not lines[0].strip() else (place.before if not place.fresh else "") + lines[0]
    level = place.column // _step(place)
    extra = place.fresh and lines[0][:1] in (" ", "\t")
    for number, line in enumerate(lines[:_SHOWING]):
        if number and line.strip():
            blanks = indentation(line)
            if blanks:
                deeper = bool(above.strip()) and opens(above) and not closes(line)
                return _shown(place, blanks, level + deeper, opened=deeper, extra=bool(extra))
            if not closes(line):
                level = 0
            above = line
    return None


def _shown(place: CursorContext, blanks: str, level: int, *, opened: bool, extra: bool) -> _Unit | None:
    """What a line's indentation shows that belongs ``level`` levels deep; its own is ``blanks``."""
    columns, step = len(blanks.expandtabs(_TAB)), _step(place)
    if "\t" in blanks:
        return _Unit(_TAB) if place.indent != "\t" and place.spaced else None
    if place.indent == "\t":
        if columns == 1:
            return None
        fits = level > 0 and columns % level == 0 and columns // level in _STEPS and (opened or columns % _TAB)
        return _Unit(columns // level if fits else _TAB if columns % _TAB == 0 else 2)
    if not (place.measured and opened) or extra or columns == place.column + step or place.column % step:
        return None
    if columns <= place.column and place.below and width(place.below[0]) > place.column:
        return None  # what stands below may be the block of the line before it
    if columns > place.column and columns - place.column in _STEPS:
        return _Unit(columns - place.column, place.column)
    return _Unit(columns // level) if columns % level == 0 and columns // level in _STEPS else None


def _in_units(place: CursorContext, line: str, unit: _Unit) -> str:
    """A line indented as the file does it; what is no whole level, as when lines are aligned, stays as it is."""
    blanks = indentation(line)
    columns = len(blanks.expandtabs(_TAB))
    if not blanks or (place.indent == "\t" and " " * 2 not in blanks):
        return line
    if place.indent != "\t" and unit.columns == _TAB and "\t" in blanks and not unit.base:
        return blanks.replace("\t", place.indent) + line[len(blanks) :]
    if columns < unit.base:
        return line
    levels, rest = divmod(columns - unit.base, unit.columns)
    return " " * unit.base + place.indent * levels + " " * rest + line[len(blanks) :]


def _step(place: CursorContext) -> int:
    return len(place.indent.expandtabs(_TAB))


def at_the_cursor(place: CursorContext, text: str) -> str:
    """A block that starts at the cursor's indentation: no blanks twice, and all lines moved as the first one was."""
    if not place.fresh:
        return text
    if text[:1] == "\n":
        return text
    lines = text.split("\n")
    if not place.column:
        return "\n".join(_at_the_margin(place, lines))
    extra = len(indentation(lines[0]).expandtabs(_TAB))
    if extra and _leads_to_level(place, extra):
        return text
    if lines[0].lstrip().startswith("*"):
        extra = 0
    if extra:
        lines[0] = lines[0].lstrip()
    shift = _shift(place, lines, extra)
    if shift:
        lines[1:] = [_moved(place, line, shift) for line in lines[1:]]
    return "\n".join(lines)


def _at_the_margin(place: CursorContext, lines: list[str]) -> list[str]:
    """At the outermost level, not one blank first, nor any where the next line begins without and none is asked for."""
    if re.match(r" [^\s*]", lines[0]):
        return [lines[0][1:], *lines[1:]]
    following = next((line for line in lines[1:] if line.strip()), "")
    deep = place.above and (width(place.above[-1]) or opens(place.above[-1]))
    if following[:1].strip() and not deep and not closes(following) and not lines[0].lstrip().startswith("*"):
        return [lines[0].lstrip(" \t"), *lines[1:]]
    return lines


def _leads_to_level(place: CursorContext, extra: int) -> bool:
    """Whether the cursor isn't where a block is, and ``extra`` columns further it may be."""
    step = len(place.indent.expandtabs(_TAB))
    opened = bool(place.above) and opens(place.above[-1]) and place.column <= width(place.above[-1])
    return opened or bool(place.column % step and not (place.column + extra) % step)


def _shift(place: CursorContext, lines: list[str], extra: int) -> int:
    """By how many columns the lines behind the first one stand wrong."""
    following = [line for line in lines[1:] if line.strip()]
    if not following:
        return 0
    second, step = following[0], len(place.indent.expandtabs(_TAB))
    columns, below = width(second), place.below[0] if place.below else ""
    if step > 1 and columns == place.column + 1 and second.lstrip()[0] != "*" and extra < 2 and not opens(lines[0]):
        return -1  # a blank too many, as if the first line had one
    bracketed = _brackets(lines[0]) > 0 and not lines[0].rstrip().endswith("{")
    wrapped = _wraps(lines[0], second)
    opened = opens(lines[0]) or begins_block(place, lines[0])
    expected = place.column + step * (opened or wrapped)
    if (entry := _ENTRY.match(lines[0])) and columns == place.column + entry.end():
        return 0
    if extra == step != place.column and not bracketed:
        return -extra if min(map(width, following)) >= extra else 0
    if extra > 1 and (min(map(width, following)) >= place.column + extra if bracketed else columns >= expected + extra):
        return -extra
    if second.lstrip()[0] in ")]}." or bracketed or defines(second) or GOES_ON.match(second) or extra == 1:
        return 0
    if opened:
        deep_enough = place.column < width(below) <= expected
        return place.column if columns == step <= place.column and not deep_enough else 0
    if columns > expected:
        ended = place.hashes or lines[0].rstrip().endswith((";", "}"))
        return expected - columns if ended and not wrapped else 0
    moved = columns == 0 and width(below) >= place.column + (not lines[1].strip())
    return place.column if moved and second.strip() != below.strip() else 0


def _wraps(line: str, following: str) -> bool:
    """Whether a line is plainly gone on with in the following one."""
    return bool(_OPERATOR.match(following)) or line.rstrip().endswith(tuple(",\\=+-&|("))


def _brackets(line: str) -> int:
    return sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))


def _moved(place: CursorContext, line: str, shift: int) -> str:
    blanks = indentation(line)
    columns = len(blanks.expandtabs(_TAB)) + shift
    if columns <= 0 or not line.strip():
        return line.lstrip(" \t") if line.strip() else line
    if place.indent == "\t":
        return "\t" * (columns // _TAB) + " " * (columns % _TAB) + line[len(blanks) :]
    return " " * columns + line[len(blanks) :]
