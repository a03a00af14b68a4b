"""Where no call is made, however long the user pauses. Cached suggestions are shown nevertheless."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from fim_lsp.schedule.request import Outcome, Snapshot
from fim_lsp.text.document import Edit
from fim_lsp.text.typed import advance, moved

_MAX_TYPED = 40  # characters inserted at once: more than an editor adds by itself (brackets, indentation, a line end)


class EditKind(enum.Enum):
    """What the last edit was."""

    NONE = enum.auto()
    TYPING = enum.auto()
    DELETION = enum.auto()
    PASTE = enum.auto()  # or a program's edit


def skip_reason(snapshot: Snapshot, edit_kind: EditKind) -> Outcome | None:
    """Why no call is made here, or ``None`` if one may be made, as is always the case for an explicit request."""
    if snapshot.explicit:
        return None
    if edit_kind is EditKind.DELETION:
        return Outcome.DELETION
    if edit_kind is EditKind.PASTE:
        return Outcome.PASTE
    before, after = snapshot.split.line_prefix[-1:], snapshot.split.line_suffix[:1]
    return Outcome.IN_WORD if _in_word(before) and _in_word(after) else None


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def edit_kind(edit: Edit, offered: str, *, scattered: bool) -> EditKind:
    """What an edit was. ``offered`` is the suggestion on the screen: accepting it, or a part of it, is typing.

    ``scattered``: its notification contains another edit elsewhere, as with commands such as rename or a formatter.
    """
    if scattered:
        return EditKind.PASTE
    if not edit.inserted:
        return EditKind.DELETION if edit.removed else EditKind.NONE
    if offered.startswith(edit.inserted) or edit.inserted.endswith(offered or "\0"):
        return EditKind.TYPING
    if len(edit.inserted) > _MAX_TYPED or "\n" in edit.inserted.strip() or edit.removed.count("\n") > 1:
        return EditKind.PASTE
    return EditKind.TYPING


@dataclass(slots=True, eq=False)
class LastEdit:
    """The kind of the last notification's edits as a whole, and where they ended: one of these positions is a cursor."""

    _kind: EditKind = EditKind.NONE
    _ends: tuple[tuple[int, int], ...] = ()
    _inserted: str | None = None  # the text inserted at these positions, if it is the same at all of them

    def add(self, edits: Sequence[Edit], offered: str) -> None:
        """The edits of one notification; ``offered`` is the suggestion on the screen.

        Neovim reports several keystrokes in one notification, and editors with several cursors one keystroke at each.
        """
        for number, edit in enumerate(edits):
            self._add(edit, offered, first=number == 0)

    def was_accepted(self) -> None:
        """The editor reports that the edit accepted a suggestion: that is typing, however much was inserted."""
        if self._kind is EditKind.PASTE:
            self._kind = EditKind.TYPING

    def kind_at(self, line: int, column: int) -> EditKind:
        """The kind of the edits if one ended here: edits elsewhere don't reveal what is wanted."""
        return self._kind if (line, column) in self._ends else EditKind.NONE

    def _add(self, edit: Edit, offered: str, *, first: bool) -> None:
        end = advance(edit.line, edit.column, edit.inserted)
        if first or self._is_continued_by(edit):
            self._inserted = edit.inserted if first and not edit.removed else None
            self._kind, self._ends = edit_kind(edit, offered, scattered=False), (end,)
            return
        if edit.removed or edit.inserted != self._inserted:
            self._inserted = None
        self._kind = edit_kind(edit, offered, scattered=self._inserted is None)
        self._ends = (*(moved(place, edit) for place in self._ends), end)

    def _is_continued_by(self, edit: Edit) -> bool:
        """Whether an edit begins or ends where the previous one, the only one so far, ended."""
        return self._ends in {((edit.line, edit.column),), (advance(edit.line, edit.column, edit.removed),)}
