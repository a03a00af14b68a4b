"""What a single line of code reveals: whether it opens, closes or continues a block, and how far it is indented."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fim_lsp.suggest.languages import WITH_END_WORDS

TAB_COLUMNS: Final = 4
"""The width of a tab where tabs and spaces have to be compared."""

CLOSERS = re.compile(r"[\s)\]}>\"'`;:,]*")
"""What editors insert after the cursor by themselves, and what ends a statement."""

CONTINUING_WORDS: Final = "else|elif|elsif|elseif|except|catch|finally|rescue|ensure"
"""They begin a line that continues the block of an earlier one."""

CONTINUATION = re.compile(rf"[\s}})\]]*({CONTINUING_WORDS}|case|default|when)\b")
"""A line that continues the block of an earlier line with the same indentation."""

_END_WORDS: Final = "end|fi|done|esac"
END_WORD = re.compile(rf"\s*(?:(?:{_END_WORDS}|END)\b|</[\w.:-]*)")
"""A line that begins with a word or a tag that ends a block."""

LONE_END_WORD = re.compile(rf"\s*(?:{_END_WORDS})\W*")
"""A line with nothing but such a word, which may well end another block too."""

_OPENER = re.compile(r"(?:[{(\[:]|=>|->|\b(?:do|then|else|begin|try))$")
_CLOSING = re.compile(rf"\s*(?:[)\]}}>]|(?:{_END_WORDS})\b)")
_COMMENT = re.compile(r"(?:^|\s)(?:\#(?!\[)|//)")
_DEFINITION = re.compile(
    r"(?:@\w|\#\[|/\*\*|(?:export |default |pub(?:\(\w+\))? |public |private |protected |static |abstract |async |const )*"
    r"(?:def|class|fn|func|fun|function|interface|struct|enum|impl|trait|module|namespace|type) |(?:public|private|protected) "
    r"|if __name__|import |export |from \S+ import |use |package |\#include"
    r"|static |extern |typedef |template\b|macro_rules!)"
)
_WORDED_BLOCK = re.compile(
    r"\s*(?:local |async |private |export |return |[\w.]+ = )*"
    r"(?:def\w*|class|module|function|if|unless|while|until|for|case|begin|struct|macro|do)\b(?!.*\bend\b)",
    re.IGNORECASE,
)
_OPENING_TAG = re.compile(r"\s*<(?P<name>[A-Za-z][\w.:-]{0,64})")
_CLOSING_TAG = re.compile(r"\s*</(?P<name>[\w.:-]*)")


def indentation(line: str) -> str:
    """The spaces and tabs that a line starts with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def columns_of(whitespace: str) -> int:
    """The width of spaces and tabs at the start of a line."""
    return len(whitespace.expandtabs(TAB_COLUMNS))


def width(line: str) -> int:
    """How many columns a line is indented by."""
    spaces = len(line) - len(line.lstrip(" "))
    return columns_of(indentation(line)) if line[spaces : spaces + 1] == "\t" else spaces


def opens(line: str) -> bool:
    """Whether a line, without its comment, ends with something that opens a block or a bracket."""
    return bool(_OPENER.search(line[: comment_at(line)].rstrip()))


def comment_at(line: str) -> int | None:
    """Where the comment at the end of a line begins, with the space before it; ``None`` if there is none.

    One with a quote in it does not count: it may be inside a string.
    """
    found = _COMMENT.search(line, max(map(line.rfind, "\"'`\n")) + 1)
    return found.start() if found else None


def closes(line: str) -> bool:
    """Whether a line begins with something that closes a block or a bracket."""
    return bool(_CLOSING.match(line))


def defines(line: str) -> bool:
    """Whether a line starts a definition or an import, in one of the languages that have keywords for it."""
    return bool(_DEFINITION.match(line.lstrip()))


def begins_worded_block(language: str, line: str) -> bool:
    """Whether a line begins a block that a word ends, in a language that has such blocks."""
    return language in WITH_END_WORDS and bool(_WORDED_BLOCK.match(line))


def closes_block_of(lines: Sequence[str], end: str) -> bool:
    """Whether ``end``, a line with a word or tag that ends a block, ends one that begins in ``lines``, above it."""
    columns, closing = width(end), _CLOSING_TAG.match(end)
    for line in reversed(lines):
        if not line.strip() or width(line) > columns:
            continue
        if width(line) < columns or END_WORD.match(line):
            return False
        if closing:
            tag = _OPENING_TAG.match(line)
            if tag and tag["name"] == closing["name"] and f"</{closing['name']}" not in line:
                return True
        elif opens(line) or _WORDED_BLOCK.match(line):
            return True
    return False
