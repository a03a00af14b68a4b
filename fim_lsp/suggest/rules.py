"""What models put round the code they mean, and how it comes off: one small function for each habit.

They run in the order of ``BEGINNINGS`` on all that has arrived, before its end is looked for; line ends are ``\\n``.
Each only leaves out characters, but for the indentation rules, which write blanks for tabs and move whole lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from fim_lsp.suggest.place import GOES_ON, Place, defines, indentation, opens, width

_TOKEN = re.compile(
    r"\[(?:PREFIX|SUFFIX|MIDDLE)\]|</?s>|<(?:PRE|SUF|MID|EOT)>|<\|?(?:fim[_▁-]|endoftext|end_of_text|im_(?:start|end)|file_sep|"
    r"repo_name|eot_id|cursor|user_cursor|file_separator|EOF)[^<>\n]*?>|<｜[^<>\n]*?｜>|<\|[a-z_]+\|>|<(?:file_sep|reponame|filename)>"
)
_HEADER = re.compile(r"^\+{5} \S[^\n]*$", re.MULTILINE)
_FENCE = re.compile(r"\A\s*(?:```|~~~)[\w+#.-]*[ \t]*\n")
_TALK = re.compile(
    r"\s*(?:Here(?:'s| is| are)|Sure|Certainly|Of course|Okay|Below is|You (?:can|could|should)|To complete|I "
    r"|(?:The|This) (?:\w+ ){0,2}(?:code|completion|function|line|answer|block)\b)[^\n]*(?:[:.!]|\Z)[ \t]*(?:\n|\Z)"
)
_FENCED = re.compile(r"^[ \t]*(?:```|~~~)(?!.*```)", re.MULTILINE)
_SCHEMA = re.compile(
    r"^(?P<line>[ \t]*(?P<quote>[\"']?)\$schema(?P=quote)[ \t]*:[ \t]*|[ \t]*#[ \t]*yaml-language-server:[ \t]*\$schema=)"
    r"(?P<url>[^\s,]*)[^\n]*(?:\n|\Z)",
    re.MULTILINE,
)
_SCHEMA_BEFORE = re.compile(r"\$schema[\"']?[ \t]*[:=][ \t]*[\"']?[^\s\"',]*\Z|[\"']\$sch?e?m?a?\Z")
_WORD = re.compile(r"\w{2}")
_TAB = 4  # columns of a tab, where a model writes blanks and the file has tabs
_UNUSUAL = re.compile(r"[^ -~\t\n\r]")
_DANGER = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"

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
    """No control, format or bidirectional characters (CVE-2021-42574), but what the document has and emoji are joined by."""

    def kept(found: re.Match[str]) -> str:
        one, at = found.group(), found.start()
        joins = one in _JOINERS and 0 < at < len(text) - 1 and not (text[at - 1] + text[at + 1]).isascii()
        return one if joins or unicodedata.category(one) not in _DANGER or one in place.near else ""

    return _UNUSUAL.sub(kept, text)


def without_talk(place: Place, text: str) -> str:
    """No sentence about the code before it, where there is code all round: what it announces is in a fence."""
    if not place.coded or len(place.inside) == 3 or not _TALK.match(text):
        return text
    fence = _FENCED.search(text)
    return text[fence.start() :] if fence else ""


def without_fence(place: Place, text: str) -> str:
    """The code in a Markdown fence, where the document has no fences of its own; a fence that only ends is the end."""
    if _FENCED.search(place.near):
        return text
    opening = _FENCE.match(text)
    body = text[opening.end() :] if opening else text
    closing = _FENCED.search(body)
    if closing is None:
        return body
    return body[: closing.start()].removesuffix("\n") if opening or body[: closing.start()].strip() else body


def without_schema(place: Place, text: str) -> str:
    """No address of a JSON schema that the document hasn't: editors fetch it, and it could tell what was written."""
    if _SCHEMA_BEFORE.search(place.before):
        url = re.match(r"[^\s,]*", text)
        return text if url and url.group().strip("\"'") in place.near else ""
    return _SCHEMA.sub(lambda found: found.group() if found["url"].strip("\"'") in place.near else "", text)


