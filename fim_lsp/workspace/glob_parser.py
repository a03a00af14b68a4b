"""Parses a glob into tokens exactly as git does (``wildmatch.c``, and ``match_pathname`` in ``dir.c``).

This includes git's oddities: ``a**/b`` also matches ``ab``, because git compares the part before the first wildcard
separately.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

_SPECIAL = re.compile(r"[*?\[\\]")
_CLASSES: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "alnum": str.isalnum,
        "alpha": str.isalpha,
        "blank": lambda char: char in " \t",
        "cntrl": lambda char: char < " " or char == "\x7f",
        "digit": str.isdigit,
        "graph": lambda char: "!" <= char <= "~",
        "lower": str.islower,
        "print": lambda char: " " <= char <= "~",
        "punct": lambda char: "!" <= char <= "~" and not char.isalnum(),
        "space": lambda char: char in " \t\n\r",  # no others in git's own table
        "upper": str.isupper,
        "xdigit": lambda char: char in "0123456789abcdefABCDEF",
    }
)


class Wild(Enum):
    """``?``, ``*``, ``**`` which also matches slashes, and ``**/`` which matches any number of folders."""

    ANY = "?"
    STAR = "*"
    GLOBSTAR = "**"
    FOLDERS = "**/"


@dataclass(frozen=True, slots=True)
class Bracket:
    """A bracket expression: ``ranges`` are pairs of first and last character, ``classes`` are names of POSIX classes."""

    negated: bool
    ranges: tuple[tuple[str, str], ...]
    classes: tuple[str, ...]

    def accepts(self, char: str, *, fold: bool) -> bool:
        """Whether it matches a character, regardless of case if ``fold`` is set."""
        return any(map(self._contains, {char, char.lower(), char.upper()} if fold else (char,))) != self.negated

    def _contains(self, char: str) -> bool:
        return any(first <= char <= last for first, last in self.ranges) or (
            char.isascii() and any(_CLASSES[name](char) for name in self.classes)
        )

    @property
    def is_reversed(self) -> bool:
        """Whether a range is reversed: ``[z-a]``."""
        return any(first > last for first, last in self.ranges)


Token = str | Wild | Bracket
"""A literal character, a wildcard, or a bracket expression."""


def is_plain(pattern: str) -> bool:
    """Whether a pattern contains literal characters only."""
    return _SPECIAL.search(pattern) is None


def tokens(pattern: str, *, path: bool, lenient: bool = False) -> list[Token]:
    """The tokens of a pattern; ``path``: it is matched against a whole path rather than a name.

    Raises ``ValueError`` for a pattern that matches nothing, such as one with an unclosed bracket. If it is ``lenient``, an
    unclosed bracket and a trailing backslash are literal.
    """
    first = _SPECIAL.search(pattern)
    if first is None:
        return list(pattern)
    plain = first.start() if path else 0
    found: list[Token] = list(pattern[:plain])
    at = plain
    token: Token
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            token, at = _stars(pattern, at, path=path, leading=at == plain)
        elif char == "?":
            token, at = Wild.ANY, at + 1
        else:
            try:
                token, at = _bracket(pattern, at + 1) if char == "[" else _literal(pattern, at)
            except ValueError:
                if not lenient:
                    raise
                return [*found, *_without_brackets(pattern[at:], path=path)]
        found.append(token)
    return found


def readings(pattern: str, *, path: bool) -> list[list[Token]]:
    """Every possible meaning of a pattern in a setting: with a reversed range, brackets may also be meant literally."""
    row = tokens(pattern, path=path, lenient=True)
    odd = any(isinstance(token, Bracket) and token.is_reversed for token in row)
    return [row, _without_brackets(pattern, path=path)] if odd else [row]


def _without_brackets(rest: str, *, path: bool) -> list[Token]:
    """Tokens with literal brackets: after an unclosed bracket all are, since trying each one would be quadratic."""
    found: list[Token] = []
    at = 0
    token: Token
    while at < len(rest):
        char = rest[at]
        if char == "*":
            token, at = _stars(rest, at, path=path, leading=at == 0)
        elif char == "\\" and at + 1 < len(rest):
            token, at = rest[at + 1], at + 2
        else:
            token, at = Wild.ANY if char == "?" else char, at + 1
        found.append(token)
    return found


def _literal(pattern: str, at: int) -> tuple[Token, int]:
    if pattern[at] != "\\":
        return pattern[at], at + 1
    if at + 1 == len(pattern):
        raise ValueError("nothing follows the backslash")
    return pattern[at + 1], at + 2


def _stars(pattern: str, at: int, *, path: bool, leading: bool) -> tuple[Token, int]:
    """Two or more stars are special only between slashes."""
    end = at
    while end < len(pattern) and pattern[end] == "*":
        end += 1
    rest = pattern[end : end + 2]
    if (
        not path
        or end - at == 1
        or not (leading or pattern[at - 1] == "/")
        or not (rest[:1] in ("", "/") or rest == "\\/")
    ):
        return Wild.STAR, end
    return (Wild.FOLDERS, end + 1) if rest[:1] == "/" else (Wild.GLOBSTAR, end)


def _bracket(pattern: str, at: int) -> tuple[Bracket, int]:
    """The bracket expression whose content begins at ``at``, and where it ends."""
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    ranges: list[tuple[str, str]] = []
    classes: list[str] = []
    before = ""  # the character that a range may begin with
    first = True
    while first or pattern[at : at + 1] != "]":
        first = False
        if pattern.startswith("[:", at) and (name := _class_name(pattern, at)) is not None:
            classes.append(name)
            before, at = "", at + len(name) + 4
        elif before and pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in ("", "]"):
            last, at = _literal(pattern, at + 1)
            ranges.append((before, str(last)))
            before = ""
        else:
            if at >= len(pattern):
                raise ValueError("the bracket is not closed")
            char, at = _literal(pattern, at)
            before = str(char)
            ranges.append((before, before))
    return Bracket(negated, tuple(ranges), tuple(classes)), at + 1


def _class_name(pattern: str, at: int) -> str | None:
    """The name in ``[:name:]``; ``None`` if it is only a bracket and a colon."""
    end = pattern.find("]", at + 2)
    if end < 0:
        raise ValueError("the bracket is not closed")
    if end < at + 3 or pattern[end - 1] != ":":
        return None
    name = pattern[at + 2 : end - 1]
    if name not in _CLASSES:
        raise ValueError(f"there is no class {name}")
    return name


def longest_literal(row: Iterable[Token]) -> str:
    """The longest run of literal characters in a pattern, which any match contains."""
    runs: list[list[str]] = [[]]
    for token in row:
        if isinstance(token, str):
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    return max(map("".join, runs), key=len)
