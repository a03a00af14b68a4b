"""Where a suggestion ends. Only complete lines count, so that more text never changes the decision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile

from fim_lsp.suggest.bracket_scan import Scan, scan, without_case_patterns
from fim_lsp.suggest.code_lines import closes, defines, width
from fim_lsp.suggest.cursor_context import CursorContext, Extent
from fim_lsp.suggest.end_rules import Reading, Verdict, decide, is_simple

_FENCES = ("```", "~~~")
_HEADING = re.compile(r"#{1,6} ")
_WORD = re.compile(r"\w{3}")
_COMMENTED = re.compile(r"\s*(?:[#*]|//|/\*|--|<!--|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Only ``text[:at]`` is shown. ``sure``: no later text will be shown either."""

    at: int
    sure: bool


def end_of(context: CursorContext, text: str, extent: Extent, *, is_final: bool) -> End:
    """Where a suggestion of the given ``extent`` ends. ``is_final``: the text is complete, and so is its last line."""
    whole = f"{text}\n" if is_final and not text.endswith("\n") else text
    in_sentence = context.in_prose and not context.string_runs_on and not context.at_line_start
    if extent is Extent.LINE or (in_sentence and not _leaves_prose(context, text)):
        end = end_of_line(whole)
    elif context.is_text_document:
        end = end_of_passage(context, whole)
    else:
        end = end_of_block(context, whole, statement=extent is Extent.STATEMENT, is_final=is_final)
    return End(at=min(end.at, len(text)), sure=True) if is_final else end


def _leaves_prose(context: CursorContext, text: str) -> bool:
    """Whether a reply in a comment continues with code on the next line."""
    return not context.open_quote and text.startswith("\n") and not _COMMENTED.match(text)


def end_of_line(text: str) -> End:
    """The end of the first line that is not blank."""
    end = text.find("\n", len(text) - len(text.lstrip()))
    return End(at=len(text) if end < 0 else end, sure=end >= 0)


def end_of_passage(context: CursorContext, text: str) -> End:
    """The end of a passage of prose: a blank line, except after a heading or inside a fence, or the line below the cursor."""
    start = written = 0
    fence, heading = "", False
    while (stop := text.find("\n", start)) >= 0:
        line = text[start:stop].strip()
        mark = line[:3] if line[:3] in _FENCES else ""
        if written and not fence and ((not line and not heading) or _is_line_below(context, line)):
            return End(at=len(text[:start].rstrip()), sure=True)
        fence = "" if mark and mark == fence else fence or mark
        heading = bool(_HEADING.match(line)) or (heading and not line)
        written += bool(line)
        start = stop + 1
    return End(at=len(text), sure=False)


def _is_line_below(context: CursorContext, line: str) -> bool:
    return bool(context.lines_below) and line == context.lines_below[0].strip() and bool(_WORD.search(line))


def end_of_block(context: CursorContext, text: str, *, statement: bool = False, is_final: bool = False) -> End:
    """The end of the block, by the rules of :mod:`~fim_lsp.suggest.end_rules`. A surplus closing bracket ends it too.

    A ``statement`` ends as soon as nothing that it has opened is open.
    """
    scanned = scan(
        without_case_patterns(text, context.language),
        hash_comments=context.hash_comments,
        open_quote=context.open_quote,
        reopening=True,
    )
    closer = _surplus_closer(context, text, scanned, context.brackets.closed_by_suffix if statement else 0)
    complete = text.rfind("\n") + 1  # characters of complete lines
    until = complete if closer is None else min(complete, closer + 1)
    for reading in _readings(context, text, scanned, until, statement=statement, is_final=is_final):
        verdict = decide(reading)
        if verdict is Verdict.UNDECIDED:
            return End(at=reading.line.start, sure=False)
        if verdict is Verdict.ENDS:
            return End(at=_end_before(context, text, reading.line.start, statement=statement), sure=True)
        if statement and not reading.before and is_simple(reading):
            return End(at=reading.line.end, sure=True)
    if closer is not None:  # not sure until its line is complete: the rest may show that it is inside a string
        return End(at=_end_before(context, text, closer, statement=statement), sure=closer < complete)
    return End(at=len(text), sure=False)


def _readings(
    context: CursorContext, text: str, scanned: Scan, until: int, *, statement: bool, is_final: bool
) -> Iterator[Reading]:
    """The lines that end before ``until`` and are not blank, each with those before it."""
    start_column, min_column = _levels(context, text, statement=statement)
    before: list[str] = []
    for number, line in enumerate(takewhile(lambda line: line.end < until, scanned.lines)):
        line_text = text[line.start : line.end]
        if not line_text.strip():
            continue
        yield Reading(
            context=context,
            text=text,
            scan=scanned,
            min_column=min_column,
            start_column=start_column,
            before=before,
            number=number,
            statement=statement,
            is_final=is_final,
        )
        before.append(line_text if number else " " * context.column + line_text.lstrip())


def _levels(context: CursorContext, text: str, *, statement: bool) -> tuple[int, int]:
    """The column that the block starts in, and the smallest one that its lines may have."""
    if statement and (first := re.match(r"[ \t]*\n\s*?(?=[^\n]*\S)", text)):
        columns = width(text[first.end() :].partition("\n")[0])
        return columns, columns
    if not context.at_line_start:
        return context.column + 1, context.column + 1
    start = context.column or width(next((line for line in text.split("\n") if line.strip()), ""))
    below = context.lines_below[0] if context.lines_below else ""
    if not start:
        return 0, 0
    inner = width(below) + bool(closes(below) or defines(below) or not width(below))
    return start, min(start, inner)


def _surplus_closer(context: CursorContext, text: str, scanned: Scan, spare: int) -> int | None:
    """The position of the first closing bracket that closes nothing; ``} else {`` closes and opens.

    ``spare`` brackets after the cursor, on its line, may be replaced by the text's.
    """
    if not context.brackets.any:
        return None
    surplus = next(
        islice(
            scanned.closers, max(context.brackets.missing_closers, context.brackets.open_at_document_end) + spare, None
        ),
        None,
    )
    if surplus is not None and text[surplus] == "}" and "\n" not in text[surplus:]:
        return None
    return surplus


def _end_before(context: CursorContext, text: str, at: int, *, statement: bool) -> int:
    """The end of the text that is kept before ``at``: with one line end, if there is text after the cursor on its line."""
    kept = len(text[:at].rstrip())
    if not context.line_suffix or statement:
        return kept
    return min(len(with_one_line_end(text[:at])), at)


def with_one_line_end(text: str) -> str:
    """For a text with code after it on the same line: keep only its first trailing line end, and the whitespace after that."""
    kept = len(text.rstrip())
    found = re.match(r"[ \t]*\n[ \t]*", text[kept:])
    return text[: kept + found.end()] if found else text
