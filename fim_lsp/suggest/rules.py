"""What models put round the code they mean, and how it comes off: one small function for each habit.

They run in the order of ``BEGINNINGS`` on all that has arrived, before its end is looked for; line ends are ``\\n``.
Each only leaves out characters, but for the indentation rules, which write blanks for tabs and move whole lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from fim_lsp.suggest.indent import at_the_cursor, with_own_indentation
from fim_lsp.suggest.place import Place
from fim_lsp.text.unicode import REVERSING, without_hidden

_TOKEN = re.compile(
    r"\[(?:PREFIX|SUFFIX|MIDDLE)\]|</?s>|<(?:PRE|SUF|MID|EOT)>|<\|?(?:fim[_▁-]|endoftext|end_of_text|im_(?:start|end)|file_sep|"
    r"repo_name|eot_id|cursor|user_cursor|file_separator|EOF)[^<>\n]*?>|<｜[^<>\n]*?｜>|<\|[a-z_]+\|>|<(?:file_sep|reponame|filename)>"
)
_HEADER = re.compile(r"^\+{5} \S[^\n]*$", re.MULTILINE)
_FENCE = re.compile(r"\A\s*(?:```|~~~)[\w+#.-]*[ \t]*(?:\n|\Z)")
_TALK = re.compile(
    r"\s*(?:Here(?:['’]s| is| are) |(?:Sure|Certainly|Of course|Okay|Sorry|Unfortunately)(?:[,!.:](?=\s|\Z)| [a-z]|\Z)|Below is "
    r"|You (?:can|could|should) |To complete |I(?:['’](?:m|ll|ve|d) | (?:am|can|can't|cannot|could|do|don't|have|will|would) )"
    r"|(?:The|This) (?:\w+ ){0,2}(?:code|completion|function|line|answer|block)\b)[^\n]*(?:[:.!]|\Z)[ \t]*(?:\n|\Z)"
)
_FENCED = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
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
_ESCAPE = re.compile(  # of a terminal: ECMA-48's control sequences and strings
    r"(?:\x1b\[|\x9b)[0-9;?]{0,64}[ -/]{0,16}(?:[@-~]|\Z)?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,256}(?:\x07|\x1b\\|\x9c|\Z)|\x1b"
)
_GARBLED = re.compile(f"[{REVERSING}\ufffd]")

Rule = Callable[[Place, str], str]


def ends_at_tokens(place: Place, text: str) -> str:
    """Control tokens of a template end the text, where the document doesn't write them itself; leading ones are skipped."""
    while found := next((m for m in _TOKEN.finditer(text) if m.group() not in place.near), None):
        if text[: found.start()].strip():
            return text[: found.start()]
        text = text[found.end() :]
    return text


def ends_at_headers(place: Place, text: str) -> str:
    """``+++++ path`` starts another file in a prompt of several: it ends the text, and its echo at the start is skipped."""
    found = _HEADER.search(text)
    if found is None or (place.before and not found.start()):
        return text
    before = text[: found.start()]
    return before if before.strip() else text[found.end() :].removeprefix("\n")


def without_invisibles(place: Place, text: str) -> str:
    """No escape sequences and no hidden characters, but what the document has itself and emoji are joined by.

    What reverses a line is left to :func:`before_garbled`, which leaves out the line.
    """
    if "\x1b" not in place.near:
        text = _ESCAPE.sub("", text)
    return without_hidden(text, place.near + REVERSING)


def before_garbled(place: Place, text: str) -> str:
    """Only the lines before one that turns the direction of reading (CVE-2021-42574), or has lost a character.

    What was meant can't be told there; a document that has such characters itself may get more of them.
    """
    found = next((one.start() for one in _GARBLED.finditer(text) if one.group() not in place.near), None)
    return text if found is None else text[: text.rfind("\n", 0, found) + 1]


def without_talk(place: Place, text: str) -> str:
    """No sentence about the code before it, where there is code all round: what it announces is in a fence."""
    talk = _TALK.match(text)
    if talk is None or not place.coded:
        return text
    fence = _FENCED.search(text)
    if place.prose:
        return text[fence.start() :] if fence and not text[talk.end() : fence.start()].strip() else text
    return text[fence.start() :] if fence else ""


def announces(place: Place, text: str) -> bool:
    """Whether all of it, so far, is a sentence that may announce a fence, in a place where it may also be the answer."""
    talk = _TALK.match(text) if place.prose else None
    return talk is not None and not text[talk.end() :].strip("`~ \t\n")


def without_fence(place: Place, text: str) -> str:
    """The code in a Markdown fence, where the document has no fences of its own; a fence that only ends is the end."""
    if not _FENCED.search(text) or _FENCED.search(place.near):
        return text
    opening = _FENCE.match(text)
    body = text[opening.end() :] if opening else text
    closing = _FENCED.search(body)
    if closing is None:
        return body
    return body[: closing.start()].removesuffix("\n") if opening or body[: closing.start()].strip() else body


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


def without_first_break(place: Place, text: str) -> str:
    """No line break first where the cursor is on an empty line, or behind a blank, or where code goes on behind it."""
    body = _without_blank_lines(text)
    bare = body.lstrip(" \t")
    if len(body) == len(text) or not bare:
        return text
    if place.fresh:
        return body
    if place.before[-1:] in (" ", "\t") or place.before.rstrip().endswith(("=", ".")):
        return bare
    return text.lstrip(" \t") if not place.behind or place.behind[0] in ")]}" or place.opened else bare


def without_first_blank(place: Place, text: str) -> str:
    """One blank less where the cursor is behind one already, but in the indentation."""
    if not place.fresh and place.before[-1:] in (" ", "\t") and text[:1] == " ":
        return text[1:]
    return text


BEGINNINGS: tuple[Rule, ...] = (
    ends_at_tokens,
    ends_at_headers,
    without_invisibles,
    without_talk,
    without_fence,
    without_schema,
    without_echo,
    without_first_break,
    without_first_blank,
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
    marked = any(mark.search(text) for mark in (_TOKEN, _HEADER, _FENCED))
    return marked and begun(place, text + "\nx") == begun(place, text)
