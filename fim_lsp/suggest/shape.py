"""From what a model wrote to what is shown: how much of it, and which characters behind the cursor it replaces."""

from __future__ import annotations

import re
from typing import Literal

from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split

Multiline = Literal["auto", "always", "never"]

_CLOSERS = re.compile(r"[\s)\]}>\"'`;:,]*")  # what editors put behind the cursor by themselves
_OPENERS = ("{", "(", "[", ":", "=>", "->", "do", "then", "=")
_CONTROL = re.compile(r"\[(?:PREFIX|SUFFIX|MIDDLE)\]|<\|?(?:fim_|endoftext)[^>]*>|</s>")
_LINE_END = re.compile(r"\r\n?|\n")


def wants_lines(split: Split, multiline: Multiline) -> bool:
    """Whether a suggestion here may have several lines.

    By itself (``auto``): where nothing but closing characters stands behind the cursor, and the line is empty so far
    or opens a block.
    """
    if multiline != "auto":
        return multiline == "always"
    behind = split.line_suffix.strip()
    if not _CLOSERS.fullmatch(behind):
        return False
    before = split.line_prefix.strip()
    return not before or before.endswith("{" if behind else _OPENERS)


def enough(split: Split, text: str, multiline: Multiline) -> bool:
    """Whether the text that has arrived so far is all that would be shown, so that the call can be ended."""
    body = text.lstrip("\r\n")
    if not wants_lines(split, multiline):
        return bool(_LINE_END.search(body))
    return bool(re.search(r"\n[ \t]*\r?\n", body))


def shape(split: Split, text: str, *, finished: str | None, multiline: Multiline) -> Suggestion | None:
    """The suggestion in ``text``, or ``None``. ``finished`` is the server's finish reason, if it gave one.

    Characters are only ever left out, at the end or the start; none is invented, and none of the user's is lost:
    what is replaced behind the cursor comes again in the text.
    """
    text = _CONTROL.split(text, maxsplit=1)[0]
    several = wants_lines(split, multiline)
    text = _block(text, truncated=finished == "length") if several else _first_line(text)
    text = _LINE_END.sub(lambda _: split.line_end, text.rstrip())
    behind = split.line_suffix.rstrip()
    text = _without_overlap(text, behind) if "\n" not in text else text
    if not text.strip() or _repeats(split, text):
        return None
    return Suggestion(text=text, replace=_brought_along(text, split.line_suffix))


def _first_line(text: str) -> str:
    """The first line; where the model goes on with a new line, the line break and the line after it."""
    body = text.lstrip("\r\n")
    lead = text[: len(text) - len(body)]
    line = _LINE_END.split(body, maxsplit=1)[0]
    return (_LINE_END.match(lead) or [""])[0] + line if line else ""


def _block(text: str, *, truncated: bool) -> str:
    """Up to the first blank line. Of an answer that was cut by its length, whole lines only, where there are any."""
    end = re.search(r"(?<=\S)[ \t]*\r?\n[ \t]*\r?\n", text)
    if end:
        return text[: end.start()]
    if truncated and "\n" in text.strip():
        return text[: text.rindex("\n")]
    return text


def _without_overlap(text: str, behind: str) -> str:
    """Without the characters at its end that already stand behind the cursor: an auto-paired bracket, a quote.

    A bracket that the text has opened itself is its own.
    """
    for length in range(min(len(text), len(behind)), 0, -1):
        overlap = behind[:length]
        if text.endswith(overlap) and not (overlap[-1] in ")]}" and _surplus(text) < 1):
            return text[:-length]
    return text


def _brought_along(text: str, behind: str) -> int:
    """How many closing characters behind the cursor give way, because the text has them itself: ``a) + 1`` before ``)``."""
    closing = behind.rstrip()
    if not closing or not _CLOSERS.fullmatch(closing) or "\n" in text or _surplus(text) < 1:
        return 0
    characters = iter(text)
    return len(closing) if all(character in characters for character in closing) else 0


def _surplus(text: str) -> int:
    """How many more brackets are closed than opened."""
    return sum(map(text.count, ")]}")) - sum(map(text.count, "([{"))


def _repeats(split: Split, text: str) -> bool:
    """Whether it only says what the next line says already."""
    following = split.suffix[len(split.line_suffix) :].strip().partition("\n")[0].strip()
    return bool(following) and not split.line_prefix.strip() and text.strip() == following
