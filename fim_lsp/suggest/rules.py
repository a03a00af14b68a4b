"""What models put round the code they mean, and how it comes off: one small function for each habit.

They run in the order of ``BEGINNINGS`` on all that has arrived, before its end is looked for; line ends are ``\\n``.
Each only leaves out characters, but for the indentation rules, which write blanks for tabs and move whole lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from fim_lsp.suggest.ends import goes_on
from fim_lsp.suggest.framing import (
    ends_at_headers,
    ends_at_tokens,
    is_framed,
    without_fence,
    without_invisibles,
    without_talk,
    without_thoughts,
)
from fim_lsp.suggest.indent import at_the_cursor, with_own_indentation
from fim_lsp.suggest.place import CLOSERS, Place, closes, defines, width
from fim_lsp.suggest.scan import scan

_SCHEMA = re.compile(
    r"^(?P<line>[ \t]*(?P<quote>[\"']?)\$schema(?P=quote)[ \t]*:[ \t]*|[ \t]*#[ \t]*yaml-language-server:[ \t]*\$schema=)"
    r"(?P<url>[^\s,]*)[^\n]*(?:\n|\Z)",
    re.MULTILINE,
)
_SCHEMA_BEFORE = re.compile(r"\$schema[\"']?[ \t]*[:=][ \t]*[\"']?[^\s\"',]*\Z|[\"']\$sch?e?m?a?\Z")
_ADDRESS = 512  # characters before the cursor that the beginning of an address may have
_WORD = re.compile(r"\w{2}")
_END = re.compile(r"\s*(?:end|fi|done|esac)\W*")  # of a block: often it is that of another one, too
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)*")
_ALONE = re.compile(r"(?:else|elif|elsif|elseif|except|catch|finally|rescue|ensure)\b(?!\s*[=.])")
_LAST = re.compile(r"(?<!\w)(?P<word>[^\W\d]\w{2,}|/\*(?:[^*]|\*(?!/))*\*/)(?P<blanks>[ \t]*)\Z")
_KEYWORD = re.compile(
    r"(?:return|if|for|while|def|class|let|const|var|import|from|raise|throw|yield|await|pass|break|continue|func|fn|pub|use|"
    r"assert|del|with|try|switch|async|public|private|static|val|fun|function|puts|local|struct|export)(?=\s+[\w({\"'@]|[;\n]|\Z)"
)
_ASSIGNMENT = re.compile(r"\A[^\W\d][\w.]*(?:\[[^\]\n]*\])?(?:[ ]?:[ ][\w\[\], .|]+)?[ ](?:[-+*/|&]|:)?=[ ]")
_CALL = re.compile(r"\A[^\W\d][\w.]*\([^\n]*\)[;:{ ]{0,8}(?:\n|\Z)")
_STATEMENT = re.compile(f"(?:{_KEYWORD.pattern}|@\\w|{_ASSIGNMENT.pattern}|{_CALL.pattern})")
_ASSIGNED = re.compile(r"(?<![=!<>])=(?![=>])")
_CAST = re.compile(r"(?:\A|[=(,!&|?:+*/%<>-]|return)\s*\([\w\s*&<>,\[\].]+\)\Z")
_HEAD = re.compile(
    r"\s*(?:async )?(?:def|class|if|elif|else|for|while|try|except|finally|with|match|case|default|switch)\b[^\n]*:\Z"
)

Rule = Callable[[Place, str], str]


def without_schema(place: Place, text: str) -> str:
    """No address of a JSON schema that the document hasn't: editors fetch it, and it could tell what was written."""
    if _SCHEMA_BEFORE.search(place.before[-_ADDRESS:]):
        url = re.match(r"[^\s,]*", text)
        return text if url and url.group().strip("\"'") in place.near else ""
    if "$schema" not in text:
        return text
    return _SCHEMA.sub(lambda found: found.group() if found["url"].strip("\"'") in place.near else "", text)


def without_echo(place: Place, text: str) -> str:
    """Not what stands before the cursor: the lines above it, however often, the line so far, or both."""
    while (rest := _behind_lines_above(place, text)) is not None:
        if not place.fresh:
            return rest
        text = rest
    line, body = place.before.strip(), text.lstrip()
    return body[len(line) :] if len(line) >= 4 and _WORD.search(line) and body.startswith(line) else text


def _behind_lines_above(place: Place, text: str) -> str | None:
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
        first, _, text = _without_blank_lines(text).partition("\n")
        if first.strip() != line.strip():
            return None
    return text


def _without_blank_lines(text: str) -> str:
    """Without blank lines at its beginning."""
    found = _BLANK_LINES.match(text)
    return text[found.end() :] if found else text


def echoes(place: Place, text: str) -> bool:
    """Whether all of it, so far, is lines from above the cursor and the line so far, so that it may be an echo of them."""
    said = [line.strip() for line in text.split("\n") if line.strip()]
    lines = [line.strip() for line in (*place.above, place.before) if line.strip()]
    starts = range(len(lines) - len(said) + 1) if said else ()
    return any(
        lines[at + len(said) - 1].startswith(said[-1]) and lines[at : at + len(said) - 1] == said[:-1] for at in starts
    )


