"""Blocks that end with a word or a tag (``end``, ``done``, ``</div>``): what begins one, and which line closes it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fim_lsp.suggest.cursor_context import CursorContext, opens, width
from fim_lsp.suggest.languages import WITH_END_WORDS

END_WORD = re.compile(r"\s*(?:(?:end|END|fi|done|esac)\b|</[\w.:-]*)")
"""A line that begins with what ends such a block."""

_WORDED = re.compile(
    r"\s*(?:local |async |private |export |return |[\w.]+ = )*"
    r"(?:def\w*|class|module|function|if|unless|while|until|for|case|begin|struct|macro|do)\b(?!.*\bend\b)",
    re.IGNORECASE,
)
_OPENING_TAG = re.compile(r"\s*<(?P<name>[A-Za-z][\w.:-]{0,64})")
_CLOSING_TAG = re.compile(r"\s*</(?P<name>[\w.:-]*)")


def begins_block(place: CursorContext, line: str) -> bool:
    """Whether a line begins a block that a word ends, in a language that has such blocks."""
    return place.language in WITH_END_WORDS and bool(_WORDED.match(line))


def closes_its_own(lines: Sequence[str], said: str) -> bool:
    """Whether ``said``, a word or a tag that ends a block, ends one that ``lines``, before it, begin in its column."""
    columns, closing = width(said), _CLOSING_TAG.match(said)
    for line in reversed(lines):
        if not line.strip() or width(line) > columns:
            continue
        if width(line) < columns or END_WORD.match(line):
            return False
        if closing:
            tag = _OPENING_TAG.match(line)
            if tag and tag["name"] == closing["name"] and f"</{closing['name']}" not in line:
                return True
        elif opens(line) or _WORDED.match(line):
            return True
    return False
