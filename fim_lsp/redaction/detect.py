"""Where the secrets of a text are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from fim_lsp.redaction.assignments import assignments, passwords_in_urls
from fim_lsp.redaction.private_keys import blocks
from fim_lsp.redaction.token_patterns import Span, shaped


def find_secrets(text: str) -> tuple[Span, ...]:
    """Every secret in ``text``, in order; none overlaps another, none holds a line's end or is all signs."""
    spans = sorted(
        chain(blocks(text), shaped(text), passwords_in_urls(text), assignments(text)),
        key=lambda span: (span.start, -span.end),
    )
    return united(spans)


def united(spans: Sequence[Span]) -> tuple[Span, ...]:
    """``spans``, sorted by start, with those that overlap made one of the first one's kind."""
    found: list[Span] = []
    for span in spans:
        if found and span.start < found[-1].end:
            last = found[-1]
            found[-1] = Span(start=last.start, end=max(last.end, span.end), kind=last.kind)
        else:
            found.append(span)
    return tuple(found)
