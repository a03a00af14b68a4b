"""Private-key blocks (RFC 7468 PEM, RFC 4880 armor, OpenSSH, PuTTY): the lines between BEGIN and END.

A window may contain only one end of a block, or its middle. So a line counts if it has the right form, base64 of the
length of a key's line, and adjoins a marker or another such line. A marker alone, as in a parser's source, is no block.
A last line of up to five characters is not masked: in a reply, its placeholder could be anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fim_lsp.redaction.token_patterns import Span

_MARKER = re.compile(
    r"-{4,5} ?(BEGIN|END) ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?) ?-{4,5}|^(Private)-Lines: ?\d{1,4}$", re.MULTILINE
)
_BASE64 = re.compile(r"(?<!\\)[A-Za-z0-9+/]{6,}={0,2}")  # not the n of an escaped \n
_HEADERS = re.compile(
    r"(?:(?:\\[nr]|[\s\"'+#*/;,\\])*(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID|Subject|x-[\w-]{1,20}): ?"
    r"[^\n\\]{0,200}){0,6}"
)
_GAP = re.compile(r"(?:\\[nrt]|[^A-Za-z0-9\\]|\\){0,80}")
_LAST_GAP = re.compile(
    r"[^A-Za-z0-9]{0,40}+(?:[A-Za-z0-9][A-Za-z0-9+/]{0,4}+)?(?:\\[nrt]|[^A-Za-z0-9\\]|\\){0,80}+"
)  # may contain a last short line
_LINE_HEAD = r"""(?:[ \t\r"'`#*;,(\\]|\+(?=[ \t"'])){0,60}"""
_LINE_TAIL = r"""(?:\\[nr]){0,2}[ \t\r"'`+;,)\\]{0,60}"""
_KEY_LINE = re.compile(_LINE_HEAD + r"([A-Za-z0-9+/]{40,1000}={0,2})" + _LINE_TAIL)  # as in a string, or a YAML block
_PARTIAL_KEY_LINE = re.compile(_LINE_HEAD + r"([A-Za-z0-9+/]{6,1000}={0,2})" + _LINE_TAIL)
_MIXED_CHARACTERS = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=\D*\d)")
_PUBLIC_MARKER = re.compile(r"-----(?:BEGIN|END) (?![^\n]{0,60}PRIVATE)")  # a certificate, a public key
_MIN_LINE = 40  # a key's lines have 64, 70 or 76 characters; an Ed25519 key's only one has 40 or more
_MIN_CUT_LINE = 16  # of one that is cut by the window's edge
_KIND = "private key block"


def private_key_lines(text: str) -> Iterator[Span]:
    """The base64 lines of every private-key block in ``text``, one span a line."""
    if has_marker(text):
        position = 0
        for marker in _MARKER.finditer(text):
            if marker[1] == "END":
                yield from reversed(list(_lines_before_end(text, position, marker.start())))
            else:
                yield from _lines_after_begin(text, marker.end())
            position = marker.end()
    yield from _lines_without_marker(text)


def may_contain_key(text: str) -> bool:
    """Whether single lines of ``text`` may belong to a private key. Certificates and other data look the same."""
    return has_marker(text) or any(map(_KEY_LINE.fullmatch, text.splitlines()))


def has_marker(text: str) -> bool:
    """Whether ``text`` mentions the beginning or end of a private key."""
    return "PRIVATE KEY" in text or "Private-Lines" in text


def _lines_after_begin(text: str, start: int) -> Iterator[Span]:
    """Adjoining lines of base64 after a BEGIN."""
    headers = _HEADERS.match(text, start)
    position = headers.end() if headers else start
    first = True
    while True:
        gap = _GAP.match(text, position)
        line = _BASE64.match(text, gap.end()) if gap else None
        if line is None or (first and not _is_long(line[0], at_edge=line.end() == len(text))):
            return
        yield Span(start=line.start(), end=line.end(), kind=_KIND)
        position, first = line.end(), False


def _lines_before_end(text: str, start: int, end: int) -> Iterator[Span]:
    """Adjoining lines of base64 before an END, the last one first."""
    found_long = False
    spans: list[Span] = []
    for line in reversed(list(_BASE64.finditer(text, start, end))):
        gap = text[line.end() : end]
        if not (_GAP if spans else _LAST_GAP).fullmatch(gap):
            break
        found_long = found_long or _is_long(line[0], at_edge=line.start() == 0)
        spans.append(Span(start=line.start(), end=line.end(), kind=_KIND))
        end = line.start()
    if found_long:
        yield from spans


def _lines_without_marker(text: str) -> Iterator[Span]:
    """The lines at a text's start or end that belong to a block whose marker is outside the text.

    The first and last of them may be cut or short; those between must have the same length.
    """
    for bounds in (_lines_from_start(text), _lines_from_end(text)):
        lines: list[re.Match[str]] = []
        for start, end in bounds:
            line = (_KEY_LINE if lines else _PARTIAL_KEY_LINE).fullmatch(text, start, end)
            if line is None:
                if _PUBLIC_MARKER.search(text, start, end):
                    lines = []
                break
            lines.append(line)
        lengths = [len(line[1]) for line in lines[1:-1]]
        if lengths and len(set(lengths)) == 1 and lengths[0] >= _MIN_LINE and _MIXED_CHARACTERS.match(lines[1][1]):
            yield from (Span(start=line.start(1), end=line.end(1), kind=_KIND) for line in lines)


def _lines_from_start(text: str) -> Iterator[tuple[int, int]]:
    """The bounds of lines that aren't empty."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if end > start:
            yield start, end
        start = end + 1


def _lines_from_end(text: str) -> Iterator[tuple[int, int]]:
    """The same, the last line first."""
    end = len(text)
    while end > 0:
        start = text.rfind("\n", 0, end) + 1
        if end > start:
            yield start, end
        end = start - 1


def _is_long(line: str, *, at_edge: bool) -> bool:
    return len(line) >= (_MIN_CUT_LINE if at_edge else _MIN_LINE)
