"""From a suggestion to what an editor is sent."""

from __future__ import annotations

import re

from lsprotocol import types

from fim_lsp.suggest.suggestion import Suggestion

_WORD = re.compile(r"\w*\Z")


def word_before(line_prefix: str) -> str:
    """The word that the cursor stands behind, which a completion menu filters by."""
    match = _WORD.search(line_prefix)
    return match[0] if match else ""


def inline_list(suggestion: Suggestion | None, span: types.Range) -> types.InlineCompletionList:
    """Ghost text. The range is always there: without one, VS Code takes the rest of the line, Neovim repeats text."""
    if suggestion is None:
        return types.InlineCompletionList(items=[])
    return types.InlineCompletionList(items=[types.InlineCompletionItem(insert_text=suggestion.text, range=span)])


def completion_list(
    suggestion: Suggestion | None, word: str, span: types.Range, *, snippets: bool
) -> types.CompletionList:
    """A menu entry for editors without inline completion; ``span`` begins where ``word``, before the cursor, does.

    The label is one line, and the filter is the word and what goes on with it, so that the menu stays open while one
    types along. ``snippets``: Neovim inserts only the first line of a plain item, so a client that takes snippets gets
    several lines as one.
    """
    if suggestion is None:
        return types.CompletionList(is_incomplete=True, items=[])
    first, *more = suggestion.text.strip("\r\n").splitlines()
    whole = word + suggestion.text
    as_snippet = snippets and bool(more)
    item = types.CompletionItem(
        label=(word + first).strip() + (" …" if more else ""),
        kind=types.CompletionItemKind.Text,
        detail="fim-lsp",
        filter_text=word + first,
        sort_text="\x01",
        text_edit=types.TextEdit(range=span, new_text=_escaped(whole) if as_snippet else whole),
        insert_text_format=types.InsertTextFormat.Snippet if as_snippet else types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        documentation=_preview(whole) if more else None,
    )
    return types.CompletionList(is_incomplete=True, items=[item])


def _escaped(text: str) -> str:
    r"""As a snippet's text: ``\``, ``$`` and ``}`` would be syntax."""
    return re.sub(r"([\\$}])", r"\\\1", text)


def _preview(text: str) -> types.MarkupContent:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return types.MarkupContent(kind=types.MarkupKind.Markdown, value=f"{fence}\n{text}\n{fence}")
