"""How lines are indented: as the file does it, and as the cursor's line is."""

from __future__ import annotations

import re

from fim_lsp.suggest.place import GOES_ON, Place, defines, indentation, opens, width

_TAB = 4  # columns of a tab, where a model writes blanks and the file has tabs
_OPERATOR = re.compile(r"\s*(?!/[/*])[?:&|+*/-]")


def with_own_indentation(place: Place, text: str) -> str:
    """Lines indented with tabs or with blanks, as the file does it."""
    if (" " * _TAB if place.indent == "\t" else "\t") not in text:
        return text
    first, line_end, rest = text.partition("\n")
    head = _reindented(place, first) if place.fresh else first
    return head + line_end + "\n".join(_reindented(place, line) for line in rest.split("\n"))


def _reindented(place: Place, line: str) -> str:
    blanks = indentation(line)
    if place.indent == "\t":
        columns = len(blanks.expandtabs(_TAB))
        return "\t" * (columns // _TAB) + " " * (columns % _TAB) + line[len(blanks) :] if " " * _TAB in blanks else line
    return blanks.replace("\t", place.indent) + line[len(blanks) :] if "\t" in blanks and place.spaced else line


def at_the_cursor(place: Place, text: str) -> str:
    """A block that starts at the cursor's indentation: no blanks twice, and all lines moved as the first one was."""
    if not place.fresh:
        return text
    if not place.column:
        return text[1:] if re.match(r" [^\s*]", text) else text
    lines = text.split("\n")
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


def _leads_to_level(place: Place, extra: int) -> bool:
    """Whether the cursor isn't where a block is, and ``extra`` columns further it may be."""
    step = len(place.indent.expandtabs(_TAB))
    opened = bool(place.above) and opens(place.above[-1]) and place.column <= width(place.above[-1])
    return opened or bool(place.column % step and not (place.column + extra) % step)


def _shift(place: Place, lines: list[str], extra: int) -> int:
    """By how many columns the lines behind the first one stand wrong."""
    following = [line for line in lines[1:] if line.strip()]
    if not following:
        return 0
    second, step = following[0], len(place.indent.expandtabs(_TAB))
    columns, below = width(second), place.below[0] if place.below else ""
    bracketed = _brackets(lines[0]) > 0 and not lines[0].rstrip().endswith("{")
    wrapped = _wraps(lines[0], second)
    expected = place.column + step * (opens(lines[0]) or wrapped)
    if extra == step != place.column and not bracketed:
        return -extra if min(map(width, following)) >= extra else 0
    if extra > 1 and (min(map(width, following)) >= place.column + extra if bracketed else columns >= expected + extra):
        return -extra
    if second.lstrip()[0] in ")]}." or bracketed or defines(second) or GOES_ON.match(second) or extra == 1:
        return 0
    if opens(lines[0]):
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


def _moved(place: Place, line: str, shift: int) -> str:
    blanks = indentation(line)
    columns = len(blanks.expandtabs(_TAB)) + shift
    if columns <= 0 or not line.strip():
        return line.lstrip(" \t") if line.strip() else line
    if place.indent == "\t":
        return "\t" * (columns // _TAB) + " " * (columns % _TAB) + line[len(blanks) :]
    return " " * columns + line[len(blanks) :]
