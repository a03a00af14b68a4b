"""Where an answer ends though its server went on: at a stop string that it was not told, and before an appended suffix.

Servers take four stop strings at the most and some write control tokens as text. Some answer with the suffix behind the
text instead of filling in before it (TGI, https://github.com/huggingface/text-generation-inference/pull/1527;
llama-cpp-python with a model that has no suffix token).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from fim_lsp.backends.backend import Chunk
from fim_lsp.backends.profile import Reader

TELLING: Final = 16
"""Characters of a suffix, without blanks around it, from which on it is no accident that an answer ends with all of it."""


class StopFilter:
    """A :class:`~fim_lsp.backends.profile.Reader` round another one.

    ``stops`` end the text and are not part of it. ``suffix`` is what the server was sent as such, or ``""``. Text is held
    back while it may be the beginning of either, so what came out is never taken back.
    """

    def __init__(self, reader: Reader, *, stops: tuple[str, ...] = (), suffix: str = "") -> None:
        self._reader = reader
        self._stops = stops
        self._suffix = suffix
        self._held = ""
        self._beginnings = tuple(map(_Beginning, (*stops, suffix)))
        self._stopped = False
        self.appended = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """See :class:`~fim_lsp.backends.profile.Reader`."""
        for chunk in self._reader.feed(data):
            yield from self._pass(chunk)

    def finish(self) -> Iterator[Chunk]:
        """See :class:`~fim_lsp.backends.profile.Reader`."""
        for chunk in self._reader.finish():
            yield from self._pass(chunk)
        if self._held:
            yield Chunk(text=self._release())

    def _pass(self, chunk: Chunk) -> Iterator[Chunk]:
        if self._stopped:
            yield replace(chunk, text="", finish=None)  # its usage still counts
            return
        text, self._stopped = self._cut(self._held + chunk.text, len(self._held))
        if self._stopped:
            self._held = ""
            yield replace(chunk, text=text, finish="stop")
            return
        kept = max(beginning.feed(chunk.text) for beginning in self._beginnings)
        self._held = text[len(text) - kept :]
        text = text[: len(text) - kept]
        if chunk.finish is not None:
            text += self._release()
        yield replace(chunk, text=text)

    def _cut(self, text: str, held: int) -> tuple[str, bool]:
        """The text before the first stop; what was ``held`` back of it has been looked through but for its end."""
        places = [place for stop in self._stops if (place := text.find(stop, max(0, held - len(stop)))) >= 0]
        return (text[: min(places)], True) if places else (text, False)

    def _release(self) -> str:
        """What was held back, now that nothing follows it: all, unless it is the whole suffix."""
        held, self._held = self._held, ""
        for beginning in self._beginnings:
            beginning.forget()
        if self._suffix and held == self._suffix and len(held.strip()) >= TELLING:
            self.appended = True
            return ""
        return held


class _Beginning:
    """How much of a text's end, as it arrives, is a beginning of ``mark``, or all of it; each character is read once.

    By the failure function of Knuth, Morris and Pratt (1977), worked out only as far as the text has agreed.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._size = 0
        self._shorter = [0, 0]  # by size: the next shorter beginning that such a beginning ends with

    def feed(self, text: str) -> int:
        """The size, now that ``text`` has arrived too."""
        mark = self._mark
        for character in text if mark else "":
            while self._size and (self._size == len(mark) or mark[self._size] != character):
                self._size = self._next(self._size)
            self._size += mark[self._size] == character
        return self._size

    def forget(self) -> None:
        """Begin with another text."""
        self._size = 0

    def _next(self, size: int) -> int:
        shorter, mark = self._shorter, self._mark
        while len(shorter) <= size:
            end, length = len(shorter) - 1, shorter[-1]
            while length and mark[length] != mark[end]:
                length = shorter[length]
            shorter.append(length + (mark[length] == mark[end]))
        return shorter[size]
