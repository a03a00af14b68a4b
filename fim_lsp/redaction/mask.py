"""What is sent to a remote host has placeholders for secrets, of their length and shape; the reply gets them back.

A placeholder keeps a known head (``ghp_``), has letters for letters, digits for digits and the same signs of structure,
and says FAKE where it is long enough, or 0000 in hex; characters beyond ASCII stay. It depends on the secret and the
key alone, so that a prompt stays the same from one keystroke to the next, and it is the same in every text. Nothing
here is logged: no repr shows a secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fim_lsp.redaction.detect import find_secrets, united
from fim_lsp.redaction.restore import Restorer
from fim_lsp.redaction.token_patterns import Span, head

_MARK = 12  # from so many characters behind the head on, four of them say FAKE
_SPREAD = (
    32  # so many secrets are looked for where nothing but their value tells; more would cost more than linear time
)
_SPREAD_LENGTH = 8
_REST = 4  # fewer characters at a reply's beginning could be anything
_HALF = 512  # characters of the line on either side of the cursor that are looked at by themselves
_ATTEMPTS = (
    64  # at another placeholder, if one stands in a text by chance; the first does, for all that can be expected
)
_KEPT = frozenset("+/=_.-%: \t\r\n\\\"'")
_LOWER, _UPPER, _DIGITS, _SIGNS = "bcdfghjkmnpqrstvwxz", "BCDFGHJKMNPQRSTVWXZ", "234567", "~!*-_"
_HEX_LENGTH = 16
_HEX = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedText:
    """``texts`` in the order given and of the same lengths, and how to restore a reply to them."""

    texts: tuple[str, ...] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False, default_factory=dict)
    rests: Mapping[str, str] = field(repr=False, default_factory=dict)

    def restorer(self) -> Restorer:
        """A fresh one for one reply."""
        return Restorer(self.secrets, self.rests)


def mask(texts: Sequence[str], *, key: bytes) -> MaskedText:
    """``texts`` without secrets: the text before the cursor, the text behind it, and any from elsewhere.

    The first two are looked at as one text, so that a secret which the cursor cuts is found. ``key`` is random bytes
    that a process keeps to itself; without it nobody can tell which secret a placeholder stands for by trying.
    """
    wholes = ["".join(texts[:2]), *texts[2:]]
    found = [find_secrets(whole) for whole in wholes]
    if len(texts) > 1:
        found[0] = _with_halves(found[0], texts[0], texts[1])
    values = dict.fromkeys(
        whole[span.start : span.end] for whole, spans in zip(wholes, found, strict=True) for span in spans
    )
    if not values:
        return MaskedText(texts=tuple(texts))
    found = [_spread(whole, spans, list(values)[:_SPREAD]) for whole, spans in zip(wholes, found, strict=True)]
    values = dict.fromkeys(
        whole[span.start : span.end] for whole, spans in zip(wholes, found, strict=True) for span in spans
    )
    cursor = len(texts[0])
    placeholders, masked = _masked(wholes, found, list(values), key)
    first = (masked[0][:cursor], masked[0][cursor:])[: len(texts)]
    secrets = {placeholder: value for value, placeholder in placeholders.items()}
    return MaskedText(
        texts=(*first, *masked[1:]),
        secrets=secrets,
        rests=_rests(secrets, first[0]),
    )


def _with_halves(spans: tuple[Span, ...], prefix: str, suffix: str) -> tuple[Span, ...]:
    """``spans`` of the joined text and those that only one side's text by itself shows, next to the cursor."""
    if not (prefix[-1:].strip() and suffix[:1].strip()):
        return spans
    cursor = len(prefix)
    start = max(prefix.rfind("\n") + 1, cursor - _HALF)
    end = suffix.find("\n", 0, _HALF)
    behind = suffix[: end if end >= 0 else _HALF]
    halves = [Span(start=start + s.start, end=start + s.end, kind=s.kind) for s in find_secrets(prefix[start:])]
    halves += [Span(start=cursor + s.start, end=cursor + s.end, kind=s.kind) for s in find_secrets(behind)]
    return united(sorted((*spans, *halves), key=lambda span: (span.start, -span.end))) if halves else spans


