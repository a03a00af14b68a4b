"""An index of the names in one document's chunks, which is updated by reading only what has changed."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, takewhile

from fim_lsp.context.chunks import Chunk, chunk_bounds, names_in
from fim_lsp.prompt.prompt import has_heading
from fim_lsp.text.document import common_prefix_length
from fim_lsp.text.positions import with_line_feeds

LineSource = Callable[[], Sequence[str]]
"""Returns a document's current lines."""

WINDOW_LINES = 1000
"""The number of lines around a document's last edit that are read."""

_MAX_CHARACTERS = 60_000  # of one document, in whole lines; if they are long, fewer lines are read
_MAX_LINE = 300  # characters; a chunk with a longer line is data, or was generated
_MARGIN = 4  # lines on either side that may reveal a secret: its name may be above, its value below
_MAX_CHANGES = 200  # that are tracked until the document is read again
_MIN_CHUNKS = 4  # read by one call, so that it makes progress even if two of them are read a second time

_Bounds = tuple[int, int]  # the first line, and the line after the last


@dataclass(frozen=True, slots=True)
class _Piece:
    """A number of consecutive lines; without a chunk if they must never be shown elsewhere."""

    lines: int
    chunk: Chunk | None


@dataclass(frozen=True, slots=True)
class _Recut:
    """The ``bounds`` of what must be read, and where reading reached unchanged pieces, if it did."""

    bounds: Sequence[_Bounds]
    characters: int
    met: int | None


@dataclass(slots=True)
class IndexedDocument:
    """``path`` is the document's name in prompts. ``last_edit`` is the number of its last edit, counted over all documents,
    and ``edited_line`` is where that edit was.

    ``chunks`` are those that may be shown, ``chunks_with`` their numbers by the names in them, ``name_count`` the total
    number of names in all chunks. ``stale``: not everything has been read since the last edit. ``unread_edits`` is the
    number of edits since the last ``refresh``.
    """

    path: str
    read_lines: LineSource
    last_edit: int = 0
    edited_line: int = 0
    stale: bool = True
    unread_edits: int = 1_000_000
    chunks: tuple[Chunk, ...] = ()
    chunks_with: Mapping[str, Sequence[int]] = field(default_factory=dict)
    name_count: int = 0
    _lines: Sequence[str] = ()  # that were read
    _below: int = 0  # lines from the first of them to the document's end
    _pieces: Sequence[_Piece] = ()
    _spans: Sequence[_Bounds] = ()  # of the chunks, in the document as it was read
    _changes: list[tuple[int, int, int]] = field(default_factory=list)

    def edited(self, number: int, line: int, old: int = 1, new: int = 1) -> None:
        """Edit ``number`` replaced ``old`` lines from ``line`` on by ``new`` ones."""
        self.last_edit, self.edited_line, self.stale = number, line, True
        self.unread_edits += 1
        self._changes.append((line, old, new))
        if len(self._changes) > _MAX_CHANGES:
            self._changes[:] = [(0, 1 << 60, 1 << 60)]  # too many to track: no chunk is known to be unchanged

    def current_lines(self, number: int) -> _Bounds | None:
        """Where a chunk is in the document now; None if it has changed since it was read."""
        first, last = self._spans[number]
        for line, old, new in self._changes:
            if line < last and line + old > first:
                return None
            shift = new - old if line < first else 0
            first, last = first + shift, last + shift
        return first, last

    def refresh(self, max_characters: int) -> int:
        """Read what has changed, but stop after some ``max_characters``. Returns how many characters were read.

        The document stays stale until all of it has been read; until then its end may be missing.

        Chunks before the first change remain. From there on, the text is split again, until a split coincides with the
        beginning of an old chunk after the last change: from there on, the old chunks remain. The first of these is read
        again, because the lines above it may now reveal a secret in it, or no longer do.
        """
        if not self.stale:
            return 0
        self.unread_edits = 0
        document = self.read_lines()
        lines, below = _window(document, self.edited_line)
        same = common_prefix_length(self._lines, lines)
        head = self._pieces_before(same)
        begin = sum(piece.lines for piece in head)
        tail = self._tail(lines, begin, below - self._below) if same < len(self._lines) else {}
        cut = _recut(lines, begin, tail, max_characters)
        resumed = [self._pieces[number] for line, number in tail.items() if cut.met is not None and line >= cut.met]
        self._pieces = [*head, *_read(self.path, lines, cut.bounds), *resumed]
        covered = sum(piece.lines for piece in self._pieces)
        self._lines, self._below, self.stale = lines[:covered], below, covered < len(lines)
        self._changes.clear()
        self._index(len(document) - below)
        return cut.characters

    def _index(self, first_line: int) -> None:
        """Build the index from the pieces. The first piece begins at ``first_line``."""
        starts = accumulate((piece.lines for piece in self._pieces), initial=first_line)
        shown = [(start, piece) for start, piece in zip(starts, self._pieces, strict=False) if piece.chunk is not None]
        self._spans = [(start, start + piece.lines) for start, piece in shown]
        self.chunks = tuple(piece.chunk for _, piece in shown if piece.chunk is not None)
        self.name_count = sum(len(chunk.names) for chunk in self.chunks)
        chunks_with: dict[str, list[int]] = {}
        for number, chunk in enumerate(self.chunks):
            for name in chunk.names:
                chunks_with.setdefault(name, []).append(number)
        self.chunks_with = chunks_with

    def _pieces_before(self, line: int) -> Sequence[_Piece]:
        """The pieces that end before ``line``, except for the last one, whose end depends on what follows."""
        ends = accumulate(piece.lines for piece in self._pieces)
        count = sum(1 for _ in takewhile(lambda end: end < line, ends))
        return self._pieces[: max(0, count - 1)]

    def _tail(self, lines: Sequence[str], begin: int, shift: int) -> Mapping[int, int]:
        """The numbers of the pieces after the last change, by the lines where they begin now.

        The changes, all after ``begin``, have made the document ``shift`` lines longer.
        """
        end = max(
            begin, min(len(self._lines), len(lines) - shift)
        )  # what is below was not read, or isn't in the window now
        old, new = self._lines[begin:end], lines[begin : max(begin, end + shift)]
        unchanged = end - common_prefix_length(old[::-1], new[::-1])
        starts = accumulate((piece.lines for piece in self._pieces), initial=0)
        return {
            start + shift: number
            for number, (start, piece) in enumerate(zip(starts, self._pieces, strict=False))
            if unchanged <= start and start + piece.lines <= end
        }


