"""How a suggestion overlaps with the rest of the cursor's line: what it repeats of it, and what may be replaced."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from itertools import accumulate
from types import MappingProxyType
from typing import Final

from fim_lsp.suggest.code_lines import CLOSERS
from fim_lsp.suggest.cursor_context import CursorContext

_MIRRORED: Final = MappingProxyType(str.maketrans("()[]{}", ")(][}{"))


def without_overlap(context: CursorContext, text: str) -> str:
    """Remove from the end of the text what is already after the cursor: all of the rest of the line, or its beginning.

    Within a word that continues after the cursor, a repetition of the whole rest is always removed. A bracket that the
    text has opened itself, or that nothing after the cursor closes, belongs to the text. A repeated part of the rest is
    removed only if it consists of closing characters, or of three or more characters that end where a word ends.
    """
    suffix = context.line_suffix
    if re.fullmatch(r"\w\w", context.line_prefix[-1:] + suffix[:1]) and text.endswith(suffix):
        return text[: -len(suffix)]
    if _starts_with_text(suffix.lstrip(), text.strip()):
        return ""
    if suffix[0] in " \t" and not context.in_prose:
        suffix_text, end = suffix.lstrip(), text.rstrip()
        for length in common_lengths(end, suffix_text):
            repeats = (
                length == len(suffix_text)
                or re.fullmatch(r"\w+", suffix_text[:length])
                or (length > 2 and re.search(r"\w", suffix_text[:length]))
            )
            if (
                repeats
                and _meet_between_words(end[:-length], suffix_text)
                and _meet_between_words(suffix_text[:length], suffix_text[length:])
            ):
                return end[:-length].rstrip()
    overlaps = _Overlaps(context, text)
    for length in common_lengths(text, suffix):
        if overlaps.repeated(length):
            return text[:-length]
    return text


def _starts_with_text(suffix: str, text: str) -> bool:
    """Whether the suffix begins with all of ``text``, up to the end of a word."""
    distinctive = text == suffix or re.search(r"\w|[^\x00-\x7f]", text)
    return bool(text and distinctive) and suffix.startswith(text) and _meet_between_words(text, suffix[len(text) :])


def _meet_between_words(one: str, other: str) -> bool:
    """Whether joining two strings would not join two words."""
    return not re.fullmatch(r"\w\w", one[-1:] + other[:1])


def common_lengths(text: str, suffix: str) -> Iterator[int]:
    """Every length above 0 at which an end of ``text`` is a beginning of ``suffix``, longest first, in linear time.

    Uses the failure function of Knuth, Morris and Pratt (1977): ``shorter[n]`` is the next length after ``n``.
    """
    longest = min(len(text), len(suffix))
    shorter, length = [0, 0], 0
    for character in suffix[1:longest]:
        while length and suffix[length] != character:
            length = shorter[length]
        length += suffix[length] == character
        shorter.append(length)
    length = 0
    for character in text[len(text) - longest :]:
        while length and suffix[length] != character:
            length = shorter[length]
        length += longest > 0 and suffix[length] == character
    while length:
        yield length
        length = shorter[length]


class _Overlaps:
    """Decides which common lengths are repetitions of the text after the cursor. What they share is computed once."""

    def __init__(self, context: CursorContext, text: str) -> None:
        suffix = context.line_suffix
        self._context, self._text = context, text
        self._closes_only_its_brackets = (
            unopened(text) <= context.brackets.missing_closers and unclosed(text) >= context.brackets.missing_openers
        )
        closing = CLOSERS.match(suffix)
        self._closing = closing.end() if closing else 0  # how many characters at the start close something
        self._leading_whitespace = len(suffix) - len(suffix.lstrip())
        self._highest = list(accumulate(_depths(suffix), max, initial=0))  # brackets closed but not opened, by length
        self._quotes = [
            (
                (context.open_quote + text).count(quote),
                list(accumulate((one == quote for one in suffix[: self._closing]), initial=0)),
            )
            for quote in "\"'`"
        ]

    def repeated(self, length: int) -> bool:
        """Whether the last ``length`` characters of the text repeat those after the cursor."""
        suffix, text = self._context.line_suffix, self._text
        whole = length == len(suffix)
        before = text[-length - 1] if length < len(text) else ""
        if whole and ((length > 2 and re.search(r"\w", suffix)) or suffix[-1] in "{:([" or not self._closing):
            return not re.fullmatch(r"\w\w", before + suffix[0]) or length > 2
        if self._highest[length] and self._closes_only_its_brackets:
            return False
        if length <= self._closing:
            return length > self._leading_whitespace and not any(
                among[length] and (count - among[length]) % 2 == 0 for count, among in self._quotes
            )  # a quote that nothing before it has opened
        if length < 3 and not (re.fullmatch(r"\w+", suffix[:length]) and length < len(suffix)):
            return False
        if whole:
            return True
        ends = not re.fullmatch(r"\w\w", suffix[length - 1] + suffix[length])
        return ends and not re.fullmatch(r"\w\w", before + suffix[0])


def drawable(suffix: str, text: str) -> bool:
    """Whether an editor can draw ``text`` over ``suffix`` by insertions alone.

    VS Code compares characters, and distinguishes parentheses by their depth and by the number of pairs before them.
    """
    return is_subsequence(suffix, text) and is_subsequence(_numbered(suffix), _numbered(text))


def unopened(text: str) -> int:
    """How many brackets the text closes without having opened them."""
    depth = highest = 0
    for bracket in re.findall(r"[()\[\]{}]", text):
        depth += 1 if bracket in ")]}" else -1
        highest = max(highest, depth)
    return highest


def _depths(text: str) -> Iterator[int]:
    """After each character, how many more brackets have been closed than opened; at least 0."""
    return (max(depth, 0) for depth in accumulate((one in ")]}") - (one in "([{") for one in text))


def unclosed(text: str) -> int:
    """How many brackets the text leaves open."""
    return unopened(text[::-1].translate(_MIRRORED))


def is_subsequence(part: Iterable[Hashable], whole: Iterable[Hashable]) -> bool:
    """Whether all items of ``part`` occur in ``whole``, in this order."""
    remaining = iter(whole)
    return all(one in remaining for one in part)


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