def _spread(text: str, spans: tuple[Span, ...], values: Sequence[str]) -> tuple[Span, ...]:
    """``spans`` and the further places where one of ``values`` stands, without a name that says what it is."""
    more = []
    for value in values:
        at = text.find(value) if len(value) >= _SPREAD_LENGTH else -1
        while at >= 0:
            more.append(Span(start=at, end=at + len(value), kind="known by its value"))
            at = text.find(value, at + len(value))
    return united(sorted((*spans, *more), key=lambda span: (span.start, -span.end)))


def _masked(
    texts: Sequence[str], found: Sequence[tuple[Span, ...]], values: Sequence[str], key: bytes
) -> tuple[dict[str, str], list[str]]:
    """The placeholder of each value, and the texts with them; none of them stands in a text by chance."""
    attempt = 0
    while True:
        placeholders: dict[str, str] = {}
        for value in values:
            placeholders[value] = _placeholder(value, key, attempt)
        masked = [_replaced(text, spans, placeholders) for text, spans in zip(texts, found, strict=True)]
        if attempt == _ATTEMPTS or _restorable(texts, masked, placeholders):
            return placeholders, masked
        attempt += 1


def _restorable(texts: Sequence[str], masked: Sequence[str], placeholders: Mapping[str, str]) -> bool:
    """Whether no placeholder stands in ``texts``, and the masked ones lead back to them."""
    secrets = {placeholder: value for value, placeholder in placeholders.items()}
    if len(secrets) < len(placeholders) or any(placeholder == value for value, placeholder in placeholders.items()):
        return False
    for text, hidden in zip(texts, masked, strict=True):
        for given in (text, hidden):
            restorer = Restorer(secrets, {}, strict=False)
            if restorer.feed(given) + restorer.flush() != text:
                return False
    return True


def _replaced(text: str, spans: Sequence[Span], placeholders: Mapping[str, str]) -> str:
    pieces: list[str] = []
    at = 0
    for span in spans:
        pieces += (text[at : span.start], placeholders[text[span.start : span.end]])
        at = span.end
    return "".join((*pieces, text[at:]))


def _rests(secrets: Mapping[str, str], prefix: str) -> dict[str, str]:
    """What is left of each placeholder that ``prefix`` ends in the first part of, by what is left of its secret."""
    rests = {}
    for placeholder, secret in secrets.items():
        for length in range(len(placeholder) - _REST, _REST - 1, -1):
            if prefix.endswith(placeholder[:length]):
                rests[placeholder[length:]] = secret[length:]
                break
    return rests


def _placeholder(secret: str, key: bytes, attempt: int) -> str:
    """The ``attempt``-th placeholder of ``secret``."""
    kept = head(secret)
    body = secret[kept:]
    seed = b"%d\0%d\0%b%b" % (len(key), attempt, key, secret.encode("utf-8", "surrogatepass"))
    noise = hashlib.shake_256(seed).digest(len(body))
    hexadecimal = len(body) >= _HEX_LENGTH and _HEX.issuperset(char for char in body if char.isalnum())
    chars = [_like(char, byte, attempt, hexadecimal) for char, byte in zip(body, noise, strict=True)]
    if len(body) >= _MARK:
        mark = "0000" if hexadecimal else "FAKE" if any("A" <= char <= "Z" for char in body) else "fake"
        for index, char in enumerate(mark):
            if body[index].isascii() and body[index].isalnum():
                chars[index] = char
    return secret[:kept] + "".join(chars)


def _like(char: str, byte: int, attempt: int, hexadecimal: bool) -> str:
    """A character of the kind of ``char``; after a few attempts of any kind that can't break a literal."""
    if not char.isascii() or not char.isprintable() or char in _KEPT:  # a separator such as U+001E ends a line, too
        return char
    if char.isdigit():
        kind = _DIGITS if attempt < 8 else _DIGITS + _LOWER
    elif char.islower():
        kind = "abcdef" if hexadecimal else _LOWER
    elif char.isupper():
        kind = "ABCDEF" if hexadecimal else _UPPER
    else:
        kind = _SIGNS
    return kind[byte % len(kind)]