def _window(lines: Sequence[str], line: int) -> tuple[Sequence[str], int]:
    """The lines around ``line``, and how many there are from the first of them to the document's end.

    The window moves in steps, because all of it must be read again when it does.
    """
    count = WINDOW_LINES
    while True:
        step = count // 4
        start = max(0, line // step * step - count // 2)
        window = lines[start : start + count]
        if count <= WINDOW_LINES // 16 or sum(min(len(line), _MAX_LINE) for line in window) <= _MAX_CHARACTERS:
            return window, len(lines) - start
        count //= 2


def _recut(lines: Sequence[str], begin: int, tail: Container[int], max_characters: int) -> _Recut:
    """Split the lines from ``begin`` on, up to the second split that is in ``tail``, or up to ``max_characters``."""
    bounds: list[_Bounds] = []
    characters, in_tail = 0, False
    for first, last in chunk_bounds(lines[begin:]):
        first, last = begin + first, begin + last
        if first in tail and in_tail:
            return _Recut(bounds, characters, first)
        if characters >= max_characters and len(bounds) >= _MIN_CHUNKS:
            break
        in_tail = in_tail or first in tail
        bounds.append((first, last))
        characters += sum(len(line) for line in lines[first:last] if len(line) <= _MAX_LINE)
    return _Recut(bounds, characters, None)


def _read(path: str, lines: Sequence[str], bounds: Sequence[_Bounds]) -> list[_Piece]:
    """The pieces at consecutive ``bounds``; one that contains any part of a secret has no chunk."""
    if not bounds:
        return []
    from fim_lsp.redaction.detect import find_secrets  # not for the start
    from fim_lsp.redaction.private_keys import may_contain_key

    start = max(0, bounds[0][0] - _MARGIN)
    searched = [line if len(line) <= _MAX_LINE else "\n" for line in lines[start : bounds[-1][1] + _MARGIN]]
    secrets = find_secrets("".join(searched))
    pieces: list[_Piece] = []
    begin = sum(map(len, searched[: bounds[0][0] - start]))
    for first, last in bounds:
        text = "".join(searched[first - start : last - start])
        end = begin + len(text)
        has_secret = any(span.start < end and span.end > begin for span in secrets)
        complete = all(len(line) <= _MAX_LINE for line in lines[first:last])
        fit = complete and not has_secret and not may_contain_key(text) and not has_heading(text)
        chunk = Chunk(path=path, text=with_line_feeds(text), names=names_in(text)) if fit else None
        pieces.append(_Piece(last - first, chunk))
        begin = end
    return pieces
