"""Source text as tokens, the same way for every language, without losing a character.

A token includes the one or two spaces before it (``" timeout"``), so that spacing is learnt with the token, and half of a
context is not whitespace. Longer or other whitespace is a separate token. Strings and comments are not special: their
words and punctuation are tokens like the code's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TAB_COLUMNS = 4
"""Columns of indentation that a tab counts as."""

_OPERATORS = (
    '"""', "'''", "===", "!==", "...", "**=", "//=", "<<=", ">>=", "==", "!=", "<=", ">=", "->", "=>", "::", ":=",
    "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "&&", "||", "**", "//", "<<", ">>", "++", "--", "..", "/*", "*/",
)  # fmt: skip
_WORD = r"[^\W\d]\w*|\d\w*(?:\.\d\w*)?"
_TOKEN = re.compile(rf"(?: {{1,2}}(?=\S))?(?:{_WORD}|{'|'.join(re.escape(mark) for mark in _OPERATORS)}|[^\w\s])|\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LexedLine:
    """One line in pieces: ``indent + "".join(tokens) + end`` is the line.

    ``end`` is trailing whitespace with the line's end. A blank line is all ``end``.
    """

    indent: str
    tokens: tuple[str, ...]
    end: str


def lex(text: str) -> list[str]:
    """The tokens of ``text``; joined, they are ``text`` again."""
    return _TOKEN.findall(text)


def lex_line(line: str) -> LexedLine:
    """One line, with or without its end, in pieces."""
    body = line.strip()
    if not body:
        return LexedLine(indent="", tokens=(), end=line)
    indent = line[: len(line) - len(line.lstrip())]
    end = line[len(indent) + len(body) :]
    return LexedLine(indent=indent, tokens=tuple(_TOKEN.findall(body)), end=end)


def split_lead(token: str) -> tuple[int, str]:
    """The number of spaces (0 to 2) that a token begins with, and the token without them; whitespace itself has none."""
    core = token.lstrip(" ")
    return (len(token) - len(core), core) if core and not core.isspace() else (0, token)


def columns(indent: str) -> int:
    """How wide an indentation is, in columns."""
    return len(indent) + (TAB_COLUMNS - 1) * indent.count("\t")


def is_word(token: str) -> bool:
    """Whether a token without its lead is an identifier, a keyword or a number."""
    return token[:1].isalnum() or token[:1] == "_"
