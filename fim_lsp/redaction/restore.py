"""Puts secrets back into a reply that arrives in pieces."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping

from fim_lsp.redaction.traces import Traces

_CUT = 8  # characters of a placeholder at a reply's end are its beginning; fewer could be anything


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
        return next(self._begun_by(text[start:]), None) is not None

    def cut(self, text: str, start: int) -> str | None:
        """The beginning of the secret whose placeholder the rest of ``text`` begins; None if there are several."""
        rest = text[start:]
        found = {self._secrets[placeholder][: len(rest)] for placeholder in self._begun_by(rest)}
        return found.pop() if len(found) == 1 else None

    def _begun_by(self, rest: str) -> Iterator[str]:
        index = bisect_left(self._sorted, rest)
        index += index < len(self._sorted) and self._sorted[index] == rest
        while index < len(self._sorted) and self._sorted[index].startswith(rest):
            yield self._sorted[index]
            index += 1


class Restorer:
    """Feed it a reply's pieces; what comes back has the secrets in the placeholders' stead.

    ``secrets`` has each by its placeholder. ``rests`` are for the reply's very beginning only: the text before the
    cursor may end in the first part of a placeholder, and the reply begin with the rest. A reply that ends inside a
    placeholder ends at the same place of the secret; one that shows any other part of a placeholder ends before that,
    unless ``strict`` is false. What is returned is late by no more than what may yet become one of these; how the reply
    was cut makes no difference to the whole.
    """

    def __init__(self, secrets: Mapping[str, str], rests: Mapping[str, str], *, strict: bool = True) -> None:
        self._anywhere = _Table(secrets)
        self._beginning = _Table({**rests, **secrets})
        self._traces = Traces(secrets if strict else {})
        self._begun = self._over = False
        self._held = self._plain = ""

    def feed(self, text: str) -> str:
        """The part of the reply that is certain, now that ``text`` has arrived too."""
        return self._without_traces(self._restored(self._held + text, more=True))

    def flush(self) -> str:
        """What was held back: the reply is over."""
        done = self._without_traces(self._restored(self._held, more=False))
        rest, self._plain = self._plain, ""
        return done + rest

    def _restored(self, text: str, *, more: bool) -> list[tuple[str, str | None]]:
        """Plain texts, each with the secret behind it; None where the reply must end."""
        done: list[tuple[str, str | None]] = []
        at = copied = 0
        while at < len(text):
            table = self._anywhere if self._begun else self._beginning
            if table.begins(text, at):
                if more:
                    break
                if len(text) - at >= _CUT:
                    self._held = ""
                    return [*done, (text[copied:at], table.cut(text, at))]
            self._begun = True
            placeholder, secret = table.at(text, at)
            if placeholder:
                done.append((text[copied:at], secret))
                at = copied = at + len(placeholder)
            else:
                at += 1
            at = self._anywhere.next(text, at)
        self._held = text[at:]
        return [*done, (text[copied:at], "")]

    def _without_traces(self, pieces: list[tuple[str, str | None]]) -> str:
        done: list[str] = []
        for plain, secret in pieces:
            text, self._plain = self._plain + plain, ""
            first = self._traces.first(text)
            if self._over or first < len(text):
                done.append(text[:first] if not self._over else "")
                self._over = True
                break
            end = len(text) if secret else self._traces.end(text)
            done += (text[:end], secret or "")
            self._plain = text[end:]
            self._over = secret is None
        return "".join(done)
