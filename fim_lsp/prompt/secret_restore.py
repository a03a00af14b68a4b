"""Puts secrets back into a reply that arrives in pieces."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping


class _Table:
    """Placeholders by what they stand for; a look at one place of a text costs the same however many there are."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets
        self._sorted = sorted(secrets)
        self._lengths = sorted({len(placeholder) for placeholder in secrets}, reverse=True)
        firsts = "".join(sorted({re.escape(placeholder[0]) for placeholder in secrets}))
        self._first = re.compile(f"[{firsts}]" if firsts else r"\Z(?!\Z)")

    def next(self, text: str, start: int) -> int:
        """Where a placeholder may begin from ``start`` on, the text's length if nowhere."""
        found = self._first.search(text, start)
        return found.start() if found else len(text)

    def at(self, text: str, start: int) -> tuple[str, str]:
        """The longest placeholder that stands at ``start``, and its secret; or nothing."""
        for length in self._lengths:
            piece = text[start : start + length]
            if piece in self._secrets:
                return piece, self._secrets[piece]
        return "", ""

    def begins(self, text: str, start: int) -> bool:
        """Whether the rest of ``text`` from ``start`` on is the beginning of a placeholder, but not all of it."""
        if not self._lengths or len(text) - start >= self._lengths[0]:
            return False
        rest = text[start:]
        index = bisect_left(self._sorted, rest)
        index += index < len(self._sorted) and self._sorted[index] == rest
        return index < len(self._sorted) and self._sorted[index].startswith(rest)


class Restorer:
    """Feed it a reply's pieces; what comes back has the secrets in the placeholders' stead.

    ``secrets`` has each by its placeholder. ``rests`` are for the reply's very beginning only: the text before the
    cursor may end in the first part of a placeholder, and the reply begin with the rest. What is returned is late by no
    more than what may yet become a placeholder; how the reply was cut makes no difference to the whole.
    """

    def __init__(self, secrets: Mapping[str, str], rests: Mapping[str, str]) -> None:
        self._anywhere = _Table(secrets)
        self._beginning = _Table({**rests, **secrets})
        self._begun = False
        self._held = ""

    def feed(self, text: str) -> str:
        """The part of the reply that is certain, now that ``text`` has arrived too."""
        return self._restored(self._held + text, more=True)

    def flush(self) -> str:
        """What was held back: the reply is over."""
        return self._restored(self._held, more=False)

    def _restored(self, text: str, *, more: bool) -> str:
        done: list[str] = []
        at = copied = 0
        while at < len(text):
            table = self._anywhere if self._begun else self._beginning
            if more and table.begins(text, at):
                break
            self._begun = True
            placeholder, secret = table.at(text, at)
            if placeholder:
                done += (text[copied:at], secret)
                at = copied = at + len(placeholder)
            else:
                at += 1
            at = self._anywhere.next(text, at)
        self._held = text[at:]
        return "".join((*done, text[copied:at]))
