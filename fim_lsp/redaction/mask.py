"""Replaces secrets by placeholders of the same length and form, so that a reply can get the secrets back.

A placeholder keeps a known head (``ghp_``), has letters for letters, digits for digits and the same punctuation, and
contains FAKE if it is long enough, or 0000 in hex; non-ASCII characters remain. It depends only on the secret and the
key, so that a prompt does not change from one keystroke to the next. Nothing here is logged: no repr shows a secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fim_lsp.redaction.detect import find_secrets, merged
from fim_lsp.redaction.restore import Restorer
from fim_lsp.redaction.token_patterns import Span, known_head

_MIN_MARKED = 12  # characters after the head, four of them FAKE
_MAX_REPEATED = 32  # secrets whose other occurrences are searched for: keeps the time linear
_MIN_REPEATED_LENGTH = 8
_MIN_CONTINUATION = 4  # fewer characters at a reply's beginning could be anything
_SIDE = 512  # characters of the line on either side of the cursor that are searched on their own
_MAX_ATTEMPTS = 64  # to find a placeholder that does not occur in the texts; nearly always the first succeeds
_DIGIT_ATTEMPTS = 8  # with digits for digits; later ones may have letters
_UNCHANGED = frozenset("+/=_.-%: \t\r\n\\\"'")
_LOWER, _UPPER, _DIGITS, _PUNCTUATION = "bcdfghjkmnpqrstvwxz", "BCDFGHJKMNPQRSTVWXZ", "234567", "~!*-_"
_MIN_HEX_LENGTH = 16
_HEX = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedText:
    """``texts`` in the given order, with unchanged lengths; ``secrets`` maps placeholders to secrets."""

    texts: tuple[str, ...] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False, default_factory=dict)
    continuations: Mapping[str, str] = field(repr=False, default_factory=dict)

    def restorer(self) -> Restorer:
        """A new one for each reply."""
        return Restorer(self.secrets, self.continuations)


def mask(texts: Sequence[str], *, key: bytes) -> MaskedText:
    """``texts`` without secrets: the text before the cursor, the text after it, and any others.

    The first two are searched as one, so that a secret which contains the cursor is found. ``key`` is random bytes that
    never leave the process: without them, the secret for a placeholder can't be found by trial.
    """
    joined = ["".join(texts[:2]), *texts[2:]]
    found = [find_secrets(text) for text in joined]
    if len(texts) > 1:
        found[0] = _with_sides(found[0], texts[0], texts[1])
    values = _values(joined, found)
    if not values:
        return MaskedText(texts=tuple(texts))
    repeated = values[:_MAX_REPEATED]
    found = [_with_repetitions(text, spans, repeated) for text, spans in zip(joined, found, strict=True)]
    placeholders, masked = _masked(joined, found, _values(joined, found), key)
    cursor = len(texts[0])
    sides = (masked[0][:cursor], masked[0][cursor:])[: len(texts)]
    secrets = {placeholder: value for value, placeholder in placeholders.items()}
    return MaskedText(texts=(*sides, *masked[1:]), secrets=secrets, continuations=_continuations(secrets, sides[0]))


def _values(texts: Sequence[str], found: Sequence[tuple[Span, ...]]) -> list[str]:
    """The secrets, without duplicates."""
    return list(
        dict.fromkeys(text[span.start : span.end] for text, spans in zip(texts, found, strict=True) for span in spans)
    )


def _with_sides(spans: tuple[Span, ...], prefix: str, suffix: str) -> tuple[Span, ...]:
    """``spans`` of the joined text, and secrets next to the cursor that are only recognized on one side by itself."""
    if not (prefix[-1:].strip() and suffix[:1].strip()):
        return spans
    cursor = len(prefix)
    start = max(prefix.rfind("\n") + 1, cursor - _SIDE)
    end = suffix.find("\n", 0, _SIDE)
    before, after = prefix[start:], suffix[: end if end >= 0 else _SIDE]
    sides = [
        Span(start=offset + span.start, end=offset + span.end, kind=span.kind)
        for offset, side in ((start, before), (cursor, after))
        for span in find_secrets(side)
    ]
    return merged((*spans, *sides)) if sides else spans


def _with_repetitions(text: str, spans: tuple[Span, ...], values: Sequence[str]) -> tuple[Span, ...]:
    """``spans``, and all other occurrences of ``values``, where no name reveals what they are."""
    repetitions = []
    for value in values:
        start = text.find(value) if len(value) >= _MIN_REPEATED_LENGTH else -1
        while start >= 0:
            repetitions.append(Span(start=start, end=start + len(value), kind="known by its value"))
            start = text.find(value, start + len(value))
    return merged((*spans, *repetitions))


def _masked(
    texts: Sequence[str], found: Sequence[tuple[Span, ...]], values: Sequence[str], key: bytes
) -> tuple[dict[str, str], list[str]]:
    """The placeholder of each value, and the texts with placeholders, from which the originals can be restored."""
    for attempt in range(_MAX_ATTEMPTS):
        placeholders = {value: _placeholder(value, key, attempt) for value in values}
        masked = [_replaced(text, spans, placeholders) for text, spans in zip(texts, found, strict=True)]
        if _restorable(texts, masked, placeholders):
            break
    return placeholders, masked


def _restorable(texts: Sequence[str], masked: Sequence[str], placeholders: Mapping[str, str]) -> bool:
    """Whether no placeholder occurs in ``texts`` by chance, and ``texts`` can be restored from the masked ones."""
    secrets = {placeholder: value for value, placeholder in placeholders.items()}
    if len(secrets) < len(placeholders) or any(placeholder == value for value, placeholder in placeholders.items()):
        return False
    for text, masked_text in zip(texts, masked, strict=True):
        for reply in (text, masked_text):
            restorer = Restorer(secrets, {}, strict=False)
            if restorer.feed(reply) + restorer.flush() != text:
                return False
    return True


def _replaced(text: str, spans: Sequence[Span], placeholders: Mapping[str, str]) -> str:
    pieces: list[str] = []
    copied = 0
    for span in spans:
        pieces += (text[copied : span.start], placeholders[text[span.start : span.end]])
        copied = span.end
    return "".join((*pieces, text[copied:]))


def _continuations(secrets: Mapping[str, str], prefix: str) -> dict[str, str]:
    """If ``prefix`` ends inside placeholders: the rest of each secret, by the rest of its placeholder."""
    found = {}
    for placeholder, secret in secrets.items():
        for length in range(len(placeholder) - _MIN_CONTINUATION, _MIN_CONTINUATION - 1, -1):
            if prefix.endswith(placeholder[:length]):
                found[placeholder[length:]] = secret[length:]
                break
    return found


def _placeholder(secret: str, key: bytes, attempt: int) -> str:
    head = known_head(secret)
    body = secret[len(head) :]
    seed = b"%d\0%d\0%b%b" % (len(key), attempt, key, secret.encode("utf-8", "surrogatepass"))
    noise = hashlib.shake_256(seed).digest(len(body))
    is_hex = len(body) >= _MIN_HEX_LENGTH and _HEX.issuperset(char for char in body if char.isalnum())
    chars = [_substitute(char, byte, attempt, is_hex) for char, byte in zip(body, noise, strict=True)]
    if len(body) >= _MIN_MARKED:
        mark = "0000" if is_hex else "FAKE" if any("A" <= char <= "Z" for char in body) else "fake"
        for index, char in enumerate(mark):
            if chars[index].isalnum():
                chars[index] = char
    return head + "".join(chars)


def _substitute(char: str, byte: int, attempt: int, is_hex: bool) -> str:
    """An ASCII character of the kind of ``char``; after some attempts a letter for a digit, so that short numbers have enough.

    A letter that has no case becomes a small one.
    """
    if not char.isprintable() or char in _UNCHANGED:  # a separator such as U+001E ends a line, too
        return char
    if char.isdigit():
        kind = _DIGITS if attempt < _DIGIT_ATTEMPTS else _DIGITS + _LOWER
    elif char.isupper():
        kind = "ABCDEF" if is_hex else _UPPER
    elif char.isalpha():
        kind = "abcdef" if is_hex else _LOWER
    else:
        kind = _PUNCTUATION
    return kind[byte % len(kind)]
