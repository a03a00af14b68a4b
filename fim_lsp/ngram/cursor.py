"""What the text round the cursor says: the context's tokens, the word begun, what follows; and which line it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fim_lsp.ngram.candidates import LONGEST_CONTEXT
from fim_lsp.ngram.lexer import columns, is_word, lex, lex_line, split_lead
from fim_lsp.ngram.model import Document
from fim_lsp.ngram.vocabulary import BLANK, START, UNKNOWN, Vocabulary, line_start

_LINE_END = re.compile(r"\r\n|\r|\n")
_WINDOW = 4000
"""Characters before the cursor that are looked at: more than ``LONGEST_CONTEXT`` tokens take."""


_LINES_ROUND = 3
_LONG = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorPlace:
    """A cursor in its text. ``context`` is cores, nearest first; ``partial`` the word that ends at the cursor, or ``""``.

    ``spaced``: whitespace is typed already, or the line's beginning, so that a token's own spaces aren't offered.
    ``typed`` and ``rest`` are the line's text on both sides, ``indent`` its indentation, ``next_line`` the next line that
    isn't blank, without its end; ``above`` are the lines of the window above. A number is no word begun.
    """

    context: tuple[int, ...]
    partial: str
    spaced: bool
    typed: str
    rest: str
    indent: str
    next_line: str
    line_end: str
    above: tuple[str, ...] = ()


def place(prefix: str, suffix: str, vocabulary: Vocabulary) -> CursorPlace:
    """The place between ``prefix`` and ``suffix``."""
    window = prefix[-_WINDOW:]
    *above, typed = _LINE_END.split(window)
    if len(window) < len(prefix) and above:
        above = above[1:]
    rest, *below = _LINE_END.split(suffix[:_WINDOW])
    tokens = lex(typed.lstrip())
    partial = ""
    spaced = not tokens or tokens[-1].isspace()
    if tokens and not spaced:
        partial = split_lead(tokens[-1])[1]
        partial = partial if is_word(partial) and not partial[0].isdigit() else ""
    if tokens and (spaced or partial):
        tokens.pop()
    indent = typed[: len(typed) - len(typed.lstrip())]
    found = _LINE_END.search(suffix) or _LINE_END.search(window)
    return CursorPlace(
        context=_context(above, tokens, columns(indent), vocabulary, whole=len(window) == len(prefix)),
        partial=partial,
        spaced=spaced,
        typed=typed,
        rest=rest,
        indent=indent,
        next_line=next((line.rstrip() for line in below if line.strip()), ""),
        line_end=found.group() if found else "\n",
        above=tuple(above),
    )


def _context(
    above: Sequence[str], tokens: Sequence[str], width: int, vocabulary: Vocabulary, *, whole: bool
) -> tuple[int, ...]:
    context = [vocabulary.find(split_lead(token)[1]) for token in reversed(tokens)]
    pending: list[int] = []  # tokens of the lines below whose own line start isn't known yet
    for line in reversed(above):
        lexed = lex_line(line)
        if not lexed.tokens:
            pending.append(BLANK)
            continue
        own = columns(lexed.indent)
        context += [line_start(width - own), *pending]
        context += [vocabulary.find(split_lead(token)[1]) for token in reversed(lexed.tokens)]
        if len(context) >= LONGEST_CONTEXT:
            return tuple(context[:LONGEST_CONTEXT])
        pending, width = [], own
    if whole:
        context += [line_start(width), *pending, *[START] * LONGEST_CONTEXT]
    return tuple((context + [UNKNOWN] * LONGEST_CONTEXT)[:LONGEST_CONTEXT])


def locate(document: Document, prefix: str, suffix: str) -> int | None:
    """The line of the document that the cursor is in: the one changed last if it fits, else the first that does.

    It fits if the lines round it are those of the window, which may be older than the document's last edits elsewhere.
    """
    *above, typed = _LINE_END.split(prefix[-_WINDOW:])
    rest, *below = _LINE_END.split(suffix[:_WINDOW])
    above, below, text = above[-_LINES_ROUND:], below[:_LINES_ROUND], typed + rest
    lines = document.lines

    def fits(index: int) -> bool:
        return (
            _holds(_bare(lines[index]), text, cut_before=not above, cut_after=not below)
            and index >= len(above)
            and all(
                _bare(line).endswith(seen) for line, seen in zip(lines[index - len(above) : index], above, strict=False)
            )
            and all(
                line.startswith(seen)
                for line, seen in zip(lines[index + 1 : index + 1 + _LINES_ROUND], below, strict=False)
            )
        )

    if document.last_changed < len(lines) and fits(document.last_changed):
        return document.last_changed
    return next((index for index in range(len(lines)) if text in lines[index] and fits(index)), None)


def _holds(line: str, text: str, *, cut_before: bool, cut_after: bool) -> bool:
    """Whether a line is the text, or may be: the window can begin and end within a very long line."""
    if line == text:
        return True
    if len(line) < _LONG or not text:
        return False
    return (cut_before or line.startswith(text)) and (cut_after or line.endswith(text)) and text in line


def _bare(line: str) -> str:
    return line.rstrip("\r\n")
