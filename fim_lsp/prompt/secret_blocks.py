"""Private-key blocks (RFC 7468 PEM, RFC 4880 armor, OpenSSH, PuTTY): the lines between BEGIN and END.

A window may show only one end of a block, or its middle. So lines count by what they are, a run of base64 as long as a
line of a key, and by what they touch: a marker, or another such line. A marker alone, as in a parser's source, is none.
A last line of up to five characters stays: its placeholder could be anything in a reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fim_lsp.prompt.shapes import Span

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
    r"[^A-Za-z0-9]{0,40}[A-Za-z0-9+/]{0,5}=*(?:\\[nrt]|[^A-Za-z0-9\\]|\\){0,80}"
)  # a last short line
_LINE, _PIECE = 40, 16  # a key's lines have 64, 70 or 76 characters; an Ed25519 key's only one has 40 or more
_KIND = "private key block"


def blocks(text: str) -> Iterator[Span]:
    """The base64 lines of every private-key block in ``text``, one span a line."""
    position = 0
    if "PRIVATE KEY" in text or "Private-Lines" in text:
        for marker in _MARKER.finditer(text):
            if marker[1] == "END":
                yield from reversed(list(_before(text, position, marker.start())))
            else:
                yield from _after(text, marker.end())
            position = marker.end()
    if not position and len(text) > _LINE and _RUN.match(text.lstrip()[:_LINE]):
        yield from _middle(text)


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


def _middle(text: str) -> Iterator[Span]:
    """The lines of a text that is nothing but a block's middle, three lines or more."""
    lines = text.split("\n")
    inner = [line.strip() for line in lines[1:-1]] or [""]
    if len(lines) < 4 or len(set(map(len, inner))) > 1 or len(inner[0]) < _LINE:
        return
    spans = [Span(start=run.start(), end=run.end(), kind=_KIND) for run in _RUN.finditer(text)]
    if sum(span.end - span.start for span in spans) > 0.95 * len(text) - len(lines):
        yield from spans


def _long(run: str, *, at_edge: bool) -> bool:
    return len(run) >= _LINE or (at_edge and len(run) >= _PIECE)
