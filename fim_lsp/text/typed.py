"""What was typed between two states of a document."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from fim_lsp.text.cursor import Split
from fim_lsp.text.document import Edit, split_lines

_MAX_COMPARED = 512  # characters around a cursor that must be the same; edits farther away don't change what comes next
_MAX_LINES = 50  # more lines than a person types before an answer arrives
_MAX_CURSORS = 50  # more than people place near each other; bounds the cost for one character repeated over and over
BRACKET_PAIRS: Final = MappingProxyType({"(": ")", "[": "]", "{": "}"})
_PAIRS: Final = MappingProxyType({**BRACKET_PAIRS, '"': '"', "'": "'", "`": "`"})

CLOSING = frozenset(_PAIRS.values())
AUTO_PAIRS = frozenset(opener + closer for opener, closer in _PAIRS.items())
"""What an editor inserts for an opening character, with the cursor between the two characters."""


def typed_since(earlier: Split, now: Split) -> str | None:
    """The text typed at the cursor from ``earlier`` to ``now``; ``None`` if anything else changed near it.

    ``""`` if nothing was typed. ``None`` for a deletion, a jump or an edit after the cursor, except for closing characters
    that an editor adds by itself, and for the same text typed at other cursors.
    """
    lines = now.line - earlier.line
    if not 0 <= lines <= _MAX_LINES:
        return None
    start = (
        len(now.prefix) - (now.column - earlier.column)
        if lines == 0
        else _offset_above(now.prefix, lines, earlier.column)
    )
    if not 0 <= start <= len(now.prefix):
        return None
    typed = now.prefix[start:]
    return typed if _same_before(earlier, now.prefix[:start], typed) and _same_after(earlier, now, typed) else None


def _same_before(earlier: Split, prefix: str, typed: str) -> bool:
    near = earlier.prefix[-_MAX_COMPARED:]
    if prefix.endswith(near):
        return True
    return any(
        typed_elsewhere(near[::-1], prefix[::-1], text[::-1], whole=len(near) < _MAX_COMPARED)
        for text in typed_at_others(typed, paired_closers(typed))
    )


def _same_after(earlier: Split, now: Split, typed: str) -> bool:
    near, closers = earlier.suffix[:_MAX_COMPARED], paired_closers(typed)
    after = suffixes_before(now.suffix, closers)
    if any(suffix[:_MAX_COMPARED] == near for suffix in after):
        return True
    return any(
        typed_elsewhere(near, suffix, text, whole=len(near) < _MAX_COMPARED)
        for suffix in after
        for text in typed_at_others(typed, closers)
    )


def typed_at_others(typed: str, closers: str) -> tuple[str, ...]:
    """What was inserted at each of the other cursors when this was typed: the same, or with its paired ``closers``."""
    return (typed, typed + closers) if closers else (typed,)


def typed_elsewhere(before: str, after: str, text: str, *, whole: bool) -> bool:
    """Whether ``after`` is ``before`` with ``text`` inserted at some positions.

    ``whole``: ``before`` is complete; otherwise ``after`` may be longer. At each character, all numbers of insertions that
    fit so far are considered, up to ``_MAX_CURSORS``; in most texts there is only one.
    """
    if not text:
        return before == after if whole else after.startswith(before)
    size = len(text)
    counts = {0}
    for place in range(len(before) + 1):
        for count in sorted(counts):
            while count < _MAX_CURSORS and after.startswith(text, place + count * size):
                counts.add(count := count + 1)
        if place < len(before):
            counts = {count for count in counts if after[place + count * size :][:1] == before[place]}
        if not counts:
            return False
    return not whole or any(len(before) + count * size == len(after) for count in counts)


def suffixes_before(suffix: str, closers: str) -> tuple[str, ...]:
    """What may have been after the cursor before something was typed: the same, or the same without its paired ``closers``."""
    return (suffix, suffix[len(closers) :]) if closers and suffix.startswith(closers) else (suffix,)


def paired_closers(typed: str) -> str:
    """What an editor that pairs brackets and quotes has inserted after the cursor while this was typed."""
    open_now: list[str] = []
    for character in typed:
        if open_now and character == open_now[-1]:
            open_now.pop()
        elif character in _PAIRS:
            open_now.append(_PAIRS[character])
    return "".join(reversed(open_now))


class ClosersFrom:
    """The :func:`paired_closers` of each end of a text, in steps that are linear in the text for all of them together.

    An end begins with a character before a shorter end. What that character opens is closed where the shorter end closes
    nothing of its own; from there on it is as if nothing had been opened. So each end only needs to know, for each closing
    character, where it would close something opened before that end.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._closers = [""]  # of the ends of 0, 1, 2, … characters
        self._closed_at: list[dict[str, int]] = [{}]  # for the same: by closing character, how many characters are left

    def __getitem__(self, length: int) -> str:
        """The closers of the text's last ``length`` characters."""
        while len(self._closers) <= length:
            self._add(self._text[-len(self._closers)])
        return self._closers[length]

    def _add(self, character: str) -> None:
        length, closed_at = len(self._closers), self._closed_at[-1]
        if (closer := _PAIRS.get(character)) is None:
            closers, before = self._closers[-1], closed_at
        elif (left := closed_at.get(closer)) is not None:
            closers, before = self._closers[left], self._closed_at[left]
        else:
            closers, before = self._closers[-1] + closer, {}
        self._closers.append(closers)
        self._closed_at.append({**before, character: length - 1} if character in CLOSING else before)


def advance(line: int, column: int, text: str) -> tuple[int, int]:
    """Where a position (from 0, in characters) moves to when ``text`` is inserted at it."""
    *above, last = split_lines(text)
    return line + len(above), len(last) + (0 if above else column)


def moved(place: tuple[int, int], edit: Edit) -> tuple[int, int]:
    """Where a position in the text before ``edit`` is after it; a position inside the edit moves to its end."""
    start, until = (edit.line, edit.column), advance(edit.line, edit.column, edit.removed)
    if place < start:
        return place
    line, column = advance(edit.line, edit.column, edit.inserted)
    if place < until:
        return line, column
    return (line, column + place[1] - until[1]) if place[0] == until[0] else (place[0] + line - until[0], place[1])


def _offset_above(prefix: str, lines: int, column: int) -> int:
    """The index in ``prefix`` of a ``column``, ``lines`` lines above its end; -1 if ``prefix`` does not contain it."""
    start = _line_start(prefix, len(prefix))
    for _ in range(lines):
        if start == 0:
            return -1
        start = _line_start(prefix, start - (2 if prefix.endswith("\r\n", 0, start) else 1))
    return start + column


def _line_start(text: str, end: int) -> int:
    return max(text.rfind("\n", 0, end), text.rfind("\r", 0, end)) + 1
