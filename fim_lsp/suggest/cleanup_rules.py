"""What models put round the code they mean, and how it comes off: one small function for each habit.

They run in the order of ``BEGINNINGS`` on all that has arrived, before its end is looked for; line ends are ``\\n``.
Each only leaves out characters, but for the indentation rules, which write blanks for tabs and move whole lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from fim_lsp.suggest.blocks import END_WORD, closes_its_own
from fim_lsp.suggest.cursor_context import CursorContext, closes, defines, width
from fim_lsp.suggest.end_rules import goes_on
from fim_lsp.suggest.framing import (
    ends_at_headers,
    ends_at_tokens,
    is_framed,
    without_fence,
    without_invisibles,
    without_talk,
    without_thoughts,
)
from fim_lsp.suggest.indentation import at_the_cursor, with_own_indentation
from fim_lsp.suggest.line_join import (
    without_blank_lines,
    without_first_blank,
    without_first_break,
    without_glue,
    without_last_word,
)

_SCHEMA = re.compile(
    r"^(?P<line>[ \t]*(?P<quote>[\"']?)\$schema(?P=quote)[ \t]*:[ \t]*|[ \t]*#[ \t]*yaml-language-server:[ \t]*\$schema=)"
    r"(?P<url>[^\s,]*)[^\n]*(?:\n|\Z)",
    re.MULTILINE,
)
_SCHEMA_BEFORE = re.compile(r"\$schema[\"']?[ \t]*[:=][ \t]*[\"']?[^\s\"',]*\Z|[\"']\$sch?e?m?a?\Z")
_ADDRESS = 512  # characters before the cursor that the beginning of an address may have
_WORD = re.compile(r"\w{2}")
_END = re.compile(r"\s*(?:end|fi|done|esac)\W*")  # of a block: often it is that of another one, too
_ALONE = re.compile(r"(?:else|elif|elsif|elseif|except|catch|finally|rescue|ensure)\b(?!\s*[=.])")

CleanupRule = Callable[[CursorContext, str], str]


def without_schema(place: CursorContext, text: str) -> str:
    """No address of a JSON schema that the document hasn't: editors fetch it, and it could tell what was written."""
    if _SCHEMA_BEFORE.search(place.before[-_ADDRESS:]):
        url = re.match(r"[^\s,]*", text)
        return text if url and url.group().strip("\"'") in place.near else ""
    if "$schema" not in text:
        return text
    return _SCHEMA.sub(lambda found: found.group() if found["url"].strip("\"'") in place.near else "", text)


def without_echo(place: CursorContext, text: str) -> str:
    """Not what stands before the cursor: the lines above it, however often, the line so far, or both."""
    while (rest := _behind_lines_above(place, text)) is not None:
        if END_WORD.match(last := rest.rstrip().rpartition("\n")[2]) and width(last) >= place.column > 0:
            head = " " * place.column + text.lstrip()
            if closes_its_own(head.rstrip().split("\n")[:-1], last):
                return text  # a block within one that begins in the same words
        if not place.fresh:
            return rest
        text = rest
    line, body = place.before.strip(), text.lstrip()
    return body[len(line) :] if len(line) >= 4 and _WORD.search(line) and body.startswith(line) else text


def _behind_lines_above(place: CursorContext, text: str) -> str | None:
    """What comes behind the lines above and the line so far in a text that begins with them, or is nothing else."""
    line = place.before.strip()
    for count in range(len(place.above), 0, -1):
        lines = place.above[-count:]
        rest = _behind(lines, text)
        if not rest and (rest is None or not text.strip()):
            continue
        if not any(_WORD.search(one) and not _END.fullmatch(one) for one in lines):
            continue
        body = rest.lstrip()
        if place.fresh or body.startswith(line):
            return rest if place.fresh else body[len(line) :]
        if text.count("\n") >= count and line.startswith(body):
            return ""
    return None


def _behind(lines: Sequence[str], text: str) -> str | None:
    """What comes behind some lines in a text that begins with them, indentation and blank lines aside."""
    for line in lines:
        first, _, text = without_blank_lines(text).partition("\n")
        if first.strip() != line.strip():
            return None
    return text


def echoes(place: CursorContext, text: str) -> bool:
    """Whether all of it, so far, is lines from above the cursor and the line so far, so that it may be an echo of them."""
    said = [line.strip() for line in text.split("\n") if line.strip()]
    lines = [line.strip() for line in (*place.above, place.before) if line.strip()]
    starts = range(len(lines) - len(said) + 1) if said else ()
    return any(
        lines[at + len(said) - 1].startswith(said[-1]) and lines[at : at + len(said) - 1] == said[:-1] for at in starts
    )


def leaves_at_once(place: CursorContext, text: str) -> str:
    """Nothing of a text whose first line belongs farther out than the cursor is: it can't be pressed into the block."""
    if not place.fresh or not place.column or place.inside:
        return text
    body = without_blank_lines(text)
    first = body.partition("\n")[0]
    columns = place.column if len(body) == len(text) else width(first)
    if first.lstrip().startswith(("@", "#[")) and _decorates_outer(place, body):
        return ""
    if columns == place.column:
        return "" if _ALONE.match(first.lstrip()) and _belongs_farther_out(place, first) else text
    if columns > place.column or closes(first):
        return text
    if columns:
        step = len(place.indent.expandtabs(4))
        return "" if columns % step == 0 or any(width(head) == columns for head in place.heads) else text
    apart = text[: len(text) - len(body)].count("\n") > 1
    return "" if apart or defines(first) or _ALONE.match(first) else text


def _decorates_outer(place: CursorContext, body: str) -> bool:
    """Whether what decorators at its beginning belong to stands farther out than the cursor, on one of the file's levels."""
    lines = (line for line in body.split("\n")[1:] if line.strip() and not line.lstrip().startswith(("@", "#[")))
    decorated = next(lines, "")
    columns = width(decorated)
    return defines(decorated) and 0 < columns < place.column and any(width(head) == columns for head in place.heads)


def _belongs_farther_out(place: CursorContext, said: str) -> bool:
    """Whether a line like ``else`` has its partner farther out than the cursor, and none where it is."""
    outer = [head for head in place.heads if width(head) < place.column]
    return not goes_on(place, said, place.column) and any(goes_on(place, said, width(head)) for head in outer)


BEGINNINGS: tuple[CleanupRule, ...] = (
    without_thoughts,
    ends_at_tokens,
    ends_at_headers,
    without_invisibles,
    without_talk,
    without_fence,
    without_schema,
    without_echo,
    leaves_at_once,
    without_first_break,
    without_first_blank,
    without_last_word,
    without_glue,
    with_own_indentation,
    at_the_cursor,
)


def begun(place: CursorContext, text: str) -> str:
    """The text with all of these rules applied."""
    for rule in BEGINNINGS:
        text = rule(place, text)
    return text


def is_over(place: CursorContext, text: str) -> bool:
    """Whether a control token, a header or the end of a fence has come: what follows doesn't belong to it any more."""
    return is_framed(place, text) and begun(place, text + "\nx") == begun(place, text)
