"""Reading open documents in slices on the event loop, so that neither opening, changing nor closing a large one blocks it.

What is read is always the beginning of the live document: ``document.lines == lines()[:len(document.lines)]``. An edit
below it is read later, one across its end moves the end up. The loop's thread alone changes documents, hence no thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fim_lsp.ngram.model import LONGEST_LINE, NgramModel

AT_ONCE_LINES = 600
"""Lines that are read when a document is opened, and touched by one change at most: about 20 ms."""

AT_ONCE_CHARACTERS = 16_000
"""The same in characters, of which four make a token of 4 µs."""

SLICE_LINES = 50
SLICE_CHARACTERS = 1_100
"""Lines and characters of one slice: 1 to 2 ms. A slice is one line at least."""

SLICE_TOKENS = 250
"""Tokens forgotten in one slice: about 1 ms."""

MAX_LINES = 50_000
"""Lines of a document that are read; what stands below is not known."""

LineSource = Callable[[], Sequence[str]]
"""The document's lines with their ends as they are at the moment of the call; the sequence may be another each time."""


@dataclass(slots=True, kw_only=True)
class _Source:
    """Where an open document is read. ``complete``: the model has all of it; else what is below is read when there is time."""

    model: NgramModel
    lines: LineSource
    folder: str
    complete: bool = False


class DocumentLoader:
    """All open documents and where they come from. Without a running event loop everything is done at once.

    The caller of all methods but ``stop`` holds the lock.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._sources: dict[str, _Source] = {}
        self._retired: list[NgramModel] = []
        self._scheduled: tuple[asyncio.AbstractEventLoop, asyncio.Handle] | None = None

    @property
    def busy(self) -> bool:
        """Whether there is anything to read or to forget yet."""
        return bool(self._retired) or self._pending() is not None

    def open(self, model: NgramModel, uri: str, lines: LineSource, folder: str) -> None:
        """Read a document's beginning, and the rest in slices."""
        self.forget(uri)
        source = self._sources[uri] = _Source(model=model, lines=lines, folder=folder)
        model.open(uri, (), folder=folder)
        _read(uri, source, AT_ONCE_LINES, AT_ONCE_CHARACTERS)
        self.resume()

    def change(self, uri: str, first: int, old_lines: int, new_lines: Sequence[str]) -> None:
        """Follow a change that the live document has already; a large one comes to opening the document again."""
        source = self._sources[uri]
        known = source.model.documents[uri].lines
        if first >= len(known) and not source.complete:
            return  # it is read later, or too far down to be read
        first = min(first, len(known))
        end = min(first + old_lines, len(known))
        across = not source.complete and first + old_lines > len(known)
        if _large(end - first, new_lines):
            first, end, new_lines = _difference(known, first, end, new_lines, across=across)
        if across:
            new_lines = ()  # read later
        if _large(end - first, new_lines):
            self.open(source.model, uri, source.lines, source.folder)
            return
        source.model.change(uri, first, end - first, new_lines)
        if len(known) > MAX_LINES:
            source.model.change(uri, MAX_LINES, len(known) - MAX_LINES, ())
            source.complete = False
        self.resume()

    def forget(self, uri: str) -> None:
        """A document counts for nothing from now on."""
        source = self._sources.pop(uri, None)
        if source is None:
            return
        if len(source.model.documents[uri].lines) > AT_ONCE_LINES and _running_loop() is not None:
            source.model.mark_deleted(uri)
            self._retired.append(source.model)
            self.resume()
        else:
            source.model.close(uri)
        if not self.busy:
            self._cancel()

    def stop(self) -> None:
        """Read and forget nothing more."""
        self._cancel()
        self._sources.clear()
        self._retired.clear()

    def _pending(self) -> str | None:
        for uri, source in self._sources.items():
            if not source.complete and len(source.model.documents[uri].lines) < MAX_LINES:
                return uri
        return None

    def resume(self) -> None:
        """See to it that what is left is done: in later turns of the event loop, or now if there is none."""
        loop = _running_loop()
        if loop is None:
            while self._slice():
                pass
        elif self.busy and (self._scheduled is None or self._scheduled[0] is not loop):
            self._scheduled = loop, loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = None
        with self._lock:
            self._slice()
            self.resume()

    def _slice(self) -> bool:
        """Do one slice of what is left; whether there was any. Reading comes before forgetting."""
        uri = self._pending()
        if uri is not None:
            _read(uri, self._sources[uri], SLICE_LINES, SLICE_CHARACTERS)
            return True
        if self._retired and self._retired[0].collect(SLICE_TOKENS):
            self._retired.pop(0)
            return True
        return bool(self._retired)

    def _cancel(self) -> None:
        if self._scheduled is not None:
            self._scheduled[1].cancel()
        self._scheduled = None


def _read(uri: str, source: _Source, most_lines: int, most_characters: int) -> None:
    """Read further lines of a document, one at least if there is one."""
    known = len(source.model.documents[uri].lines)
    lines = source.lines()
    part: list[str] = []
    for line in lines[known : min(known + most_lines, MAX_LINES)]:
        most_characters -= min(len(line), LONGEST_LINE)
        if part and most_characters < 0:
            break
        part.append(line)
    source.model.append(uri, part)
    source.complete = known + len(part) >= len(lines)


def _large(old_lines: int, new_lines: Sequence[str]) -> bool:
    if old_lines + len(new_lines) > AT_ONCE_LINES:
        return True
    return sum(min(len(line), LONGEST_LINE) for line in new_lines) > AT_ONCE_CHARACTERS


def _difference(
    known: Sequence[str], first: int, end: int, new: Sequence[str], *, across: bool
) -> tuple[int, int, Sequence[str]]:
    """A change without the lines that stay as they are, as most do when an editor sends the whole text or formats it."""
    least = min(end - first, len(new))
    head = next((index for index in range(least) if known[first + index] != new[index]), least)
    tail = 0
    if not across:
        while tail < least - head and known[end - 1 - tail] == new[len(new) - 1 - tail]:
            tail += 1
    return first + head, end - tail, new[head : len(new) - tail]


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
