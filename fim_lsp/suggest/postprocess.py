"""Turns a model's text into a suggestion: how much of it is shown, and which characters after the cursor it replaces."""

from __future__ import annotations

import re

from fim_lsp.suggest.block_end import End, end_of, end_of_line, with_one_line_end
from fim_lsp.suggest.cleanup_rules import OUTER_BLOCK, THOUGHTS, cleaned, has_ended, is_shorter, may_be_echo
from fim_lsp.suggest.code_lines import CLOSERS, END_WORD, closes, closes_block_of, defines, width
from fim_lsp.suggest.cursor_context import (
    CursorContext,
    Extent,
    Multiline,
    extent_of,
    wants_lines,
)
from fim_lsp.suggest.end_rules import loop_start
from fim_lsp.suggest.suffix_join import joined_to_suffix
from fim_lsp.suggest.suggestion import Shaped, Suggestion
from fim_lsp.suggest.wrappers import after_thoughts, may_announce_fence, unopened_thought_end, until_garbled
from fim_lsp.text.positions import with_line_feeds

__all__ = ["Multiline", "has_head", "is_complete", "shaped", "suggestion_from", "wants_lines"]

LINES_BELOW = "repeats the lines below"
REST_OF_LINE = "repeats the rest of the line"
CLOSED = "closes what is closed already"
LOOP = "goes round in a loop"
"""What is wrong with a reply that is shortened or not shown: "it …"; see ``CLEANUP_RULES`` for more."""

MAX_LENGTH = 4000  # characters of a suggestion: VS Code draws nothing that is longer than 5000
MAX_READ = 3 * MAX_LENGTH  # characters that are read for one: what models wrap around code is no longer than the code

_WORD = re.compile(r"\w{3}")
_TRAILING_WHITESPACE = re.compile(r"(?<=[^ \t\n])[ \t]+(?=\n)")
_LONG_STRING_QUOTES = ('"""', "'''", "`")  # of strings of several lines, where whitespace at a line's end may be meant
_MAX_PERIOD, _MIN_REPETITIONS = 60, 5  # characters that a line may repeat, and how often it has to
_MIN_SHORT, _MIN_LONG, _LONG_PERIOD = 6, 4, 10  # repetitions of short and of long words; characters of long ones
_DIGITS = re.compile(r"(\d)\1{29}\Z")
_LETTER = re.compile(r"[^\W\d_]{2}")
_MIN_STUTTER, _MIN_STUTTER_IF_CUT = 160, 60  # characters that are repeated: a separator or a row of numbers is shorter


def is_complete(context: CursorContext, text: str, multiline: Multiline) -> bool:
    """Whether more text would not change what is shown, so that the call can be ended.

    That is also true if the suggestion can't become longer, or if too much of the text is not shown.
    """
    body, end = _read(context, text, multiline)
    return end.sure or len(body) > MAX_LENGTH or len(text) > MAX_READ


def has_head(context: CursorContext, text: str, multiline: Multiline) -> bool:
    """Whether the first line of a block has arrived completely: it is worth showing without the rest."""
    if "\n" not in text and "\r" not in text:
        return False
    if extent_of(context.split, multiline, context.language) is not Extent.STATEMENT:
        return False
    body, end = _read(context, text, multiline)
    return not end.sure and end_of_line(body).sure


def suggestion_from(
    context: CursorContext, text: str, *, finished: str | None, multiline: Multiline
) -> Suggestion | None:
    """The suggestion of :func:`shaped`."""
    return shaped(context, text, finished=finished, multiline=multiline).suggestion


def shaped(context: CursorContext, text: str, *, finished: str | None, multiline: Multiline) -> Shaped:
    """What is shown of ``text``, and why not all of it. ``finished`` is the server's finish reason, if it gave one.

    Only line ends and indentation are changed, to the document's; otherwise characters are only left out. The user
    loses none: those that are replaced after the cursor are part of the suggestion.
    """
    cut: list[str] = []
    text, end = _read(context, text, multiline, is_final=finished == "stop", cut=cut)
    kept = text[: end.at]
    if further := text[end.at :].strip():
        cut.append(_after_end(context, further, multiline) if kept.strip() else OUTER_BLOCK)
    whole = (end.sure or finished == "stop") and len(kept) <= MAX_LENGTH
    if not whole:
        kept = _noted(cut, kept, kept[:MAX_LENGTH], "is too long")
        kept = _noted(cut, kept, _whole_lines(kept), "ends in the middle of a line")
    kept = _noted(cut, kept, until_garbled(context, kept), "contains garbled characters")
    kept = _noted(cut, kept, _without_lines_below(context, kept), LINES_BELOW)
    kept = _noted(cut, kept, _without_loop(kept), LOOP)
    kept = _noted(cut, kept, _without_stutter(kept, _MIN_STUTTER if whole else _MIN_STUTTER_IF_CUT), LOOP)
    before = _without_trailing_whitespace(context, kept)
    kept, replace = joined_to_suffix(context, before)
    if is_shorter(kept, before):
        cut.append(CLOSED if CLOSERS.fullmatch(before[len(kept) :].strip()) else REST_OF_LINE)
    suggestion = _unless_there(context, kept, replace, cut)
    return Shaped(suggestion=suggestion, cut_by=tuple(dict.fromkeys(cut)))


def _unless_there(context: CursorContext, kept: str, replace: int, cut: list[str]) -> Suggestion | None:
    """The suggestion, unless it is nothing, or nothing new."""
    if not kept.strip():
        return None
    if _repeats_lines_below(context, kept):
        cut.append(LINES_BELOW)
    elif kept == context.line_suffix[:replace]:
        cut.append(REST_OF_LINE)
    else:
        return Suggestion(text=kept.replace("\n", context.split.line_end), replace=replace)
    return None


