"""From a snapshot to a prompt: the window that fits the budget."""

from __future__ import annotations

from fim_lsp.prompt.prompt import Prompt
from fim_lsp.text.cursor import Split

WINDOW = 24_000  # characters taken on each side of the cursor when a request arrives; the budget cuts further


def build(
    split: Split, *, room: int, suffix_share: float, uri: str, path: str, language: str, max_tokens: int | None
) -> Prompt:
    """Cut the window to ``room`` characters, ``suffix_share`` of them behind the cursor, to whole lines at its edges.

    What one side doesn't need, the other may have.
    """
    after = min(len(split.suffix), int(room * suffix_share))
    before = min(len(split.prefix), room - after)
    after = min(len(split.suffix), room - before)
    return Prompt(
        prefix=_tail(split.prefix, before),
        suffix=_head(split.suffix, after),
        language=language,
        path=path,
        uri=uri,
        max_tokens=max_tokens,
    )


def _tail(text: str, length: int) -> str:
    """The last ``length`` characters, from a line's start on if one is among them."""
    if length >= len(text):
        return text
    cut = text[len(text) - length :] if length else ""
    if text[len(text) - length - 1] in "\r\n" and not (text[len(text) - length - 1] == "\r" and cut.startswith("\n")):
        return cut
    start = cut.find("\n") + 1
    return cut[start:] if start else cut


def _head(text: str, length: int) -> str:
    """The first ``length`` characters, to a line's end if one is among them."""
    if length >= len(text):
        return text
    cut = text[:length]
    end = cut.rfind("\n") + 1
    return cut[:end] if end else cut
