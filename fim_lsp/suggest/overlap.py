"""What stands behind the cursor on its line: what of it the text says again, and what gives way to it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from itertools import accumulate
from types import MappingProxyType
from typing import Final

from fim_lsp.suggest.cursor_context import CLOSERS, CursorContext

_MIRRORED: Final = MappingProxyType(str.maketrans("()[]{}", ")(][}{"))


def without_overlap(place: CursorContext, text: str) -> str:
    """Without what it says at its end that already stands behind the cursor: all of that, or the closing part.

    Within a word that goes on behind the cursor, all of it always is. A bracket that the text has opened itself, or that
    nothing behind the cursor closes, is its own. A part that isn't all is left out only if it is made of closing
    characters, or of three and more that end where a word does.
    """
    behind = place.behind
    if re.fullmatch(r"\w\w", place.before[-1:] + behind[:1]) and text.endswith(behind):
        return text[: -len(behind)]
    if _begins(behind.lstrip(), text.strip()):
        return ""
    if behind[0] in " \t" and not place.prose:
        bare, end = behind.lstrip(), text.rstrip()
        for length in common_lengths(end, bare):
            again = (
                length == len(bare)
                or re.fullmatch(r"\w+", bare[:length])
                or (length > 2 and re.search(r"\w", bare[:length]))
            )
            if again and _apart(end[:-length], bare) and _apart(bare[:length], bare[length:]):
                return end[:-length].rstrip()
    overlaps = _Overlaps(place, text)
    for length in common_lengths(text, behind):
        if overlaps.repeated(length):
            return text[:-length]
    return text


def _begins(behind: str, said: str) -> bool:
    """Whether all that is said stands behind the cursor already, up to the end of a word."""
    telling = said == behind or re.search(r"\w|[^\x00-\x7f]", said)
    return bool(said and telling) and behind.startswith(said) and _apart(said, behind[len(said) :])


def _apart(one: str, other: str) -> bool:
    """Whether two strings, one behind the other, don't meet inside a word."""
    return not re.fullmatch(r"\w\w", one[-1:] + other[:1])


def common_lengths(text: str, behind: str) -> Iterator[int]:
    """Every length above 0 of an end of ``text`` that is a beginning of ``behind``, the longest first; in linear time.

    By the failure function of Knuth, Morris and Pratt (1977): ``shorter[n]`` is the next length after ``n``.
    """
    longest = min(len(text), len(behind))
    shorter, length = [0, 0], 0
    for character in behind[1:longest]:
        while length and behind[length] != character:
            length = shorter[length]
        length += behind[length] == character
        shorter.append(length)
    length = 0
    for character in text[len(text) - longest :]:
        while length and behind[length] != character:
            length = shorter[length]
        length += longest > 0 and behind[length] == character
    while length:
        yield length
        length = shorter[length]


class _Overlaps:
    """Which common lengths say again what is behind the cursor. What that depends on is counted once for all of them."""

    def __init__(self, place: CursorContext, text: str) -> None:
        behind = place.behind
        self._place, self._text = place, text
        self._own = unopened(text) <= place.missing and unclosed(text) >= place.short
        closing = CLOSERS.match(behind)
        self._closing = closing.end() if closing else 0  # so many characters close something
        self._blank = len(behind) - len(behind.lstrip())
        self._highest = list(accumulate(_depths(behind), max, initial=0))  # brackets closed and not opened, by length
        self._quotes = [
            (
                (place.inside + text).count(quote),
                list(accumulate((one == quote for one in behind[: self._closing]), initial=0)),
            )
            for quote in "\"'`"
        ]

    def repeated(self, length: int) -> bool:
        """Whether the last ``length`` characters of the text say again as many behind the cursor."""
        behind, text = self._place.behind, self._text
        whole = length == len(behind)
        before = text[-length - 1] if length < len(text) else ""
        if whole and ((length > 2 and re.search(r"\w", behind)) or behind[-1] in "{:([" or not self._closing):
            return not re.fullmatch(r"\w\w", before + behind[0]) or length > 2
        if self._highest[length] and self._own:
            return False
        if length <= self._closing:
            return length > self._blank and not any(
                among[length] and (count - among[length]) % 2 == 0 for count, among in self._quotes
            )  # a quote that nothing before it has opened
        if length < 3 and not (re.fullmatch(r"\w+", behind[:length]) and length < len(behind)):
            return False
        if whole:
            return True
        ends = not re.fullmatch(r"\w\w", behind[length - 1] + behind[length])
        return ends and not re.fullmatch(r"\w\w", before + behind[0])


def drawable(behind: str, text: str) -> bool:
    """Whether an editor can draw ``text`` over ``behind`` by insertions alone.

    VS Code compares characters, and tells round brackets apart by how deep they are and how many pairs came before.
    """
    return _within(behind, text) and _within(_numbered(behind), _numbered(text))


def unopened(text: str) -> int:
    """How many brackets it closes that it has not opened."""
    depth = most = 0
    for bracket in re.findall(r"[()\[\]{}]", text):
        depth += 1 if bracket in ")]}" else -1
        most = max(most, depth)
    return most


def _depths(text: str) -> Iterator[int]:
    """After each character, how many more brackets have been closed than opened; 0 at the least."""
    return (max(depth, 0) for depth in accumulate((one in ")]}") - (one in "([{") for one in text))


def unclosed(text: str) -> int:
    """How many brackets it leaves open."""
    return unopened(text[::-1].translate(_MIRRORED))


def _within(part: Iterable[Hashable], whole: Iterable[Hashable]) -> bool:
    rest = iter(whole)
    return all(one in rest for one in part)


def _numbered(text: str) -> list[Hashable]:
    level = group = 0
    numbered: list[Hashable] = []
    for one in text:
        if one == ")":
            level = max(level - 1, 0)
        numbered.append((one, group, level) if one in "()" else one)
        level += one == "("
        group += one == ")" and level == 0
    return numbered
