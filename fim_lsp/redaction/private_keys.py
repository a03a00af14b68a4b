"""Private-key blocks (RFC 7468 PEM, RFC 4880 armor, OpenSSH, PuTTY): the lines between BEGIN and END.

A window may show only one end of a block, or its middle. So lines count by what they are, a run of base64 as long as a
line of a key, and by what they touch: a marker, or another such line. A marker alone, as in a parser's source, is none.
A last line of up to five characters stays: its placeholder could be anything in a reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fim_lsp.redaction.token_patterns import Span

_MARKER = re.compile(
    r"-{4,5} ?(BEGIN|END) ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?) ?-{4,5}|^(Private)-Lines: ?\d{1,4}$", re.MULTILINE
)
_RUN = re.compile(r"(?<!\\)[A-Za-z0-9+/]{6,}={0,2}")  # not the n of an escaped \n
_HEADERS = re.compile(
    r"(?:(?:\\[nr]|[\s\"'+#*/;,\\])*(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID|Subject|x-[\w-]{1,20}): ?"
    r"[^\n\\]{0,200}){0,6}"
)
_GAP = re.compile(r"(?:\\[nrt]|[^A-Za-z0-9\\]|\\){0,80}")
_LAST_GAP = re.compile(
    r"[^A-Za-z0-9]{0,40}+(?:[A-Za-z0-9][A-Za-z0-9+/]{0,4}+)?(?:\\[nrt]|[^A-Za-z0-9\\]|\\){0,80}+"
)  # a last short line
_DRESS = r"""(?:[ \t\r"'`#*;,(\\]|\+(?=[ \t"'])){0,60}"""
_UNDRESS = r"""(?:\\[nr]){0,2}[ \t\r"'`+;,)\\]{0,60}"""
_DRESSED = re.compile(_DRESS + r"([A-Za-z0-9+/]{40,1000}={0,2})" + _UNDRESS)  # as in a string, or a block of YAML
_PART = re.compile(_DRESS + r"([A-Za-z0-9+/]{6,1000}={0,2})" + _UNDRESS)
_MIXED = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=\D*\d)")
_OTHERS = re.compile(r"-----(?:BEGIN|END) (?![^\n]{0,60}PRIVATE)")  # a certificate, a public key
_LINE, _PIECE = 40, 16  # a key's lines have 64, 70 or 76 characters; an Ed25519 key's only one has 40 or more
_KIND = "private key block"


def blocks(text: str) -> Iterator[Span]:
    """The base64 lines of every private-key block in ``text``, one span a line."""
    if "PRIVATE KEY" in text or "Private-Lines" in text:
        position = 0
        for marker in _MARKER.finditer(text):
            if marker[1] == "END":
                yield from reversed(list(_before(text, position, marker.start())))
            else:
                yield from _after(text, marker.end())
            position = marker.end()
    yield from _cut(text)


def may_hold_key(text: str) -> bool:
    """Whether lines of a text may be a private key's, seen by themselves. Certificates and other data look the same."""
    return "PRIVATE KEY" in text or "Private-Lines" in text or any(map(_DRESSED.fullmatch, text.splitlines()))


def _after(text: str, start: int) -> Iterator[Span]:
    """The lines behind a BEGIN, as far as one touches the next."""
    headers = _HEADERS.match(text, start)
    at = headers.end() if headers else start
    first = True
    while True:
        gap = _GAP.match(text, at)
        run = _RUN.match(text, gap.end()) if gap else None
        if run is None or (first and not _long(run[0], at_edge=run.end() == len(text))):
            return
        yield Span(start=run.start(), end=run.end(), kind=_KIND)
        at, first = run.end(), False


def _before(text: str, start: int, end: int) -> Iterator[Span]:
    """The lines before an END, from the last one up, as far as one touches the next."""
    runs: Sequence[re.Match[str]] = list(_RUN.finditer(text, start, end))
    at, long = end, False
    spans: list[Span] = []
    for run in reversed(runs):
        gap = text[run.end() : at]
        if not (_GAP if spans else _LAST_GAP).fullmatch(gap):
            break
        long = long or _long(run[0], at_edge=run.start() == 0)
        spans.append(Span(start=run.start(), end=run.end(), kind=_KIND))
        at = run.start()
    if long:
        yield from spans


def _cut(text: str) -> Iterator[Span]:
    """The lines of a block that begins above a text, or ends below it, where no marker says whose they are."""
    for bounds in (_downwards(text), _upwards(text)):
        runs: list[re.Match[str]] = []
        for start, end in bounds:
            found = (_DRESSED if runs else _PART).fullmatch(text, start, end)
            if found is None:
                if _OTHERS.search(text, start, end):
                    runs = []
                break
            runs.append(found)
        inner = [len(run[1]) for run in runs[1:-1]]
        if inner and len(set(inner)) == 1 and inner[0] >= _LINE and _MIXED.match(runs[1][1]):
            yield from (Span(start=run.start(1), end=run.end(1), kind=_KIND) for run in runs)


def _downwards(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if end > at:
            yield at, end
        at = end + 1


def _upwards(text: str) -> Iterator[tuple[int, int]]:
    end = len(text)
    while end > 0:
        start = text.rfind("\n", 0, end) + 1
        if end > start:
            yield start, end
        end = start - 1


def _long(run: str, *, at_edge: bool) -> bool:
    return len(run) >= _LINE or (at_edge and len(run) >= _PIECE)
