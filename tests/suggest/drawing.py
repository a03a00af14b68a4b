r"""What editors make of a suggestion: an oracle that knows nothing of how it came about.

``drawn`` is VS Code's rule for ghost text (1.139, the same in monaco-editor 0.57), step by step. ``EDITORS`` holds what
accepting does in each editor. All columns are UTF-16 units, all lines are those of LSP (``\n``, ``\r\n``, ``\r``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

MAX_UNITS = 5000  # on either side of the difference; beyond it VS Code draws nothing
_LINE_END = re.compile(r"\r\n|\r|\n")
_WORD = re.compile(r"\w*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A range: lines and UTF-16 columns, from 0."""

    start_line: int
    start: int
    end_line: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of ghost text and the column that it is drawn at."""

    column: int
    text: str


def at(line: int, start: int, end: int | None = None) -> Span:
    """A range on one line; empty without ``end``."""
    return Span(start_line=line, start=start, end_line=line, end=start if end is None else end)


def units(text: str) -> str:
    """The text with one character for each UTF-16 unit, as VS Code sees it: an emoji is two."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(raw[i] | raw[i + 1] << 8) for i in range(0, len(raw), 2))


def characters(text: str) -> str:
    """The text whose ``units`` these are."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def drawn(document: str, line: int, column: int, span: Span | None, text: str) -> tuple[Part, ...]:
    """The ghost text that VS Code draws for an item, with the cursor at ``line`` and ``column``; ``()`` for none.

    Where LCS leaves a choice, VS Code's own may put the same insertions at another place of the line. Whether there is
    any ghost text doesn't depend on that, unless the range begins left of the cursor.
    """
    lines = [units(content) for content in _LINE_END.split(document)]
    here = lines[line]
    if span is None:  # from the word's start to the end of the line
        start = column - len(_WORD.search(here[:column])[0])  # type: ignore[index]
        span = at(line, start, len(here))
    text = units(text.replace("\r\n", "\n"))
    old = _between(lines, span)
    common = _common_prefix(old, text)
    begin_line, begin = _step(span.start_line, span.start, old[:common])
    old, text = old[common:], text[common:]
    if begin_line != line or not (old or text) or not _visible(here, begin, old, text, max(0, column - begin)):
        return ()
    if span.end_line != begin_line or "\n" in old:
        return ()
    return _ghost(here, begin, old, text, column)


def _between(lines: Sequence[str], span: Span) -> str:
    r"""The text in a range, its line ends as ``\n``."""
    if span.start_line == span.end_line:
        return lines[span.start_line][span.start : span.end]
    inner = lines[span.start_line + 1 : span.end_line]
    return "\n".join([lines[span.start_line][span.start :], *inner, lines[span.end_line][: span.end]])


def _step(line: int, column: int, text: str) -> tuple[int, int]:
    """The position after ``text`` that begins at a position."""
    breaks = text.count("\n")
    return (line + breaks, len(text) - text.rfind("\n") - 1) if breaks else (line, column + len(text))


def _common_prefix(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _indentation(text: str) -> int:
    return len(text) - len(text.lstrip(" \t"))


def _visible(here: str, begin: int, old: str, text: str, cursor: int) -> bool:
    """The text begins with what is before the cursor, and contains what is after it, in order, in any case.

    ``cursor`` is counted from ``begin``. Whitespace in the indentation is skipped on both sides.
    """
    old_before, old_after, before, after = old[:cursor], old[cursor:], text[:cursor], text[cursor:]
    if begin <= _indentation(here):
        old_before = old_before.lstrip()
        old_after = old_after if old_before else old_after.lstrip()
        before = before.lstrip()
        after = after if before else after.lstrip()
    return before.startswith(old_before) and _subsequence(old_after.lower(), after.lower())


def _subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(unit in rest for unit in part)


def _ghost(here: str, begin: int, old: str, text: str, column: int) -> tuple[Part, ...]:
    """The insertions that make ``text`` of ``old``; ``()`` if anything else is needed or one lies before the cursor."""
    indentation = _indentation(here)
    if begin <= indentation:
        replaced = here[begin:indentation]
        skipped = min(len(replaced), len(old))
        begin, old = begin + skipped, old[skipped:]
        text = text[len(replaced) :] if text.startswith(replaced) else text[_indentation(text) :]
    if max(len(old), len(text)) > MAX_UNITS:
        return ()
    inserted = _insertions(_numbered(old), _numbered(text))
    if inserted is None:
        inserted = _insertions([ord(unit) for unit in old], [ord(unit) for unit in text])
    if inserted is None or any(begin + place < column for place, _, _ in inserted):
        return ()
    return tuple(Part(begin + place, characters(text[first:last])) for place, first, last in inserted)


def _numbered(text: str) -> list[int]:
    """Units as numbers; round brackets are told apart by their depth and by how many outermost pairs came before."""
    level = group = 0
    numbers = []
    for unit in text:
        number = ord(unit)
        if unit == "(":
            number = 0x10000 + 2 * (group * 100 + level)
            level += 1
        elif unit == ")":
            level = max(level - 1, 0)
            number = 0x10000 + 2 * (group * 100 + level) + 1
            group += level == 0
        numbers.append(number)
    return numbers


def _insertions(old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int, int]] | None:
    """Where what of ``new`` is inserted into ``old``: (place in old, first, last in new); ``None`` if that isn't enough.

    Insertions are enough exactly if the longest common subsequence is all of ``old``. Beginning and end are matched
    first, as VS Code's difference does.
    """
    head = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    tail, most = 0, min(len(old), len(new)) - head
    while tail < most and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    found: list[tuple[int, int, int]] = []
    place, first, here = head, head, head
    for here in range(head, len(new) - tail):
        if place < len(old) - tail and old[place] == new[here]:
            if first < here:
                found.append((place, first, here))
            place, first = place + 1, here + 1
    if place < len(old) - tail:
        return None
    if first < len(new) - tail:
        found.append((place, first, len(new) - tail))
    return found


def replaced(document: str, span: Span, text: str) -> str:
    """The document with ``text`` in place of a range."""
    return characters(units(document)[: _offset(document, span.start_line, span.start)]) + (
        text + characters(units(document)[_offset(document, span.end_line, span.end) :])
    )


def _offset(document: str, line: int, column: int) -> int:
    r"""The UTF-16 units before a position; a column beyond the line's end means its end."""
    whole = units(document)
    starts = [0, *(match.end() for match in _LINE_END.finditer(whole))]
    ends = [*(match.start() for match in _LINE_END.finditer(whole)), len(whole)]
    return min(starts[line] + column, ends[line])


