"""Reads open documents in slices on the event loop, so that opening, changing or closing a large one doesn't block it.

What has been read is always the beginning of the live document: ``document.lines == lines()[:len(document.lines)]``. An
edit below it is read later; one across its end moves the end up. Only the loop's thread changes documents, so this needs
no thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fim_lsp.ngram.model import MAX_LINE_LENGTH, NgramModel

AT_ONCE_LINES = 600
"""Lines that are read at once when a document is opened or changed: about 20 ms."""

AT_ONCE_CHARACTERS = 16_000
"""The same in characters: some four make a token, which takes 4 µs."""

SLICE_LINES = 50
SLICE_CHARACTERS = 1_100
"""Lines and characters of one slice, 1 to 2 ms; it has at least one line."""

SLICE_TOKENS = 250
"""Tokens removed in one slice: about 1 ms."""

MAX_LINES = 50_000
"""Lines of a document that are read; those below them are ignored."""

LineSource = Callable[[], Sequence[str]]
"""Returns the document's current lines, including line ends; the sequence may be a different one each time."""


@dataclass(slots=True, kw_only=True)
class _Source:
    """Where an open document is read from. ``complete``: the model has all of it, and nothing is left to read."""

    model: NgramModel
    lines: LineSource
    folder: str
    complete: bool = False


class DocumentLoader:
    """Loads all open documents; without a running event loop, at once.

    Callers of all methods but ``stop`` hold the lock.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._sources: dict[str, _Source] = {}
        self._deleted: list[NgramModel] = []
        self._scheduled: tuple[asyncio.AbstractEventLoop, asyncio.Handle] | None = None

    @property
    def busy(self) -> bool:
        """Whether anything remains to be read or removed."""
        return bool(self._deleted) or self._pending() is not None

    def open(self, model: NgramModel, uri: str, lines: LineSource, folder: str) -> None:
        """Read a document's beginning now, and the rest in slices."""
        self.forget(uri)
        source = self._sources[uri] = _Source(model=model, lines=lines, folder=folder)
        model.open(uri, (), folder=folder)
        _read(uri, source, AT_ONCE_LINES, AT_ONCE_CHARACTERS)
        self.resume()

    def change(self, uri: str, first: int, old_lines: int, new_lines: Sequence[str]) -> None:
        """Apply a change that the live document already contains; after a large one, the document is opened again."""
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
        """Ignore a document from now on, and remove it."""
        source = self._sources.pop(uri, None)
        if source is None:
            return
        if len(source.model.documents[uri].lines) > AT_ONCE_LINES and _running_loop() is not None:
            source.model.mark_deleted(uri)
            self._deleted.append(source.model)
            self.resume()
        else:
            source.model.close(uri)
        if not self.busy:
            self._cancel()

    def stop(self) -> None:
        """Stop reading and removing."""
        self._cancel()
        self._sources.clear()
        self._deleted.clear()

    def _pending(self) -> str | None:
        for uri, source in self._sources.items():
            if not source.complete and len(source.model.documents[uri].lines) < MAX_LINES:
                return uri
        return None

    def resume(self) -> None:
        """Do the remaining work: in later turns of the event loop, or now if there is none."""
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
        """Do one slice of the remaining work, reading before removing; whether there was any."""
        uri = self._pending()
        if uri is not None:
            _read(uri, self._sources[uri], SLICE_LINES, SLICE_CHARACTERS)
            return True
        if self._deleted and self._deleted[0].collect(SLICE_TOKENS):
            self._deleted.pop(0)
            return True
        return bool(self._deleted)

    def _cancel(self) -> None:
        if self._scheduled is not None:
            self._scheduled[1].cancel()
        self._scheduled = None


def _read(uri: str, source: _Source, max_lines: int, max_characters: int) -> None:
    """Read further lines of a document, at least one if there is one."""
    known = len(source.model.documents[uri].lines)
    lines = source.lines()
    part: list[str] = []
    for line in lines[known : min(known + max_lines, MAX_LINES)]:
        max_characters -= min(len(line), MAX_LINE_LENGTH)
        if part and max_characters < 0:
            break
        part.append(line)
    source.model.append(uri, part)
    source.complete = known + len(part) >= len(lines)


def _large(old_lines: int, new_lines: Sequence[str]) -> bool:
    if old_lines + len(new_lines) > AT_ONCE_LINES:
        return True
    return sum(min(len(line), MAX_LINE_LENGTH) for line in new_lines) > AT_ONCE_CHARACTERS


def _difference(
    known: Sequence[str], first: int, end: int, new: Sequence[str], *, across: bool
) -> tuple[int, int, Sequence[str]]:
    """A change without the lines that it does not affect, as when an editor sends or formats the whole text."""
    shorter = min(end - first, len(new))
    same_above = next((index for index in range(shorter) if known[first + index] != new[index]), shorter)
    same_below = 0
    if not across:
        while same_below < shorter - same_above and known[end - 1 - same_below] == new[len(new) - 1 - same_below]:
            same_below += 1
    return first + same_above, end - same_below, new[same_above : len(new) - same_below]


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