def leaves_at_once(place: Place, text: str) -> str:
    """Nothing of a text whose first line belongs farther out than the cursor is: it can't be pressed into the block."""
    if not place.fresh or not place.column or place.inside:
        return text
    body = _without_blank_lines(text)
    first = body.partition("\n")[0]
    columns = place.column if len(body) == len(text) else width(first)
    if columns == place.column:
        return "" if _ALONE.match(first.lstrip()) and _belongs_farther_out(place, first) else text
    if columns > place.column or closes(first):
        return text
    if columns:
        step = len(place.indent.expandtabs(4))
        return "" if columns % step == 0 or any(width(head) == columns for head in place.heads) else text
    apart = text[: len(text) - len(body)].count("\n") > 1
    return "" if apart or defines(first) or _ALONE.match(first) else text


def _belongs_farther_out(place: Place, said: str) -> bool:
    """Whether a line like ``else`` has its partner farther out than the cursor, and none where it is."""
    outer = [head for head in place.heads if width(head) < place.column]
    return not goes_on(place, said, place.column) and any(goes_on(place, said, width(head)) for head in outer)


def without_first_break(place: Place, text: str) -> str:
    """No line break first where the cursor is on an empty line or behind a blank, and nothing where code goes on behind it."""
    body = _without_blank_lines(text)
    bare = body.lstrip(" \t")
    if len(body) == len(text) or not bare:
        return text
    if place.fresh:
        outer = closes(bare) and width(body) < place.column and not place.behind
        return "\n" + body if outer else body
    unfinished = place.before[-1:] in (" ", "\t") or place.before.rstrip().endswith(("=", "."))
    if place.behind and not place.inside:
        closed = CLOSERS.fullmatch(place.behind)
        if not closed or not (unfinished or place.behind[0] in ")]}" or place.opened):
            return ""
    if unfinished:
        return bare
    return text.lstrip(" \t") if not place.behind or place.behind[0] in ")]}" or place.opened else bare


def without_first_blank(place: Place, text: str) -> str:
    """No blanks where the cursor is behind one already, but in the indentation; one is enough behind ``=`` or a comma."""
    if place.fresh or text[:1] not in (" ", "\t"):
        return text
    if place.before[-1:] in (" ", "\t"):
        return text.lstrip(" \t")
    return re.sub(r"\A[ \t]{2,}", " ", text) if place.before[-1:] in ("=", ",") else text


def without_last_word(place: Place, text: str) -> str:
    """Not the word that stands right before the cursor, nor the comment."""
    found = _LAST.search(place.before[-_ADDRESS:])
    if found is None or place.prose or place.text or found["word"] in ("long", "self"):
        return text
    rest = text.removeprefix(found["word"])
    if len(rest) == len(text) or re.match(r"\w", rest):
        return text
    return rest if rest.strip() and not found["blanks"] else rest.lstrip(" \t")


def without_glue(place: Place, text: str) -> str:
    """Nothing where a statement would be joined to the end of a line that is finished: the line break is missing."""
    before = place.before
    if place.fresh or place.behind or place.inside or place.text or before[-1:].isspace():
        return text
    body = text.lstrip(" \t")
    blanks = text[: len(text) - len(body)]
    if not _STATEMENT.match(body):
        return text
    if place.prose:
        return "" if (not blanks and (before[-1] in ".!?:" or defines(body))) or len(blanks) > 1 else text
    if scan(before[-_ADDRESS:], hashes=place.hashes, by_line=False).openers or _CAST.search(before[-_ADDRESS:]):
        return text
    return "" if _is_finished(before, blanks, body) else text


def _is_finished(before: str, blanks: str, body: str) -> bool:
    """Whether a line says all it has to, so that ``body`` isn't its rest."""
    last, assigns = before[-1], bool(_ASSIGNED.search(before))
    if blanks == " ":
        return last in ")]}\"'" and assigns and bool(_ASSIGNMENT.match(body))
    if last == ":":
        return bool(_HEAD.match(before))
    if last.isdigit():
        return assigns and body[0].isalpha()
    if last.isalpha():
        return bool(_KEYWORD.match(body) and re.search(r"\w\W+\w+\Z", before[-_ADDRESS:]))
    return last in ")]};\"'`"


BEGINNINGS: tuple[Rule, ...] = (
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


def begun(place: Place, text: str) -> str:
    """The text with all of these rules applied."""
    for rule in BEGINNINGS:
        text = rule(place, text)
    return text


def is_over(place: Place, text: str) -> bool:
    """Whether a control token, a header or the end of a fence has come: what follows doesn't belong to it any more."""
    return is_framed(place, text) and begun(place, text + "\nx") == begun(place, text)
