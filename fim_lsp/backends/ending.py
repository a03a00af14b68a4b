"""Where an answer ends though its server went on: at a stop string that it was not told, and before an appended suffix.

Servers take four stop strings at the most and some write control tokens as text. Some answer with the suffix behind the
text instead of filling in before it (TGI, https://github.com/huggingface/text-generation-inference/pull/1527;
llama-cpp-python with a model that has no suffix token).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from fim_lsp.backends.base import Chunk
from fim_lsp.backends.wire import Reader

TELLING: Final = 16
"""Characters of a suffix, without blanks around it, from which on it is no accident that an answer ends with all of it."""


class Ending:
    """A :class:`~fim_lsp.backends.wire.Reader` round another one.

    ``stops`` end the text and are not part of it. ``suffix`` is what the server was sent as such, or ``""``. Text is held
    back while it may be the beginning of either, so what came out is never taken back.
    """

    def __init__(self, reader: Reader, *, stops: tuple[str, ...] = (), suffix: str = "") -> None:
        self._reader = reader
        self._stops = stops
        self._suffix = suffix
        self._held = ""
        self._stopped = False
        self.appended = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """See :class:`~fim_lsp.backends.wire.Reader`."""
        for chunk in self._reader.feed(data):
            yield from self._pass(chunk)

    def finish(self) -> Iterator[Chunk]:
        """See :class:`~fim_lsp.backends.wire.Reader`."""
        for chunk in self._reader.finish():
            yield from self._pass(chunk)
        if self._held:
            yield Chunk(text=self._release())

    def _pass(self, chunk: Chunk) -> Iterator[Chunk]:
        if self._stopped:
            yield replace(chunk, text="", finish=None)  # its usage still counts
            return
        text, self._stopped = self._cut(self._held + chunk.text)
        if self._stopped:
            self._held = ""
            yield replace(chunk, text=text, finish="stop")
            return
        kept = 0 if not text else max(_overlap(text, mark) for mark in (*self._stops, self._suffix))
        self._held = text[len(text) - kept :]
        text = text[: len(text) - kept]
        if chunk.finish is not None:
            text += self._release()
        yield replace(chunk, text=text)

    def _cut(self, text: str) -> tuple[str, bool]:
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        return (text[: min(places)], True) if places else (text, False)

    def _release(self) -> str:
        """What was held back, now that nothing follows it: all, unless it is the whole suffix."""
        held, self._held = self._held, ""
        if self._suffix and held == self._suffix and len(held.strip()) >= TELLING:
            self.appended = True
            return ""
        return held


def _overlap(text: str, mark: str) -> int:
    """How much of ``text``'s end is a beginning of ``mark``, or all of it."""
    longest = min(len(text), len(mark))
    return next((size for size in range(longest, 0, -1) if text.endswith(mark[:size])), 0)
