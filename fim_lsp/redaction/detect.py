"""Finds the secrets in a text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from fim_lsp.redaction.assignments import assigned_secrets, passwords_in_urls
from fim_lsp.redaction.private_keys import private_key_lines
from fim_lsp.redaction.token_patterns import Span, find_tokens


def find_secrets(text: str) -> tuple[Span, ...]:
    """Every secret in ``text``, in order. They don't overlap, don't contain line ends, and are not all punctuation."""
    return merged(chain(private_key_lines(text), find_tokens(text), passwords_in_urls(text), assigned_secrets(text)))


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """``spans`` in order; overlapping ones are merged into one, of the first one's kind."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if found and span.start < found[-1].end:
            last = found[-1]
            found[-1] = Span(start=last.start, end=max(last.end, span.end), kind=last.kind)
        else:
            found.append(span)
    return tuple(found)
