"""The cursor of a request in the editor's units, and ghost text as LSP has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lsprotocol import types

from fim_lsp.schedule.request import CompletionResult
from fim_lsp.text.positions import Encoding, to_units, utf16_length

ACCEPTED: Final = "fim-lsp.accepted"
"""Argument: the suggestion's number."""

ACCEPTED_PART: Final = "fim-lsp.acceptedPart"
"""Arguments: the suggestion's number, and how many UTF-16 units of the item's text have been accepted so far."""

_WORD = re.compile(r"\w*\Z")
_MAX_WORD_LENGTH = 256  # characters: anything longer is not a word, and searching for its start takes quadratic time


@dataclass(frozen=True, slots=True)
class Cursor:
    """The cursor of a request: ``text`` is its line, in which the editor counts positions by ``encoding``."""

    line: int
    column: int
    text: str
    encoding: Encoding

    @property
    def word(self) -> str:
        """The word before the cursor, by which a completion menu filters."""
        before = self.text[: self.column]
        match = _WORD.search(before, max(0, len(before) - _MAX_WORD_LENGTH))
        return match[0] if match else ""

    def range(self, before: int, after: int) -> types.Range:
        """From ``before`` characters before the cursor to ``after`` characters after it."""
        start, end = (
            to_units(self.text, column, self.encoding) for column in (self.column - before, self.column + after)
        )
        return types.Range(types.Position(self.line, start), types.Position(self.line, end))


def accepted(suggestion: int, part: str | None = None) -> types.Command | None:
    """The command for an item that inserts a suggestion, or only ``part``, its beginning; none without a number."""
    if not suggestion:
        return None
    if part is None:
        return types.Command(title="Accepted", command=ACCEPTED, arguments=[suggestion])
    return types.Command(title="Accepted", command=ACCEPTED_PART, arguments=[suggestion, utf16_length(part)])


def inline_list(result: CompletionResult, cursor: Cursor) -> types.InlineCompletionList:
    """Ghost text, with alternatives if there are any.

    An item always has a range: without one, VS Code replaces the rest of the line, and Neovim repeats text. Its command
    contains its number, by which the editor reports that it was accepted.
    """
    items = [
        types.InlineCompletionItem(
            insert_text=suggestion.text,
            range=cursor.range(0, suggestion.replace),
            command=accepted(each.suggestion_number),
        )
        for each in (result, *result.others)
        if (suggestion := each.suggestion) is not None
    ]
    return types.InlineCompletionList(items=items)
