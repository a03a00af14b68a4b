"""The rules that clean up a reply, in their order: one small function for each habit of models.

The functions run in the order of ``CLEANUP_RULES`` on all the text so far, before its end is determined; line ends are
``\\n``. They only remove characters, except for the indentation rules, which replace tabs by spaces and move whole lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from fim_lsp.suggest.code_lines import (
    CONTINUING_WORDS,
    END_WORD,
    LONE_END_WORD,
    closes,
    closes_block_of,
    defines,
    width,
)
from fim_lsp.suggest.cursor_context import CursorContext
from fim_lsp.suggest.end_rules import continues_block
from fim_lsp.suggest.indentation import aligned_with_cursor, with_file_indentation
from fim_lsp.suggest.prefix_join import (
    without_blank_lines,
    without_first_break,
    without_first_space,
    without_glue,
    without_last_word,
)
from fim_lsp.suggest.repeated_operator import without_repeated_operator
from fim_lsp.suggest.wrappers import (
    ends_at_headers,
    ends_at_tokens,
    has_wrapper,
    without_fence,
    without_invisibles,
    without_talk,
    without_thoughts,
)

_SCHEMA = re.compile(
    r"^(?P<line>[ \t]*(?P<quote>[\"']?)\$schema(?P=quote)[ \t]*:[ \t]*|[ \t]*#[ \t]*yaml-language-server:[ \t]*\$schema=)"
    r"(?P<url>[^\s,]*)[^\n]*(?:\n|\Z)",
    re.MULTILINE,
)
_SCHEMA_BEFORE = re.compile(r"\$schema[\"']?[ \t]*[:=][ \t]*[\"']?[^\s\"',]*\Z|[\"']\$sch?e?m?a?\Z")
_MAX_PREFIX = 512  # characters before the cursor that are searched for the beginning of a URL
_WORD = re.compile(r"\w{2}")
_CONTINUATION_WORD = re.compile(rf"(?:{CONTINUING_WORDS})\b(?!\s*[=.])")

CleanupRule = Callable[[CursorContext, str], str]


def without_schema(context: CursorContext, text: str) -> str:
    """Remove URLs of JSON schemas that are not in the document: editors fetch them, which may reveal what was written."""
    if _SCHEMA_BEFORE.search(context.line_prefix[-_MAX_PREFIX:]):
        url = re.match(r"[^\s,]*", text)
        return text if url and url.group().strip("\"'") in context.nearby else ""
    if "$schema" not in text:
        return text
    return _SCHEMA.sub(lambda found: found.group() if found["url"].strip("\"'") in context.nearby else "", text)


def without_echo(context: CursorContext, text: str) -> str:
    """Remove a repetition of the text before the cursor: the lines above (even several times), the line so far, or both."""
    while (remaining := _after_lines_above(context, text)) is not None:
        if END_WORD.match(last := remaining.rstrip().rpartition("\n")[2]) and width(last) >= context.column > 0:
            head = " " * context.column + text.lstrip()
            if closes_block_of(head.rstrip().split("\n")[:-1], last):
                return text  # a block nested in one that begins with the same words
        if not context.at_line_start:
            return remaining
        text = remaining
    line, body = context.line_prefix.strip(), text.lstrip()
    return body[len(line) :] if len(line) >= 4 and _WORD.search(line) and body.startswith(line) else text


def _after_lines_above(context: CursorContext, text: str) -> str | None:
    """What follows the lines above and the line so far in a text that repeats them; ``None`` if it doesn't."""
    line = context.line_prefix.strip()
    for count in range(len(context.lines_above), 0, -1):
        lines = context.lines_above[-count:]
        remaining = _after(lines, text)
        if not remaining and (remaining is None or not text.strip()):
            continue
        if not any(_WORD.search(one) and not LONE_END_WORD.fullmatch(one) for one in lines):
            continue
        body = remaining.lstrip()
        if context.at_line_start or body.startswith(line):
            return remaining if context.at_line_start else body[len(line) :]
        if text.count("\n") >= count and line.startswith(body):
            return ""
    return None


def _after(lines: Sequence[str], text: str) -> str | None:
    """What follows ``lines`` in a text that begins with them, regardless of indentation and blank lines."""
    for line in lines:
        first, _, text = without_blank_lines(text).partition("\n")
        if first.strip() != line.strip():
            return None
    return text


