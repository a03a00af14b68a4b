"""Ends a completion where the server did not: at a stop string that was not sent, or before an appended suffix.

Servers accept up to four stop strings, and some write control tokens as text. Some append the suffix to the text instead
of filling in before it (TGI, https://github.com/huggingface/text-generation-inference/pull/1527; llama-cpp-python with a
model that has no suffix token).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from fim_lsp.backends.backend import Chunk
from fim_lsp.backends.profile import Reader

MIN_SUFFIX: Final = 16
"""The length of a suffix, without whitespace around it, from which a completion can't end with it by accident."""


class StopFilter:
    """A :class:`~fim_lsp.backends.profile.Reader` around another one.

    ``stops`` end the text and are not part of it. ``suffix`` is what the server was sent as such, or ``""``. Text is held
    back while it may be the beginning of either, so nothing has to be taken back.
    """

    def __init__(self, reader: Reader, *, stops: tuple[str, ...] = (), suffix: str = "") -> None:
        self.suffix_appended = False
        self._reader = reader
        self._stops = stops
        self._suffix = suffix
        self._held_back = ""
        self._matchers = tuple(map(_PrefixMatcher, (*stops, suffix)))
        self._stopped = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        for chunk in self._reader.feed(data):
            yield self._filter(chunk)

    def finish(self) -> Iterator[Chunk]:
        for chunk in self._reader.finish():
            yield self._filter(chunk)
        if self._held_back:
            yield Chunk(text=self._release())

    def _filter(self, chunk: Chunk) -> Chunk:
        if self._stopped:
            return replace(chunk, text="", finish=None)  # its usage still counts
        text, self._stopped = self._cut_at_stop(self._held_back + chunk.text, len(self._held_back))
        if self._stopped:
            self._held_back = ""
            return replace(chunk, text=text, finish="stop")
        size = max(matcher.feed(chunk.text) for matcher in self._matchers)
        text, self._held_back = text[: len(text) - size], text[len(text) - size :]
        if chunk.finish is not None:
            text += self._release()
        return replace(chunk, text=text)

    def _cut_at_stop(self, text: str, searched: int) -> tuple[str, bool]:
        """The text before the first stop string, and whether there is one. The first characters are already searched."""
        starts = [start for stop in self._stops if (start := text.find(stop, max(0, searched - len(stop)))) >= 0]
        return (text[: min(starts)], True) if starts else (text, False)

    def _release(self) -> str:
        """The text that was held back, now that nothing follows, unless it is the whole suffix."""
        text, self._held_back = self._held_back, ""
        for matcher in self._matchers:
            matcher.reset()
        if self._suffix and text == self._suffix and len(text.strip()) >= MIN_SUFFIX:
            self.suffix_appended = True
            return ""
        return text


class _PrefixMatcher:
    """The length of the longest prefix of ``pattern`` that a text ends with, while it arrives. Reads each character once.

    Uses the failure function of Knuth, Morris and Pratt (1977), computed only as far as the text has matched.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._length = 0
        self._failure = [0, 0]  # by length: the next shorter prefix that a prefix of that length ends with

    def feed(self, text: str) -> int:
        """The length, with ``text`` appended."""
        pattern = self._pattern
        for character in text if pattern else "":
            while self._length and (self._length == len(pattern) or pattern[self._length] != character):
                self._length = self._shorter(self._length)
            self._length += pattern[self._length] == character
        return self._length

    def reset(self) -> None:
        """Begin with another text."""
        self._length = 0

    def _shorter(self, length: int) -> int:
        failure, pattern = self._failure, self._pattern
        while len(failure) <= length:
            end, shorter = len(failure) - 1, failure[-1]
            while shorter and pattern[shorter] != pattern[end]:
                shorter = failure[shorter]
            failure.append(shorter + (pattern[shorter] == pattern[end]))
        return failure[length]