def _noted(cut: list[str], before: str, text: str, name: str) -> str:
    """``text``, which a rule made from ``before``; the rule's name is noted if it left something out."""
    if len(text) < len(before) and is_shorter(text, before):
        cut.append(name)
    return text


def _after_end(context: CursorContext, further: str, multiline: Multiline) -> str:
    """What is wrong with the text after the suggestion's end."""
    extent = extent_of(context.split, multiline, context.language)
    if extent is Extent.LINE:
        return "goes on after the line"
    if context.is_text_document:
        return "goes on after the paragraph"
    return CLOSED if closes(further) else "goes on after the block"


def _read(
    context: CursorContext, text: str, multiline: Multiline, *, is_final: bool = False, cut: list[str] | None = None
) -> tuple[str, End]:
    """The cleaned text, and where the suggestion in it ends. The names of rules that left something out go to ``cut``."""
    text = with_line_feeds(text)
    if thought_end := unopened_thought_end(context, text):
        before = text[: thought_end.start()]  # a thought, unless it is an answer by itself
        answered = _read(context, before, multiline)[1].sure
        if cut is not None:
            cut.append(THOUGHTS)
        text = before if answered else after_thoughts(context, text[thought_end.end() :])
    extent = extent_of(context.split, multiline, context.language)
    body = cleaned(context, text, one_line=extent is Extent.LINE, left_out=cut)
    end = end_of(context, body, extent, is_final=is_final)
    if end.sure and not is_final and (may_be_echo(context, body) or may_announce_fence(context, body)):
        end = End(at=end.at, sure=False)
    if not end.sure and body.strip() and has_ended(context, text):
        end = end_of(context, body, extent, is_final=True)
    return body, end


def _whole_lines(text: str) -> str:
    """Only the complete lines of a reply that was cut off, if it has any."""
    lines, line_end, _ = text.rpartition("\n")
    return lines + line_end if lines.strip() else text


def _without_lines_below(context: CursorContext, text: str) -> str:
    """Remove a last line that is the line below the cursor, or its beginning."""
    head, line_end, last = text.rstrip("\n").rpartition("\n")
    below = context.lines_below[0].strip() if context.lines_below else ""
    same = bool(below) and last.strip() == below and width(last) == width(context.lines_below[0]) and not closes(last)
    begins = len(last.strip()) > 2 and below.startswith(last.strip())
    if END_WORD.match(last) and last.strip() == below:
        lines = [
            ("" if context.at_line_start else context.line_prefix) + head.partition("\n")[0],
            *head.split("\n")[1:],
        ]
        lines[0] = " " * context.column + lines[0].lstrip()
        begins = width(last) == width(context.lines_below[0]) and not closes_block_of(lines, last)
    if line_end and (begins or same) and head.strip():
        return head + "\n" if context.at_line_start and context.line_suffix else head
    return text


def _without_loop(text: str) -> str:
    """Keep one copy of lines that are repeated over and over."""
    lines = text.split("\n")
    again = loop_start([line.strip() for line in lines])
    if again is not None:
        text = "\n".join(lines[:again])
    return text


def _without_stutter(text: str, min_length: int) -> str:
    """If the last line ends with the same words over and over, keep them once; if with symbols, drop the line.

    Six repetitions are enough for words, and four for long ones.
    """
    body = text.rstrip("\n")
    if len(body) < len(text):
        kept = _without_stutter(body, min_length)
        return text if kept == body else kept
    head, line_end, last = text.rpartition("\n")
    if _DIGITS.search(last):
        return head
    for period in range(1, _MAX_PERIOD + 1):
        words = period > 2 and bool(_WORD.search(last[-period:])) and bool(_LETTER.search(last[-period:]))
        length = (
            max(min_length, _MIN_REPETITIONS * period)
            if not words
            else (_MIN_LONG if period >= _LONG_PERIOD else _MIN_SHORT) * period
        )
        if len(last) >= length and last[-length:-period] == last[period - length :]:
            start = len(last) - length
            while start and last[start - 1] == last[start - 1 + period]:
                start -= 1
            once = last[: start + period]
            return head + line_end + (once if _WORD.search(once, start) and (start or head.strip()) else "")
    return text


def _without_trailing_whitespace(context: CursorContext, text: str) -> str:
    """Strip whitespace at the ends of lines, except in long strings, and at the end of the text, unless code follows it."""
    if not (context.is_text_document or context.open_quote or any(quote in text for quote in _LONG_STRING_QUOTES)):
        text = _TRAILING_WHITESPACE.sub("", text)
    if not context.line_suffix or (context.line_suffix[0] in "()[];,: \t" and "\n" not in text):
        return text.rstrip()
    inside = (
        context.at_line_start
        or context.line_prefix.rstrip().endswith("{")
        or (text[:1] == "\n" and not closes(text.rstrip().rpartition("\n")[2]))
    )
    return with_one_line_end(text) if inside else text.rstrip()


def _repeats_lines_below(context: CursorContext, text: str) -> bool:
    """Whether the text only repeats the lines below, and is not a missing closing bracket."""
    if not context.lines_below or not (context.at_line_start or text.lstrip(" \t").startswith("\n")):
        return False
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    below = [line.strip() for line in context.lines_below]
    if len(lines) == 1:
        again = lines[0] == below[0] or (defines(lines[0]) and closes(below[0]) and lines[0] in below)
        return again and not (context.brackets.missing_closers and closes(lines[0]))
    first = next((at for at, line in enumerate(below) if line == lines[0]), len(below))
    return any(map(_WORD.search, lines)) and below[first:][: len(lines)] == lines and all(map(closes, below[:first]))
