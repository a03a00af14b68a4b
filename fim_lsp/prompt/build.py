"""From a snapshot to a prompt: the window that fits the budget."""

from __future__ import annotations

from fim_lsp.prompt.prompt import Prompt
from fim_lsp.text.cursor import Split

# Characters a token is worth, low enough that 95 % of windows fit: percentiles over 1,200 source files with the two
# published Mistral tokenizers (p5 of 2,000-character windows, SentencePiece v3).
_CHARACTERS = {"go": 2.2}
_CHARACTERS_ELSE = 2.6

WINDOW = 24_000  # characters taken on each side of the cursor when a request arrives; the budget cuts further


def characters(tokens: float, language: str) -> int:
    """How many characters of ``language`` fit into so many tokens, on the safe side."""
    return int(tokens * _CHARACTERS.get(language, _CHARACTERS_ELSE))


def tokens(text: str, language: str) -> int:
    """About how many tokens ``text`` has, rather too many than too few."""
    return 3 + int(len(text) / _CHARACTERS.get(language, _CHARACTERS_ELSE))


def build(
    split: Split, *, uri: str, path: str, language: str, prompt_tokens: int, suffix_share: float, max_tokens: int | None
) -> Prompt:
    """Cut the window to ``prompt_tokens``; what one side doesn't need, the other may have. Whole lines at the edges."""
    room = characters(prompt_tokens, language)
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
