"""From a suggestion to what an editor is sent."""

from __future__ import annotations

import re

from lsprotocol import types

from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.unicode import on_one_line

_WORD = re.compile(r"\w*\Z")
_LINE_END = re.compile(r"\r\n?|\n")
_LONGEST_WORD = 256  # characters: a longer one is no word, and looking for its beginning costs the square of them
_LABEL_LENGTH = 60  # characters; Helix cuts labels where its menu ends, others draw the menu as wide as they are


def word_before(line_prefix: str) -> str:
    """The word that the cursor stands behind, which a completion menu filters by."""
    match = _WORD.search(line_prefix, max(0, len(line_prefix) - _LONGEST_WORD))
    return match[0] if match else ""


def inline_list(suggestion: Suggestion | None, span: types.Range) -> types.InlineCompletionList:
    """Ghost text. The range is always there: without one, VS Code takes the rest of the line, Neovim repeats text."""
    if suggestion is None:
        return types.InlineCompletionList(items=[])
    return types.InlineCompletionList(items=[types.InlineCompletionItem(insert_text=suggestion.text, range=span)])


def completion_list(
    suggestion: Suggestion | None, word: str, span: types.Range, *, first_line: bool
) -> types.CompletionList:
    """The completion menu, for editors without inline completion; ``span`` begins where ``word``, before the cursor, does.

    Of several lines there are two entries, the whole and the first line alone, if ``first_line`` is wished. They are
    plain text: as a snippet, Helix, Neovim and VS Code indent every line after the first once more.
    """
    if suggestion is None:
        return types.CompletionList(is_incomplete=True, items=[])
    first = _to_first_line_end(suggestion.text)
    entries = [_entry(word, suggestion.text, span, order=1)]
    if first != suggestion.text and first.strip() and first_line and not suggestion.replace:
        entries.append(_entry(word, first, span, order=2))
    return types.CompletionList(is_incomplete=True, items=entries)


def _entry(word: str, text: str, span: types.Range, *, order: int) -> types.CompletionItem:
    """One entry. The filter is the word and what goes on with it, so that the menu stays open while one types along; the
    sort key puts it above what other servers have."""
    lead, first, more = _lines(text)
    whole = word + text
    return types.CompletionItem(
        label=_label(word + " ↵ " + first.strip() if lead else word + first, more=bool(more)),
        kind=types.CompletionItemKind.Text,
        detail="fim-lsp",
        filter_text=(word or first.strip() or text.split()[0]) if lead else word + first,
        sort_text=chr(order),
        text_edit=types.TextEdit(range=span, new_text=whole),
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        documentation=_preview(whole) if lead or more else None,
    )


def _lines(text: str) -> tuple[str, str, str]:
    """The line ends that a text begins with, its first line that has something in it, and the rest."""
    body = text.lstrip("\r\n")
    first = _LINE_END.split(body, maxsplit=1)[0]
    return text[: len(text) - len(body)], first, body[len(first) :].rstrip("\r\n")


def _to_first_line_end(text: str) -> str:
    lead, first, more = _lines(text)
    return lead + first if more else text


def _label(line: str, *, more: bool) -> str:
    """A line short enough for a menu, with a mark where something is left out."""
    line = on_one_line(line).strip()
    if len(line) > _LABEL_LENGTH:
        return line[: _LABEL_LENGTH - 1].rstrip() + "…"
    return f"{line} …" if more else line


def _preview(text: str) -> types.MarkupContent:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return types.MarkupContent(kind=types.MarkupKind.Markdown, value=f"{fence}\n{text}\n{fence}")
