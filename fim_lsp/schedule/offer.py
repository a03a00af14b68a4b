"""One suggestion that the editor has, compared with the edits that follow: what of it is typed, and what is taken.

Taking is one edit at the cursor that inserts the suggestion or its beginning. Editors send it in many forms: with the
characters that it replaces, with the word before it, as the smallest difference between two texts, in several edits.
Therefore the text after the cursor is compared, not the edit. A single character, a pair of brackets or white space is
what editors insert for one key, and never counts as taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from fim_lsp.schedule.events import Acceptance
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split
from fim_lsp.text.document import Edit, common_prefix_length, split_lines
from fim_lsp.text.typed import AUTO_PAIRS, advance, moved, paired_closers

_Position: TypeAlias = tuple[int, int]

_MAX_AFTER = 1_000  # characters after the cursor that are compared, besides the suggestion's
_WORD = re.compile(r"\s*(\w+|[^\w\s]+)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The part of a suggestion's text from ``start`` to ``end`` was taken; it is in the document at ``position`` now."""

    start: int
    end: int
    position: _Position


@dataclass(slots=True, eq=False, kw_only=True)
class Offer:
    """A suggestion as the editor has it.

    ``text`` is all of it, ``done`` the number of its characters that are in the document, and ``base`` the number that
    were when it was last sent, at ``split``. ``position`` is the place of the next character; ``None`` if it is unknown,
    because something else was typed.
    """

    text: str
    replace: int
    split: Split
    base: int = 0
    done: int = 0
    position: _Position | None = None
    _after: str = ""  # what follows the cursor
    _edited: str = ""  # the same, after edits that are not understood yet
    _undo: tuple[Taken, str] | None = None  # what the last edit took, and what followed the cursor before

    @property
    def rest(self) -> str:
        """What is not in the document yet."""
        return self.text[self.done :]

    def send(self, split: Split, suggestion: Suggestion) -> None:
        """The rest was sent to the editor again, for a request at ``split``; it may be longer or shorter than before."""
        self.text = self.text[: self.done] + suggestion.text
        self.replace, self.split, self.base = suggestion.replace, split, self.done
        self.place(split)

    def place(self, split: Split) -> None:
        """The cursor is where the rest belongs."""
        self.position = split.line, split.column
        self._after = self._edited = split.suffix[: len(self.text) + self.replace + _MAX_AFTER]
        self._undo = None

    def apply(self, edit: Edit) -> Taken | None:
        """Follow an edit; the result is what it took of the suggestion."""
        if self.position is None:
            return None
        start = (edit.line, edit.column)
        if start == self.position and not edit.removed and self._type(edit.inserted):
            return None
        if self._undo is not None and self._undoes(edit, *self._undo):
            return None
        if advance(*start, edit.removed) < self.position:
            self.position = moved(self.position, edit)
            return None
        if edit.line > self.position[0] + len(self._edited):  # cheap, and far enough
            return None
        return self._compare(edit)

    def how(self, start: int, end: int) -> Acceptance:
        """What kind of part the characters from ``start`` to ``end`` are."""
        if end >= len(self.text):
            return Acceptance.WHOLE
        part = self.text[start:end]
        if _WORD.fullmatch(part):
            return Acceptance.WORD
        ends_line = part.endswith(("\n", "\r")) or self.text[end] in "\r\n"
        return Acceptance.LINE if ends_line else Acceptance.PART

    def _type(self, inserted: str) -> bool:
        """Whether one key inserted this at the cursor. What differs from the suggestion makes the position unknown."""
        key, closer = (inserted[:1], inserted[1:]) if inserted in AUTO_PAIRS else (inserted, "")
        if len(key) > 1 and not key.isspace():
            return False
        if not self.text.startswith(key, self.done):
            self.position = None
            return True
        self._advance(key)
        self._after = self._edited = closer + self._edited
        return True

    def _advance(self, text: str) -> _Position:
        """``text`` is in the document at the cursor now; the result is where."""
        assert self.position is not None  # noqa: S101 - the callers checked it
        before, self.position = self.position, advance(*self.position, text)
        self.done += len(text)
        self._undo = None
        return before

    def _compare(self, edit: Edit) -> Taken | None:
        """Compare what follows the cursor after the edit with the suggestion."""
        before, edited = self._edited, self._applied(edit)
        if edited is None:
            self.position = None
            return None
        self._edited = edited
        size = self._matched(edit) if edited != before else 0
        if not size:
            return None
        taken = Taken(start=self.done, end=self.done + size, position=self._advance(self.rest[:size]))
        self._undo = taken, self._after
        self._after = self._edited = edited[size:]
        return taken

    def _applied(self, edit: Edit) -> str | None:
        """What follows the cursor after an edit that touches it; ``None`` if the edit changes what precedes the cursor."""
        assert self.position is not None  # noqa: S101 - the caller checked it
        start, text, inserted, removed = (edit.line, edit.column), self._edited, edit.inserted, edit.removed
        if start > self.position:
            at = _distance(text, self.position, start)
        else:
            kept = _distance(removed, start, self.position)
            if kept is None or inserted[:kept] != removed[:kept]:
                return None
            at, inserted, removed = 0, inserted[kept:], removed[kept:]
        if at is None:
            return text  # too far after the cursor to matter
        return text[:at] + inserted + text[at + len(removed) :] if text.startswith(removed, at) else None

    def _matched(self, edit: Edit) -> int:
        """How many characters of the rest were inserted before what followed the cursor; 0 if that is not what happened."""
        rest, now, after = self.rest, self._edited, self._after
        if len(edit.inserted) < 2 or edit.inserted in AUTO_PAIRS or not rest:
            return 0
        if now in (rest + after[self.replace :], rest + after):
            return len(rest)
        if edit.removed:
            return 0
        same = common_prefix_length(now, rest)
        grown = len(now) - len(after)
        size = grown if 1 < grown <= same and now[grown:] == after else 0
        closers = paired_closers(rest[:same])
        if not size and closers and now[same:] == closers + after:
            size = same
        return 0 if rest[:size].isspace() else size

    def _undoes(self, edit: Edit, taken: Taken, after: str) -> bool:
        """Go back to before ``taken`` if the edit undoes it; ``after`` is what followed the cursor then."""
        same = common_prefix_length(edit.removed, edit.inserted)
        if advance(edit.line, edit.column, edit.removed[:same]) != taken.position:
            return False
        removed, inserted = edit.removed[same:], edit.inserted[same:]
        if removed != self.text[taken.start : taken.end] or inserted not in ("", after[: self.replace]):
            return False
        self.done, self.position, self._undo = taken.start, taken.position, None
        self._after = self._edited = after
        return True


def _distance(text: str, start: _Position, end: _Position) -> int | None:
    """The index in ``text``, which begins at ``start``, of the position ``end``; ``None`` if it is not inside."""
    lines = end[0] - start[0]
    if lines == 0:
        index = end[1] - start[1]
    else:
        pieces = split_lines(text)
        if lines >= len(pieces):
            return None
        index = sum(map(len, pieces[:lines])) + end[1]
    return index if 0 <= index <= len(text) else None
