"""Documents with the cursor marked in them."""

from __future__ import annotations

from fim_lsp.suggest.cursor_context import CursorContext, cursor_context_at
from fim_lsp.text.cursor import Split
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding

CURSOR = "‸"


def split(marked: str, *, window: int = 24_000) -> Split:
    """The text around ``‸``."""
    before, found, after = marked.partition(CURSOR)
    assert found, f"no {CURSOR} in {marked!r}"
    document = Document(before + after, Encoding.UTF32)
    lines = Document(before, Encoding.UTF32).lines
    return document.split(len(lines) - 1, len(lines[-1]), before=window, after=window)


def context(marked: str, language: str = "") -> CursorContext:
    """The context of the cursor at ``‸``."""
    return cursor_context_at(split(marked), language)
