"""What the model needs to know about the cursor: the tokens before it, the word being typed, what follows on the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fim_lsp.ngram.candidates import MAX_CONTEXT
from fim_lsp.ngram.lexer import columns, is_word, lex, lex_line, split_lead
from fim_lsp.ngram.model import Document
from fim_lsp.ngram.vocabulary import BLANK, START, UNKNOWN, Vocabulary, line_start
from fim_lsp.text.positions import LINE_END, content

_WINDOW = 4000
"""Characters on either side that are read: more than ``MAX_CONTEXT`` tokens take."""

_COMPARED_LINES = 3
_LONG_LINE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorPlace:
    """``context`` is cores, nearest first; ``partial`` the word that ends at the cursor, or ``""``; numbers don't count.

    ``after_space``: the cursor is after whitespace or at the line's beginning, so a token's own spaces are not offered.
    ``indent`` is the line's; ``next_line`` is the next line that isn't blank, without its end; ``lines_above`` are those
    that were read.
    """

    context: tuple[int, ...]
    partial: str
    after_space: bool
    line_prefix: str
    line_suffix: str
    indent: str
    next_line: str
    line_end: str
    lines_above: tuple[str, ...] = ()


def cursor_place(prefix: str, suffix: str, vocabulary: Vocabulary) -> CursorPlace:
    """The cursor between ``prefix`` and ``suffix``."""
    window = prefix[-_WINDOW:]
    *lines_above, line_prefix = LINE_END.split(window)
    if len(window) < len(prefix) and lines_above:
        lines_above = lines_above[1:]
    line_suffix, *below = LINE_END.split(suffix[:_WINDOW])
    tokens = lex(line_prefix.lstrip())
    partial = ""
    after_space = not tokens or tokens[-1].isspace()
    if tokens and not after_space:
        partial = split_lead(tokens[-1])[1]
        partial = partial if is_word(partial) and not partial[0].isdigit() else ""
    if tokens and (after_space or partial):
        tokens.pop()
    indent = line_prefix[: len(line_prefix) - len(line_prefix.lstrip())]
    found = LINE_END.search(suffix) or LINE_END.search(window)
    return CursorPlace(
        context=_context(lines_above, tokens, columns(indent), vocabulary, whole=len(window) == len(prefix)),
        partial=partial,
        after_space=after_space,
        line_prefix=line_prefix,
        line_suffix=line_suffix,
        indent=indent,
        next_line=next((line.rstrip() for line in below if line.strip()), ""),
        line_end=found.group() if found else "\n",
        lines_above=tuple(lines_above),
    )


def _context(
    lines_above: Sequence[str], tokens: Sequence[str], width: int, vocabulary: Vocabulary, *, whole: bool
) -> tuple[int, ...]:
    context = [vocabulary.find(split_lead(token)[1]) for token in reversed(tokens)]
    pending: list[int] = []  # line starts of blank lines below, until the line that they follow is known
    for line in reversed(lines_above):
        lexed = lex_line(line)
        if not lexed.tokens:
            pending.append(BLANK)
            continue
        own = columns(lexed.indent)
        context += [line_start(width - own), *pending]
        context += [vocabulary.find(split_lead(token)[1]) for token in reversed(lexed.tokens)]
        if len(context) >= MAX_CONTEXT:
            return tuple(context[:MAX_CONTEXT])
        pending, width = [], own
    if whole:
        context += [line_start(width), *pending, *[START] * MAX_CONTEXT]
    return tuple((context + [UNKNOWN] * MAX_CONTEXT)[:MAX_CONTEXT])


def find_line(document: Document, prefix: str, suffix: str) -> int | None:
    """The line of the document that contains the cursor: the one changed last if it matches, else the first that does.

    A line matches if the lines around it are those of the window, which may be older than the last edits elsewhere.
    """
    *above, typed = LINE_END.split(prefix[-_WINDOW:])
    line_suffix, *below = LINE_END.split(suffix[:_WINDOW])
    above, below, text = above[-_COMPARED_LINES:], below[:_COMPARED_LINES], typed + line_suffix
    lines = document.lines

    def fits(index: int) -> bool:
        if index < len(above):
            return False
        lines_above = lines[index - len(above) : index]
        lines_below = lines[index + 1 : index + 1 + _COMPARED_LINES]
        return (
            _may_be_line(content(lines[index]), text, cut_before=not above, cut_after=not below)
            and all(content(line).endswith(seen) for line, seen in zip(lines_above, above, strict=False))
            and all(line.startswith(seen) for line, seen in zip(lines_below, below, strict=False))
        )

    if document.last_changed < len(lines) and fits(document.last_changed):
        return document.last_changed
    return next((index for index in range(len(lines)) if text in lines[index] and fits(index)), None)


def _may_be_line(line: str, text: str, *, cut_before: bool, cut_after: bool) -> bool:
    """Whether ``text`` is the line, or part of a very long one at a window's edge."""
    if line == text:
        return True
    if len(line) < _LONG_LINE or not text:
        return False
    return (cut_before or line.startswith(text)) and (cut_after or line.endswith(text)) and text in line
