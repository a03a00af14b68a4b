"""Source cut into pieces that mean something by themselves, and the names in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LEAST, MOST = 3, 10  # lines of a piece; of 6 to 20, or 2 to 6, fewer of the names to come are found

CLOSERS = tuple(")]}")

_GRAMMAR = frozenset(
    "and async await break case catch class const continue def default elif else end enum except export extends "
    "extern false False finally fn for foreach from func function global goto if impl implements import in include "
    "instanceof interface is lambda let local loop match mod module mut namespace new nil none None not null or out "
    "package pass private protected pub public raise require return self static struct super switch then this throw "
    "throws trait true True try type typedef typeof union unsafe until use using val var virtual void where while "
    "with yield".split()
)
"""Words of the languages themselves, which say nothing about what is being written."""

_NAME = re.compile(r"[^\W\d_]\w{2,}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Lines of a document. ``names`` are the names in them, and their parts."""

    path: str
    text: str
    names: frozenset[str]


def names(text: str) -> frozenset[str]:
    """The identifiers of three letters or more, and the words that long ones are made of."""
    whole = set(_NAME.findall(text)) - _GRAMMAR
    parts = {part.lower() for name in whole for part in _PART.findall(name) if len(part) > 2}
    return frozenset(whole | {f"~{part}" for part in parts})


def pieces(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each piece: cut where the indentation comes back to a piece's first, best after a blank line."""
    first, indent = 0, _indent(lines[0]) if lines else 0
    blank = False
    for number, line in enumerate(lines):
        length = number - first
        bare = line.strip()
        whole = length >= LEAST and _indent(line) <= indent and (blank or bare[:1] not in CLOSERS)
        if bare and (whole or length >= MOST):
            yield first, number
            first, indent = number, _indent(line)
        elif length == 0:
            indent = _indent(line)
        blank = not bare
    if first < len(lines):
        yield first, len(lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
