"""The window round the cursor that is sent, cut so that it stays the same while one types.

Servers that keep what they have read (llama.cpp's and Ollama's KV cache, Mistral's prompt cache) reuse it as far as a
prompt begins like the one before. A window that slides by a line at every new line never does. So its outer edges stay
where they are until the text has outgrown it: the start counted in lines from the document's first, the end from its
last, because typing at the cursor moves neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fim_lsp.text.cursor import Split

_SLACK = 6  # a new edge leaves this part of its side free for what will be typed
_LOSS = 3  # an old edge is kept while it gives up no more than this part
_STEPS = 8  # of a side: a cursor's line that is longer than its side is cut at round columns
_WINDOWS = 64  # documents whose edges are remembered
_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The window's first line, counted from the document's first, and the line behind its last, from the document's end.

    -1: there is none yet.
    """

    first: int = -1
    behind: int = -1


_NONE: Final = Edges()


class StickyWindows:
    """Remembers each document's edges."""

    def __init__(self) -> None:
        self._edges: dict[str, Edges] = {}

    def cut(self, uri: str, split: Split, before: int, after: int) -> tuple[str, str]:
        """See :func:`cut`."""
        prefix, suffix, edges = cut(split, before, after, self._edges.pop(uri, _NONE))
        self._edges[uri] = edges
        if len(self._edges) > _WINDOWS:
            del self._edges[next(iter(self._edges))]
        return prefix, suffix


def cut(split: Split, before: int, after: int, last: Edges = _NONE) -> tuple[str, str, Edges]:
    """At most ``before`` characters in front of the cursor and ``after`` behind it, between the ``last`` edges if they fit.

    The outer edges are edges of lines, unless the cursor's own line is longer than its side: then that is cut.
    """
    prefix, first = _before(split, before, last.first)
    suffix, behind = _after(split, after, last.behind)
    return prefix, suffix, Edges(first=first, behind=behind)


def _before(split: Split, room: int, last: int) -> tuple[str, int]:
    prefix = split.prefix
    if len(prefix) <= room and split.at_start:
        return prefix, 0
    begin = max(len(prefix) - max(room, 0), 0)
    starts = [end for match in _LINE_END.finditer(prefix, max(begin - 1, 0)) if (end := match.end()) >= begin]
    if begin == 0 and len(split.line_prefix) < len(prefix):
        starts.insert(0, 0)
    if not starts:  # the cursor's own line is longer
        column = split.column - len(prefix) + begin
        return prefix[min(begin + -column % _step(len(prefix) - begin), len(prefix)) :], -1
    number = split.line - len(starts) + 1
    index = last - number
    if last < 0 or not 0 <= index <= len(starts) // _LOSS:
        index = len(starts) // _SLACK
    return prefix[starts[index] :], number + index


def _after(split: Split, room: int, last: int) -> tuple[str, int]:
    suffix = split.suffix
    if len(suffix) <= room and split.at_end:
        return suffix, 0
    ends = [end for match in _LINE_END.finditer(suffix, 0, room + 1) if (end := match.end()) <= room]
    if not ends:
        return split.line_suffix[: max(room, 0)], -1
    left = split.lines - split.line - len(ends)
    dropped = last - left
    if last < 0 or not 0 <= dropped <= len(ends) // _LOSS:
        dropped = len(ends) // _SLACK
    return suffix[: ends[len(ends) - 1 - dropped]], left + dropped


def _step(count: int) -> int:
    """The power of two that is closest below an eighth of ``count``."""
    return 1 << max((count // _STEPS).bit_length() - 1, 0)