def may_be_echo(context: CursorContext, text: str) -> bool:
    """Whether the text so far only repeats lines above the cursor or the line so far, and may be an echo of them."""
    echo = [line.strip() for line in text.split("\n") if line.strip()]
    lines = [line.strip() for line in (*context.lines_above, context.line_prefix) if line.strip()]
    starts = range(len(lines) - len(echo) + 1) if echo else ()
    return any(
        lines[at + len(echo) - 1].startswith(echo[-1]) and lines[at : at + len(echo) - 1] == echo[:-1] for at in starts
    )


def unless_outdented(context: CursorContext, text: str) -> str:
    """Nothing if the first line belongs to an outer block: at the cursor, it would become part of the inner one."""
    if not context.at_line_start or not context.column or context.open_quote:
        return text
    body = without_blank_lines(text)
    first = body.partition("\n")[0]
    columns = context.column if len(body) == len(text) else width(first)
    if first.lstrip().startswith(("@", "#[")) and _decorates_outer(context, body):
        return ""
    if columns == context.column:
        return "" if _CONTINUATION_WORD.match(first.lstrip()) and _continues_outer_block(context, first) else text
    if columns > context.column or closes(first):
        return text
    if columns:
        return (
            ""
            if columns % context.indent.columns == 0 or any(width(head) == columns for head in context.enclosing_lines)
            else text
        )
    apart = text[: len(text) - len(body)].count("\n") > 1
    return "" if apart or defines(first) or _CONTINUATION_WORD.match(first) else text


def _decorates_outer(context: CursorContext, body: str) -> bool:
    """Whether it begins with decorators of a definition that belongs to an outer block."""
    lines = (line for line in body.split("\n")[1:] if line.strip() and not line.lstrip().startswith(("@", "#[")))
    decorated = next(lines, "")
    columns = width(decorated)
    return (
        defines(decorated)
        and 0 < columns < context.column
        and any(width(head) == columns for head in context.enclosing_lines)
    )


def _continues_outer_block(context: CursorContext, line: str) -> bool:
    """Whether a line like ``else`` continues a block outside the cursor's, and none in the cursor's column."""
    outer = [enclosing for enclosing in context.enclosing_lines if width(enclosing) < context.column]
    return not continues_block(context, line, context.column) and any(
        continues_block(context, line, width(enclosing)) for enclosing in outer
    )


THOUGHTS = "begins with the model's thoughts"
OUTER_BLOCK = "belongs to an outer block"
CLEANUP_RULES: tuple[tuple[CleanupRule, str], ...] = (
    (without_thoughts, THOUGHTS),
    (ends_at_tokens, "contains control tokens"),
    (ends_at_headers, "goes on with another file"),
    (without_invisibles, "contains hidden characters"),
    (without_talk, "talks about the code"),
    (without_fence, "is in a Markdown fence"),
    (without_schema, "names a schema that the file does not"),
    (without_echo, "repeats what is before the cursor"),
    (unless_outdented, OUTER_BLOCK),
    (without_first_break, "breaks a line of code"),
    (without_first_space, "begins with spaces"),
    (without_last_word, "repeats the word before the cursor"),
    (without_repeated_operator, "repeats the operator before the cursor"),
    (without_glue, "begins a statement on a finished line"),
)
"""The rules, and what is wrong with a reply that each shortens: "it …", in a user's words."""

INDENTATION_RULES: tuple[CleanupRule, ...] = (with_file_indentation, aligned_with_cursor)
_FIRST_LINE = re.compile(r"\s*[^\n]*\n?")


def cleaned(context: CursorContext, text: str, *, one_line: bool = False, left_out: list[str] | None = None) -> str:
    """The text with all of these rules applied. ``one_line``: its indentation must not depend on further lines.

    The names of the rules that left out more than whitespace are appended to ``left_out``.
    """
    if left_out is None:  # at every chunk of a stream
        for rule, _name in CLEANUP_RULES:
            text = rule(context, text)
    else:
        for rule, name in CLEANUP_RULES:
            before, text = text, rule(context, text)
            if is_shorter(text, before):
                left_out.append(name)
    end = len(text)
    if one_line and (first := _FIRST_LINE.match(text)):
        end = first.end()
    shown, further = text[:end], text[end:]
    for rule in INDENTATION_RULES:
        shown = rule(context, shown)
    return shown + further


def is_shorter(text: str, before: str) -> bool:
    """Whether more than whitespace at the ends was left out."""
    return len(text) < len(before) and len(text.strip()) < len(before.strip())


def has_ended(context: CursorContext, text: str) -> bool:
    """Whether a control token, a header or the end of a fence has arrived, so that further text does not belong to it."""
    return has_wrapper(context, text) and cleaned(context, text + "\nx") == cleaned(context, text)