def _own_end(document: str) -> str:
    match = _LINE_END.search(document)
    return match[0] if match else "\n"


def in_vscode(document: str, span: Span, text: str) -> str:
    """Accepted with Tab: line ends become the document's own."""
    return replaced(document, span, _LINE_END.sub(lambda _: _own_end(document), text))


def in_neovim(document: str, span: Span, text: str) -> str:
    r"""``vim.lsp.util.apply_text_edits``: ``\r\n`` and ``\r`` are line breaks; 'fileformat' writes them as the file's own."""
    return replaced(document, span, _LINE_END.sub(lambda _: _own_end(document), text))


def verbatim(document: str, span: Span, text: str) -> str:
    """lsp-mode deletes the range and inserts the string; Helix replaces the range in its rope."""
    return replaced(document, span, text)


EDITORS: Mapping[str, Callable[[str, Span, str], str]] = {
    "VS Code": in_vscode,
    "Neovim": in_neovim,
    "lsp-mode": verbatim,
    "Helix": verbatim,
}


def unescaped(snippet: str) -> str:
    r"""What a snippet without placeholders inserts (LSP 3.17, *Snippet Syntax*: ``\`` escapes ``$``, ``}`` and ``\``).

    Raises ``ValueError`` for a bare ``$``, which would begin a placeholder.
    """
    if re.search(r"(?<!\\)(?:\\\\)*\$", snippet):
        raise ValueError(snippet)
    return re.sub(r"\\([\\$}])", r"\1", snippet)
