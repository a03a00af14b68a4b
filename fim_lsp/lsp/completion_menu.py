"""Suggestions in the editor's completion menu: when they appear, how they are registered, and their entries."""

from __future__ import annotations

import enum
import re
import string
from typing import Final

from lsprotocol import types

from fim_lsp.lsp.to_protocol import Cursor, accepted
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.positions import LINE_END
from fim_lsp.text.unicode import on_one_line

# Helix closes its menu at each of these, and requests completions again only after a trigger character.
TRIGGER_CHARACTERS: Final = (*string.punctuation.replace("_", ""), " ", "\t", "\n")

_MAX_EDITOR_DELAY = 0.6  # seconds from an edit to an editor's own request: Helix waits 0.25 s, others less

_MAX_LABEL_LENGTH = 60  # characters: Helix cuts labels where its menu ends, others widen the menu


class MenuState(enum.Enum):
    """Whether the editor knows that the server has entries for its completion menu."""

    ABSENT = enum.auto()
    ADVERTISED = enum.auto()  # in the handshake, and therefore for good
    REGISTERED = enum.auto()  # until it is unregistered


def is_wanted(setting: str, *, has_inline_completion: bool) -> bool:
    """Whether the editor should have entries, by the setting ``menu``: always, or if it has no inline completion."""
    return setting == "always" or (setting == "auto" and not has_inline_completion)


def next_state(state: MenuState, *, wanted: bool, dynamic: bool) -> MenuState:
    """The state that the editor should be in. After the handshake, it can only change with ``dynamic`` registration."""
    if state is MenuState.ADVERTISED or not dynamic:
        return state
    return MenuState.REGISTERED if wanted else MenuState.ABSENT


# -- who asks


class MenuTrigger:
    """Tells the requests that a user makes by a key from those that an editor makes while the user types.

    In LSP both are ``Invoked``. Editors make theirs soon after an edit, and one for each; so whoever asks later, or again,
    is the user. Once for each place is enough: some editors repeat requests by themselves. This only matters where no
    suggestion appears without being asked for.
    """

    def __init__(self) -> None:
        self._last: tuple[str, int, int, float] | None = None
        self._was_asked = False

    def is_asked(self, params: types.CompletionParams, *, edited_at: float, now: float) -> bool:
        """Whether the user asks. The times, in seconds of one clock, are those of the last edit and of this request."""
        kind = params.context.trigger_kind if params.context else types.CompletionTriggerKind.Invoked
        if kind != types.CompletionTriggerKind.Invoked:
            return False
        request = (params.text_document.uri, params.position.line, params.position.character, edited_at)
        again, self._last = request == self._last, request
        if again and self._was_asked:
            return False
        self._was_asked = again or now - edited_at > _MAX_EDITOR_DELAY
        return self._was_asked


# -- entries


def completion_list(
    suggestion: Suggestion | None, cursor: Cursor, *, first_line: bool, number: int = 0
) -> types.CompletionList:
    """The completion menu, for editors without inline completion.

    A suggestion of several lines has an entry for all of it and, if ``first_line``, one for the first line alone. They are
    plain text: in a snippet, Helix, Neovim and VS Code would indent every line after the first once more. ``number`` is the
    suggestion's, by which the editor reports that it was accepted.
    """
    if suggestion is None:
        return types.CompletionList(is_incomplete=True, items=[])
    word = cursor.word
    replaced = cursor.range(len(word), suggestion.replace)
    first = _through_first_line(suggestion.text)
    entries = [_entry(word, suggestion.text, replaced, order=1, command=accepted(number))]
    if first != suggestion.text and first.strip() and first_line and not suggestion.replace:
        entries.append(_entry(word, first, replaced, order=2, command=accepted(number, first)))
    return types.CompletionList(is_incomplete=True, items=entries)


def _entry(
    word: str, text: str, replaced: types.Range, *, order: int, command: types.Command | None
) -> types.CompletionItem:
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
        command=command,
    )


def _partition(text: str) -> tuple[str, str, str]:
    """The line ends at the start of ``text``, its first line that is not empty, and what follows."""
    body = text.lstrip("\r\n")
    first = LINE_END.split(body, maxsplit=1)[0]
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
