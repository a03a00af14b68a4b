"""Splits source code into self-contained chunks, and collects the names in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MIN_LINES, MAX_LINES = 3, 10  # of a chunk; with 6 to 20, or 2 to 6, fewer of the names that are typed next are found

_CLOSING = tuple(")]}")

_KEYWORDS = frozenset(
    "and async await break case catch class const continue def default elif else end enum except export extends "
    "extern false False finally fn for foreach from func function global goto if impl implements import in include "
    "instanceof interface is lambda let local loop match mod module mut namespace new nil none None not null or out "
    "package pass private protected pub public raise require return self static struct super switch then this throw "
    "throws trait true True try type typedef typeof union unsafe until use using val var virtual void where while "
    "with yield".split()
)
"""Keywords of the languages, which reveal nothing about what is being written."""

_NAME = re.compile(r"[^\W\d_]\w{2,}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Consecutive lines of the document called ``path``. ``names`` are the names in them, and their parts."""

    path: str
    text: str
    names: frozenset[str]


def names_in(text: str) -> frozenset[str]:
    """Identifiers of three or more letters, and the words that they consist of, prefixed with a tilde."""
    names = set(_NAME.findall(text)) - _KEYWORDS
    parts = {part.lower() for name in names for part in _PART.findall(name) if len(part) > 2}
    return frozenset(names | {f"~{part}" for part in parts})


def chunk_bounds(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The first line of each chunk, and the line after its last; together they cover all lines.

    A chunk ends where the indentation returns to that of its first line, preferably after a blank line.
    """
    first, indent = 0, _indent(lines[0]) if lines else 0
    after_blank = False
    for number, line in enumerate(lines):
        length = number - first
        content = line.strip()
        complete = length >= MIN_LINES and _indent(line) <= indent and (after_blank or content[:1] not in _CLOSING)
        if content and (complete or length >= MAX_LINES):
            yield first, number
            first, indent = number, _indent(line)
        elif length == 0:
            indent = _indent(line)
        after_blank = not content
    if first < len(lines):
        yield first, len(lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
