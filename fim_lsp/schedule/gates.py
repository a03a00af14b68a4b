"""When no call is made at all, however long the user waits. What is known already is shown all the same."""

from __future__ import annotations

import enum

from fim_lsp.schedule.snapshot import Reason, Snapshot
from fim_lsp.text.document import Edit

LARGEST = 10_000_000  # characters: a larger file is data, and its window would tell a model little
_PASTED = 40  # characters put in at once: more than an editor adds by itself (brackets, indentation, an end of line)


class Change(enum.Enum):
    """What the last edit was."""

    NONE = enum.auto()
    TYPING = enum.auto()
    DELETION = enum.auto()
    PASTE = enum.auto()


def classify(edit: Edit, offered: str, *, scattered: bool) -> Change:
    """What an edit was. ``offered`` is the suggestion on the screen: accepting it, or a part, is typing.

    ``scattered``: the message that told it told of an edit elsewhere too, as commands make them (rename, several
    cursors, a formatter).
    """
    if scattered:
        return Change.PASTE
    if not edit.inserted:
        return Change.DELETION if edit.removed else Change.NONE
    if offered.startswith(edit.inserted) or edit.inserted.endswith(offered or "\0"):
        return Change.TYPING
    if len(edit.inserted) > _PASTED or "\n" in edit.inserted.strip() or edit.removed.count("\n") > 1:
        return Change.PASTE
    return Change.TYPING


def gate(snapshot: Snapshot, change: Change) -> Reason | None:
    """Why no call is made here, ``None`` if one may be. A user who asks by a key always may."""
    if snapshot.explicit:
        return None
    if change is Change.DELETION:
        return Reason.DELETION
    if change is Change.PASTE:
        return Reason.PASTE
    before, after = snapshot.split.line_prefix[-1:], snapshot.split.line_suffix[:1]
    return Reason.IN_WORD if _in_word(before) and _in_word(after) else None


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
