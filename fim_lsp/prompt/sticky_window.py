"""The window around the cursor that is sent, cut so that its edges don't move while the user types.

Servers that cache what they have read (llama.cpp's and Ollama's KV cache, Mistral's prompt cache) reuse the beginning
that a prompt has in common with the previous one. A window that slides by a line at every new line has no common
beginning. So its outer edges remain where they are until the text has outgrown it: the start is counted in lines from the
document's first line, the end from its last, because typing at the cursor moves neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fim_lsp.text.cursor import Split
from fim_lsp.text.positions import LINE_END

_MARGIN = 6  # a new edge leaves one sixth of its side free for what will be typed
_MAX_LOSS = 3  # an old edge is kept as long as that wastes no more than a third of its side
_STEPS = 8  # of a side: a cursor's line that is longer than its side is cut at multiples of a step
_MAX_WINDOWS = 64  # documents whose edges are remembered
_NO_EDGE: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """``first_line`` of a window, and the number of ``lines_below`` it; -1 where an edge is not between lines."""

    first_line: int = _NO_EDGE
    lines_below: int = _NO_EDGE


_NO_EDGES: Final = Edges()


class StickyWindows:
    """Remembers the edges of each document's window."""

    def __init__(self) -> None:
        self._edges: dict[str, Edges] = {}

    def cut(self, uri: str, split: Split, before: int, after: int) -> tuple[str, str]:
        """The prefix and suffix to send, up to ``before`` and ``after`` characters long."""
        prefix, suffix, edges = cut(split, before, after, self._edges.pop(uri, _NO_EDGES))
        self._edges[uri] = edges
        if len(self._edges) > _MAX_WINDOWS:
            del self._edges[next(iter(self._edges))]
        return prefix, suffix


def cut(split: Split, before: int, after: int, last: Edges = _NO_EDGES) -> tuple[str, str, Edges]:
    """Up to ``before`` characters before the cursor and ``after`` after it, at the ``last`` edges if those still fit.

    The window consists of whole lines, unless the cursor's own line is longer than its side.
    """
    prefix, first_line = _cut_prefix(split, max(before, 0), last.first_line)
    suffix, lines_below = _cut_suffix(split, max(after, 0), last.lines_below)
    return prefix, suffix, Edges(first_line=first_line, lines_below=lines_below)


def _cut_prefix(split: Split, size: int, last_first_line: int) -> tuple[str, int]:
    prefix = split.prefix
    if len(prefix) <= size and split.at_start:
        return prefix, 0
    begin = max(len(prefix) - size, 0)
    starts = [end for match in LINE_END.finditer(prefix, max(begin - 1, 0)) if (end := match.end()) >= begin]
    if begin == 0 and len(split.line_prefix) < len(prefix):
        starts.insert(0, 0)
    if not starts:  # the cursor's own line is longer
        column = split.column - len(prefix) + begin
        return prefix[min(begin + -column % _column_step(len(prefix) - begin), len(prefix)) :], _NO_EDGE
    first_line = split.line - len(starts) + 1
    dropped = _dropped_lines(last_first_line, first_line, len(starts))
    return prefix[starts[dropped] :], first_line + dropped


def _cut_suffix(split: Split, size: int, last_lines_below: int) -> tuple[str, int]:
    suffix = split.suffix
    if len(suffix) <= size and split.at_end:
        return suffix, 0
    ends = [end for match in LINE_END.finditer(suffix, 0, size + 1) if (end := match.end()) <= size]
    if not ends:
        return split.line_suffix[:size], _NO_EDGE
    lines_below = split.lines - split.line - len(ends)
    dropped = _dropped_lines(last_lines_below, lines_below, len(ends))
    return suffix[: ends[len(ends) - 1 - dropped]], lines_below + dropped


def _dropped_lines(last_edge: int, widest_edge: int, lines: int) -> int:
    """How many of the ``lines`` that would fit to leave out: those outside the last edge, if that is still acceptable."""
    outside = last_edge - widest_edge
    return outside if last_edge != _NO_EDGE and 0 <= outside <= lines // _MAX_LOSS else lines // _MARGIN


def _column_step(characters: int) -> int:
    """The largest power of two that is no more than an eighth of ``characters``."""
    return 1 << max((characters // _STEPS).bit_length() - 1, 0)
