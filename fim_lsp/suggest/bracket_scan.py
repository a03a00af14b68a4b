"""Splits text into lines, brackets, strings and comments: well enough for any language, without a parser for each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType

from fim_lsp.suggest.languages import SHELLS

_FIRST = r"(?=[\"'`\#/()\[\]{}\n])(?:"  # checked first, because most characters are none of these
_BRACKETS_FIRST = r"(?=[\"'`\#/()\[\]{}])(?:"
_STRINGS = r"""
    \"{3}(?:\\.|[^\\])*?(?:\"{3}|\Z) | '{3}(?:\\.|[^\\])*?(?:'{3}|\Z)
  | "(?:\\.|[^"\\\n])*(?:"|(?=\n)|\Z)
"""
_HASHES = r"| '(?:\\.|[^'\\\n])*(?:'|(?=\n)|\Z) | `[^`\n]*` | (?:(?<=\s)|\A)\#[^\n]*"
_SLASHES = r"""
  | (?<=[&<])'[a-z_]\w* | (?<!\\)'(?:\\.|[^'\\\n])*' | `(?:\\.|[^`\\])*(?:`|\Z)
  | (?:(?<=[\s;{}(),])|\A)//[^\n]* | /\*.*?(?:\*/|\Z)
  | (?:(?<=[=(,:\[!&|?])|(?<=[=(,:\[!&|?][ ])|(?<=return[ ]))/(?:\\.|\[(?:\\.|[^\]\\\n]){0,200}\]|[^\[/\\\n]){1,200}/
"""
_MARKS = r"| (?P<open>[(\[{]) | (?P<close>[)\]}])"
_WITH_LINES, _WITHOUT_LINES = (
    MappingProxyType(
        {
            hash_comments: re.compile(
                first + _STRINGS + (_HASHES if hash_comments else _SLASHES) + _MARKS + last, re.VERBOSE | re.DOTALL
            )
            for hash_comments in (True, False)
        }
    )
    for first, last in ((_FIRST, r"| (?P<line>\n))"), (_BRACKETS_FIRST, ")"))
)
_HASHED = re.compile(
    r"\n[ \t]*(?:\#(?:[ !]|$)|(?:async[ ]|)(?:def|class|if|for|elif|else|try|with|while)\b[^\n{]*:[ \t]*$"
    r"|(?:from[ ][\w.]+[ ])?import[ ][\w., ]+$)",
    re.MULTILINE | re.VERBOSE,
)
_CONTINUES_AFTER = re.compile(r"[})\]]{1,16};?[ \t]{0,16}(?:else|catch|finally|while|,)")
_APOSTROPHE = re.compile(r"\w'\w*(?:\s|$)|[&<]'")
_CASE = re.compile(
    r"^[ \t]*(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s()\"'\#|=])+(?:[ ]?\|[ ]?(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s()\"'\#|=])+)*\)(?=[ \t]|$)",
    re.MULTILINE,
)
_QUOTES = re.compile(r"\"{3}|'{3}|[\"'`]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``text[start:end]`` without its line end. ``within`` is the innermost bracket that is open at its start, if any.

    ``in_literal``: it starts in a string or a comment.
    """

    start: int
    end: int
    within: str
    in_literal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A text's lines, and the positions of brackets that it closes without opening (``closers``) or leaves open."""

    lines: tuple[Line, ...]
    closers: tuple[int, ...]
    openers: tuple[int, ...]


def without_case_patterns(text: str, language: str) -> str:
    """Replace each bracket that ends a pattern of a shell's ``case`` by a space: it closes nothing."""
    if language not in SHELLS or ")" not in text:
        return text
    return _CASE.sub(lambda found: found.group()[:-1] + " ", text)


def comments_with_hashes(text: str) -> bool:
    """Whether comments in this text seem to begin with ``#`` rather than ``//``."""
    return bool(_HASHED.search("\n" + text))  # searching for a fixed first character is faster than for a line's start


def scan(
    text: str, *, hash_comments: bool, open_quote: str = "", by_line: bool = True, reopening: bool = False
) -> Scan:
    r"""Scan a text whose lines end in ``\n``. ``open_quote`` is the quote that is open where it starts, if there is one.

    Any closing bracket closes any opening one. A quote that is never closed runs to the end of its line. Without
    ``by_line``, only brackets are looked for, in a third of the time. ``reopening``: a bracket that is closed and opened
    again on the same line (``} else {``) counts as open, as it was before the text.
    """
    starts: list[tuple[int, str, bool]] = [(0, "", False)]
    closers: list[int] = []
    openers: list[int] = []
    position, reopener = 0, -1
    if open_quote:
        end = text.find(open_quote)
        position = end + len(open_quote) if end >= 0 else len(text)
        starts += _line_starts(text, 0, position, "")
    for token in (_WITH_LINES if by_line else _WITHOUT_LINES)[hash_comments].finditer(text, position):
        kind = token.lastgroup
        if kind == "open":
            if token.start() != reopener:
                openers.append(token.start())
        elif kind == "close" and openers:
            openers.pop()
        elif kind == "close":
            reopener = reopened(text, token.start()) if reopening else -1
            if reopener < 0:
                closers.append(token.start())
        elif kind == "line":
            starts.append((token.end(), text[openers[-1]] if openers else "", False))
        elif by_line:
            starts += _line_starts(text, *token.span(), text[openers[-1]] if openers else "")
    if not by_line:
        return Scan(lines=(), closers=tuple(closers), openers=tuple(openers))
    ends = [start - 1 for start, _, _ in starts[1:]] + [len(text)]
    lines = (
        Line(start=start, end=end, within=within, in_literal=quoted)
        for (start, within, quoted), end in zip(starts, ends, strict=True)
    )
    return Scan(lines=tuple(lines), closers=tuple(closers), openers=tuple(openers))


def reopened(text: str, position: int) -> int:
    """Where the rest of the line after the bracket at ``position`` opens another at its end; -1 if it doesn't."""
    found = _CONTINUES_AFTER.match(text, position)
    if found is None:
        return -1
    end = text.find("\n", found.end())
    last = len(text[: end if end >= 0 else len(text)].rstrip(" \t")) - 1
    return last if last >= found.end() and text[last] in "{([" else -1


def _line_starts(text: str, start: int, end: int, within: str) -> list[tuple[int, str, bool]]:
    """The lines that begin inside a string or comment."""
    return [(start + at + 1, within, True) for at, c in enumerate(text[start:end]) if c == "\n"]


def open_quote_of(line: str) -> str:
    """The quote that is open at the end of ``line``; ``""`` for none. An apostrophe is no quote."""
    quote = ""
    for found in _QUOTES.finditer(re.sub(r"\\.", "  ", line)):
        if not quote:
            quote = found.group()
        elif found.group() == quote:
            quote = ""
    return "" if quote == "'" and _APOSTROPHE.search(line) else quote
