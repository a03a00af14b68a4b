"""What happened between two looks at the same document."""

from __future__ import annotations

from fim_lsp.text.cursor import Split
from fim_lsp.text.document import Edit, split_lines

_NEAR = 512  # characters round a cursor that must be the same; edits farther off don't change what comes next
_LINES = 50  # more lines than a person types before an answer comes
_PAIRS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}

CLOSING = frozenset(_PAIRS.values())
AUTO_PAIRS = frozenset(opener + closer for opener, closer in _PAIRS.items())
"""What an editor puts in for an opening character, with the cursor left in the middle."""


def typed_since(earlier: Split, now: Split) -> str | None:
    """The text typed at the cursor from ``earlier`` to ``now``; ``None`` if anything else changed near it.

    Nothing typed is ``""``. A deletion, a jump, an edit behind the cursor are ``None``, but for the closing characters
    that an editor adds by itself.
    """
    lines = now.line - earlier.line
    if not 0 <= lines <= _LINES:
        return None
    start = len(now.prefix) - (now.column - earlier.column) if lines == 0 else _place(now.prefix, lines, earlier.column)
    near = earlier.prefix[-_NEAR:]
    if not 0 <= start <= len(now.prefix) or not now.prefix.endswith(near, 0, start):
        return None
    typed = now.prefix[start:]
    return typed if any(behind[:_NEAR] == earlier.suffix[:_NEAR] for behind in behinds(now.suffix, typed)) else None


def behinds(suffix: str, typed: str) -> tuple[str, ...]:
    """What may have stood behind the cursor before this was typed: the same, or the same without what was paired."""
    added = closers(typed)
    return (suffix, suffix[len(added) :]) if added and suffix.startswith(added) else (suffix,)


def closers(typed: str) -> str:
    """What an editor that pairs brackets and quotes has put behind the cursor while this was typed."""
    open_now: list[str] = []
    for character in typed:
        if open_now and character == open_now[-1]:
            open_now.pop()
        elif character in _PAIRS:
            open_now.append(_PAIRS[character])
    return "".join(reversed(open_now))


def advance(line: int, column: int, text: str) -> tuple[int, int]:
    """Where a place (from 0, in characters) moves to when ``text`` is put in at it."""
    *above, last = split_lines(text)
    return line + len(above), len(last) + (0 if above else column)


def moved(place: tuple[int, int], edit: Edit) -> tuple[int, int]:
    """Where a line and column of the text before ``edit`` are after it; what was inside of it is at its end."""
    start, until = (edit.line, edit.column), advance(edit.line, edit.column, edit.removed)
    if place < start:
        return place
    line, column = advance(edit.line, edit.column, edit.inserted)
    if place < until:
        return line, column
    return (line, column + place[1] - until[1]) if place[0] == until[0] else (place[0] + line - until[0], place[1])


def _place(prefix: str, lines: int, column: int) -> int:
    """Where a place so many lines above the end of ``prefix`` is in it; -1 if it isn't."""
    start = _line_start(prefix, len(prefix))
    for _ in range(lines):
        if start == 0:
            return -1
        start = _line_start(prefix, start - (2 if prefix.endswith("\r\n", 0, start) else 1))
    return start + column


def _line_start(text: str, end: int) -> int:
    return max(text.rfind("\n", 0, end), text.rfind("\r", 0, end)) + 1