def without_echo(place: Place, text: str) -> str:
    """Not what stands before the cursor: the line so far, the line above it, or both."""
    line, above = place.before.strip(), place.above[-1].strip() if place.above else ""
    first, line_end, rest = text.lstrip("\n").partition("\n")
    if first.strip() == above and _WORD.search(above):
        if line_end and (place.fresh or rest.lstrip().startswith(line)):
            return without_echo_of_line(line, rest)
        if place.fresh or (line_end and line.startswith(rest.strip())):
            return ""  # that is all so far
    return without_echo_of_line(line, text)


def without_echo_of_line(line: str, text: str) -> str:
    """Not the cursor's line so far, if that says enough to be told from chance."""
    body = text.lstrip()
    if len(line) < 4 or not _WORD.search(line) or not body.startswith(line):
        return text
    return body[len(line) :]


def without_first_break(place: Place, text: str) -> str:
    """No line break first where the cursor is on an empty line, or behind a blank, or where code goes on behind it."""
    lead = re.match(r"(?:[ \t]*\n)*", text)
    body = text[lead.end() :] if lead else text
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


def with_own_indentation(place: Place, text: str) -> str:
    """Lines indented with tabs or with blanks, as the file does it."""
    if place.inside or not re.search(r"^[ \t]", text, re.MULTILINE):
        return text
    first, line_end, rest = text.partition("\n")
    head = _reindented(place, first) if place.fresh else first
    return head + line_end + "\n".join(_reindented(place, line) for line in rest.split("\n"))


def _reindented(place: Place, line: str) -> str:
    blanks = indentation(line)
    if place.indent == "\t":
        columns = len(blanks.expandtabs(_TAB))
        return "\t" * (columns // _TAB) + " " * (columns % _TAB) + line[len(blanks) :] if " " * _TAB in blanks else line
    return blanks.replace("\t", place.indent) + line[len(blanks) :] if "\t" in blanks and place.spaced else line


def at_the_cursor(place: Place, text: str) -> str:
    """A block that starts at the cursor's indentation: no blanks twice, and all lines moved as the first one was."""
    if not place.fresh or place.inside:
        return text
    if not place.column:
        return text[1:] if re.match(r" [^\s*]", text) else text
    lines = text.split("\n")
    extra = len(indentation(lines[0]).expandtabs(_TAB))
    deeper = bool(place.above) and opens(place.above[-1]) and place.column <= width(place.above[-1])
    if extra and not deeper and not lines[0].lstrip().startswith("*"):
        lines[0] = lines[0].lstrip()
    else:
        extra = 0
    shift = _shift(place, lines, extra)
    if shift:
        lines[1:] = [_moved(place, line, shift) for line in lines[1:]]
    return "\n".join(lines)


def _shift(place: Place, lines: list[str], extra: int) -> int:
    """By how many columns the lines behind the first one stand wrong."""
    following = [line for line in lines[1:] if line.strip()]
    if not following or GOES_ON.match(following[0]):
        return 0
    second, step = following[0], len(place.indent.expandtabs(_TAB))
    expected = place.column + step * opens(lines[0])
    below = place.below[0] if place.below else ""
    bracketed = _brackets(lines[0]) > 0 and not lines[0].rstrip().endswith("{")
    if extra > 1 and (
        min(map(width, following)) >= place.column + extra if bracketed else width(second) >= expected + extra
    ):
        return -extra
    if second.lstrip()[0] in ")]}." or bracketed or defines(second) or extra == 1:
        return 0
    columns = width(second)
    if opens(lines[0]):
        return place.column if columns == step <= place.column >= width(below) else 0
    if columns > expected:
        ended = place.hashes or lines[0].rstrip().endswith((";", "}"))
        plain = not second.lstrip().startswith(tuple("?:&|+-*/")) and not lines[0].rstrip().endswith(tuple(",\\=+-&|("))
        return expected - columns if ended and plain else 0
    moved = columns == 0 and lines[1].strip() and width(below) >= place.column
    return place.column if moved and second.strip() != below.strip() else 0


def _brackets(line: str) -> int:
    return sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))


def _moved(place: Place, line: str, shift: int) -> str:
    blanks = indentation(line)
    columns = len(blanks.expandtabs(_TAB)) + shift
    if columns <= 0 or not line.strip():
        return line.lstrip(" \t") if line.strip() else line
    if place.indent == "\t":
        return "\t" * (columns // _TAB) + " " * (columns % _TAB) + line[len(blanks) :]
    return " " * columns + line[len(blanks) :]


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
