"""One document, ready to be searched for names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from fim_lsp.context.chunks import Chunk, names, pieces
from fim_lsp.prompt.prompt import has_heading
from fim_lsp.redaction.detect import find_secrets
from fim_lsp.redaction.private_keys import may_contain_key
from fim_lsp.text.positions import with_line_feeds

LineSource = Callable[[], Sequence[str]]

LINES = 1000  # of one document, round its last edit
_CHARACTERS = 60_000  # of one document, on whole lines; of one with longer lines fewer are looked at
_LONG = 300  # characters of a line; a piece with a longer one is data, or made by a program
_SETTING = 4  # lines on either side that may tell a secret: the name stands above, the value below
_CHANGES = 200  # that are followed until a document is read again
_LEAST = 4  # pieces read by one call, so that two that are read again are no step back


@dataclass(frozen=True, slots=True)
class _Piece:
    """So many lines; ``chunk`` is None if they are never to be shown elsewhere."""

    lines: int
    chunk: Chunk | None


@dataclass(slots=True)
class IndexedDocument:
    """``path`` is the document's name in a prompt; ``edit`` is the number of the last edit among all documents' and
    ``line`` its line.

    ``chunks`` are the document's pieces, ``places`` the numbers of the pieces in which a name stands,
    ``edits`` how many there were since it was read, ``said`` how many names all pieces have together;
    ``_lines`` are those that were read,
    ``_below`` counts all from the first of them to the document's end.
    """

    path: str
    lines: LineSource
    edit: int = 0
    line: int = 0
    stale: bool = True
    edits: int = 1_000_000
    chunks: tuple[Chunk, ...] = ()
    places: Mapping[str, Sequence[int]] = field(default_factory=dict)
    said: int = 0
    _lines: Sequence[str] = ()
    _below: int = 0
    _pieces: list[_Piece] = field(default_factory=list)
    _spans: Sequence[tuple[int, int]] = ()
    _changes: list[tuple[int, int, int]] = field(default_factory=list)

    def edited(self, number: int, line: int, old: int = 1, new: int = 1) -> None:
        """The document changed at a line: from there ``new`` lines stand where ``old`` ones stood."""
        self.edit, self.line, self.stale = number, line, True
        self.edits += 1
        self._changes.append((line, old, new))
        if len(self._changes) > _CHANGES:
            self._changes[:] = [(0, 1 << 60, 1 << 60)]  # too many to follow: no piece is known to be as it was

    def lines_of(self, number: int) -> tuple[int, int] | None:
        """The first line of a piece, and the line after its last, in the document as it is now; None if it was changed
        since it was read."""
        first, last = self._spans[number]
        for line, old, new in self._changes:
            if line < last and line + old > first:
                return None
            moved = new - old if line < first else 0
            first, last = first + moved, last + moved
        return first, last

    def refresh(self, most: int) -> int:
        """Read what has changed since the last time, some ``most`` characters of it. Returns how many were read.

        What is left is read the next time; until then the document is ``stale`` and its end may be missing.
        """
        if not self.stale:
            return 0
        self.edits = 0
        document = self.lines()
        lines, below = _window(document, self.line)
        same = _common(self._lines, lines)
        front = self._unchanged(same)
        begin = sum(piece.lines for piece in front)
        behind, rest = self._behind(lines, begin, below - self._below) if same < len(self._lines) else ({}, [])
        bounds: list[tuple[int, int]] = []
        used = again = 0
        reused: Sequence[_Piece] = ()
        for first, last in pieces(lines[begin:]):
            known = begin + first in behind
            if known and again:  # the first one's setting has changed, so that one is read again
                reused = rest[behind[begin + first] :]
                break
            if used >= most and len(bounds) >= _LEAST:
                break
            again += known
            bounds.append((begin + first, begin + last))
            used += sum(len(line) for line in lines[begin + first : begin + last] if len(line) <= _LONG)
        self._pieces = [*front, *_read(self.path, lines, bounds), *reused]
        covered = sum(piece.lines for piece in self._pieces)
        self._lines, self._below = lines[:covered], below
        self.chunks = tuple(piece.chunk for piece in self._pieces if piece.chunk is not None)
        starts = accumulate((piece.lines for piece in self._pieces), initial=len(document) - below)
        spans = ((at, at + piece.lines, piece.chunk) for at, piece in zip(starts, self._pieces, strict=False))
        self._spans = tuple((first, last) for first, last, chunk in spans if chunk is not None)
        self._changes.clear()
        self.places, self.stale = _places(self.chunks), covered < len(lines)
        self.said = sum(len(chunk.names) for chunk in self.chunks)
        return used

    def _unchanged(self, same: int) -> list[_Piece]:
        """The pieces in the first ``same`` lines, but the last of them, whose end or setting has changed."""
        end, count = 0, 0
        for piece in self._pieces:
            end += piece.lines
            if end >= same:
                break
            count += 1
        return self._pieces[: max(0, count - 1)]

    def _behind(self, lines: Sequence[str], begin: int, more: int) -> tuple[dict[int, int], list[_Piece]]:
        """The pieces that may stand behind the last change, which made the document ``more`` lines longer.

        With them, their numbers by the lines where those begin now that do.
        """
        end = max(begin, min(len(self._lines), len(lines) - more))  # what is further down was not read, or isn't now
        old, new = self._lines[begin:end], lines[begin : max(begin, end + more)]
        same = _common(old[::-1], new[::-1])
        found: dict[int, int] = {}
        rest: list[_Piece] = []
        at = 0
        for number, piece in enumerate(self._pieces):
            if at >= end - same:
                found[at + more] = number
            at += piece.lines
            if at > end:
                break
            rest.append(piece)
        return {line: number for line, number in found.items() if number < len(rest)}, rest


def _window(lines: Sequence[str], line: int) -> tuple[Sequence[str], int]:
    """The lines round the last edit, and how many there are from the first of them to the document's end.

    Where they begin changes seldom.
    """
    count = LINES
    while True:
        start = max(0, line // (count // 4) * (count // 4) - count // 2)
        window = lines[start : start + count]
        if count <= LINES // 16 or sum(min(len(line), _LONG) for line in window) <= _CHARACTERS:
            return window, len(lines) - start
        count //= 2


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many elements are the same from the beginning on."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a is not b and a != b), min(len(one), len(other)))


def _read(path: str, lines: Sequence[str], bounds: Sequence[tuple[int, int]]) -> list[_Piece]:
    """The pieces between neighbouring ``bounds``; one that holds a secret, or part of one, has no chunk."""
    if not bounds:
        return []
    start = max(0, bounds[0][0] - _SETTING)
    shown = [line if len(line) <= _LONG else "\n" for line in lines[start : bounds[-1][1] + _SETTING]]
    secrets = find_secrets("".join(shown))
    found: list[_Piece] = []
    at = sum(map(len, shown[: bounds[0][0] - start]))
    for first, last in bounds:
        text = "".join(shown[first - start : last - start])
        hidden = any(span.start < at + len(text) and span.end > at for span in secrets)
        whole = all(len(line) <= _LONG for line in lines[first:last])
        fit = whole and not hidden and not may_contain_key(text) and not has_heading(text)
        chunk = Chunk(path=path, text=with_line_feeds(text), names=names(text)) if fit else None
        found.append(_Piece(last - first, chunk))
        at += len(text)
    return found


def _places(chunks: Sequence[Chunk]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for number, chunk in enumerate(chunks):
        for name in chunk.names:
            places.setdefault(name, []).append(number)
    return places
