"""Converts a suggestion to what an editor receives."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lsprotocol import types

from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.positions import Encoding, to_units
from fim_lsp.text.unicode import on_one_line

_WORD = re.compile(r"\w*\Z")
_LINE_END = re.compile(r"\r\n?|\n")
_MAX_WORD_LENGTH = 256  # characters: anything longer is not a word, and searching for its start takes quadratic time
_MAX_LABEL_LENGTH = 60  # characters: Helix cuts labels where its menu ends, others widen the menu


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


def inline_list(suggestion: Suggestion | None, cursor: Cursor) -> types.InlineCompletionList:
    """Ghost text. It always has a range: without one, VS Code replaces the rest of the line, and Neovim repeats text."""
    if suggestion is None:
        return types.InlineCompletionList(items=[])
    replaced = cursor.range(0, suggestion.replace)
    return types.InlineCompletionList(items=[types.InlineCompletionItem(insert_text=suggestion.text, range=replaced)])


def completion_list(suggestion: Suggestion | None, cursor: Cursor, *, first_line: bool) -> types.CompletionList:
    """The completion menu, for editors without inline completion.

    A suggestion of several lines has two entries, all of it and, if ``first_line``, the first line alone. They are plain
    text: in a snippet, Helix, Neovim and VS Code indent every line after the first once more.
    """
    if suggestion is None:
        return types.CompletionList(is_incomplete=True, items=[])
    word = cursor.word
    replaced = cursor.range(len(word), suggestion.replace)
    first = _through_first_line(suggestion.text)
    entries = [_entry(word, suggestion.text, replaced, order=1)]
    if first != suggestion.text and first.strip() and first_line and not suggestion.replace:
        entries.append(_entry(word, first, replaced, order=2))
    return types.CompletionList(is_incomplete=True, items=entries)


def _entry(word: str, text: str, replaced: types.Range, *, order: int) -> types.CompletionItem:
    """One entry. The filter is the word and the line that continues it, so that the menu stays open while the user types
    it; the sort key puts it above the entries of other servers."""
    line_ends, first, more = _partition(text)
    whole = word + text
    return types.CompletionItem(
        label=_label(word + " ↵ " + first.strip() if line_ends else word + first, more=bool(more)),
        kind=types.CompletionItemKind.Text,
        detail="fim-lsp",
        filter_text=(word or first.strip() or text.split()[0]) if line_ends else word + first,
        sort_text=chr(order),
        text_edit=types.TextEdit(range=replaced, new_text=whole),
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        documentation=_preview(whole) if line_ends or more else None,
    )


def _partition(text: str) -> tuple[str, str, str]:
    """The line ends at the start of ``text``, its first line that is not empty, and what follows."""
    body = text.lstrip("\r\n")
    first = _LINE_END.split(body, maxsplit=1)[0]
    return text[: len(text) - len(body)], first, body[len(first) :].rstrip("\r\n")


def _through_first_line(text: str) -> str:
    line_ends, first, more = _partition(text)
    return line_ends + first if more else text


def _label(line: str, *, more: bool) -> str:
    """A line short enough for a menu, with an ellipsis where something is omitted."""
    line = on_one_line(line).strip()
    if len(line) > _MAX_LABEL_LENGTH:
        return line[: _MAX_LABEL_LENGTH - 1].rstrip() + "…"
    return f"{line} …" if more else line


def _preview(text: str) -> types.MarkupContent:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return types.MarkupContent(kind=types.MarkupKind.Markdown, value=f"{fence}\n{text}\n{fence}")
