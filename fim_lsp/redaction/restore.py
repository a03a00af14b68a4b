"""Restores secrets in a reply that arrives in chunks, and prevents any part of a placeholder from being shown."""

from __future__ import annotations

import re
import string
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType
from typing import Final

_MIN_CUT = 8  # characters that identify the beginning of a placeholder at a reply's end; fewer could be anything
_FRAGMENT = 12  # consecutive characters of a placeholder that don't occur in any text by chance
_MIN_DIFFERENT = 6  # how many of them must differ from the secret, unlike those of a vendor's head
_LOWER: Final = MappingProxyType(str.maketrans(string.ascii_uppercase, string.ascii_lowercase))


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text as the model wrote it, and the secret that follows. ``last``: the reply must end here."""

    text: str
    secret: str = field(default="", repr=False)
    last: bool = False


class Restorer:
    """Takes the chunks of one reply; returns it with secrets instead of placeholders.

    ``secrets`` maps placeholders to secrets. ``continuations`` apply to the reply's beginning only: the text before the
    cursor may end inside a placeholder, and the reply may continue it. A reply that ends inside a placeholder ends at the
    same position in the secret. One that contains only part of a placeholder, or changes its case, ends before that,
    unless ``strict`` is false. Only text that may still become one of these is held back; how a reply is cut into chunks
    makes no difference.
    """

    def __init__(self, secrets: Mapping[str, str], continuations: Mapping[str, str], *, strict: bool = True) -> None:
        self._anywhere = _Placeholders(secrets)
        self._at_beginning = _Placeholders({**continuations, **secrets})
        self._fragments = _Fragments(secrets if strict else {})
        self._begun = self._ended = False
        self._unread = ""  # may be the beginning of a placeholder
        self._unshown = ""  # may be the beginning of a fragment

    def feed(self, chunk: str) -> str:
        """The part of the reply that is certain now that ``chunk`` has arrived."""
        return self._without_fragments(self._restored(self._unread + chunk, more=True))

    def flush(self) -> str:
        """The text that was held back; the reply is complete."""
        shown = self._without_fragments(self._restored(self._unread, more=False))
        unshown, self._unshown = self._unshown, ""
        return shown + unshown

    def _restored(self, text: str, *, more: bool) -> list[_Piece]:
        pieces: list[_Piece] = []
        at = copied = 0
        while at < len(text):
            known = self._anywhere if self._begun else self._at_beginning
            if known.begins(text, at):
                if more:
                    break
                if len(text) - at >= _MIN_CUT:
                    self._unread = ""
                    beginning = known.secret_beginning(text, at)
                    return [*pieces, _Piece(text[copied:at], beginning or "", last=beginning is None)]
            self._begun = True
            placeholder, secret = known.at(text, at)
            if placeholder:
                pieces.append(_Piece(text[copied:at], secret))
                at = copied = at + len(placeholder)
            else:
                at += 1
            at = self._anywhere.next(text, at)
        self._unread = text[at:]
        return [*pieces, _Piece(text[copied:at])]

    def _without_fragments(self, pieces: Sequence[_Piece]) -> str:
        shown: list[str] = []
        for piece in pieces:
            if self._ended:
                break
            text, self._unshown = self._unshown + piece.text, ""
            first = self._fragments.first(text)
            if first < len(text):
                shown.append(text[:first])
                self._ended = True
                break
            end = len(text) if piece.secret else self._fragments.may_begin(text)
            shown += (text[:end], piece.secret)
            self._unshown = text[end:]
            self._ended = piece.last
        return "".join(shown)


class _Placeholders:
    """Looks up placeholders at a position in a text; the cost does not depend on the number of placeholders."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets
        self._sorted = sorted(secrets)
        self._lengths = sorted({len(placeholder) for placeholder in secrets}, reverse=True)
        firsts = "".join(sorted({re.escape(placeholder[0]) for placeholder in secrets}))
        self._first = re.compile(f"[{firsts}]" if firsts else r"\Z(?!\Z)")

    def next(self, text: str, start: int) -> int:
        """Where the next placeholder may begin, from ``start`` on; the text's length if nowhere."""
        found = self._first.search(text, start)
        return found.start() if found else len(text)

    def at(self, text: str, start: int) -> tuple[str, str]:
        """The longest placeholder at ``start``, and its secret; or empty strings."""
        for length in self._lengths:
            placeholder = text[start : start + length]
            if placeholder in self._secrets:
                return placeholder, self._secrets[placeholder]
        return "", ""

    def begins(self, text: str, start: int) -> bool:
        """Whether ``text[start:]`` is the beginning of a placeholder, but not all of it."""
        if not self._lengths or len(text) - start >= self._lengths[0]:
            return False
        return next(self._beginning_with(text[start:]), None) is not None

    def secret_beginning(self, text: str, start: int) -> str | None:
        """The part of a secret that corresponds to ``text[start:]``, None if several secrets are possible."""
        beginning = text[start:]
        found = {self._secrets[placeholder][: len(beginning)] for placeholder in self._beginning_with(beginning)}
        return found.pop() if len(found) == 1 else None

    def _beginning_with(self, beginning: str) -> Iterator[str]:
        index = bisect_left(self._sorted, beginning)
        index += index < len(self._sorted) and self._sorted[index] == beginning
        while index < len(self._sorted) and self._sorted[index].startswith(beginning):
            yield self._sorted[index]
            index += 1


class _Fragments:
    """Finds parts of placeholders, in any case."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._fragments: set[str] = set()
        sources = []
        for placeholder, secret in secrets.items():
            lowered = placeholder.translate(_LOWER)
            different = [0, *accumulate(a != b for a, b in zip(placeholder, secret, strict=False))]
            counts = (end - start for start, end in zip(different, different[_FRAGMENT:], strict=False))
            starts = [start for start, count in enumerate(counts) if count >= _MIN_DIFFERENT]
            self._fragments.update(lowered[start : start + _FRAGMENT] for start in starts)
            if starts:
                sources.append(lowered)
        self._source = "\0".join(sources)

    def first(self, text: str) -> int:
        """Where the first fragment begins, the text's length if there is none."""
        if not self._fragments:
            return len(text)
        lowered = text.translate(_LOWER)
        starts = range(len(text) - _FRAGMENT + 1)
        return next((start for start in starts if lowered[start : start + _FRAGMENT] in self._fragments), len(text))

    def may_begin(self, text: str) -> int:
        """Where an end of ``text`` begins that may become a fragment with more text."""
        end = text[-_FRAGMENT + 1 :].translate(_LOWER).rpartition("\0")[2] if self._source else ""
        start = len(text) - len(end)
        return next((start + n for n in range(len(end)) if end[n:] in self._source), len(text))
