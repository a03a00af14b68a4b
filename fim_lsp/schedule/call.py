"""One call to a back end, and what was typed since it was made."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from fim_lsp.backends.backend import Chunk
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import Snapshot
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.document import Edit, split_lines
from fim_lsp.text.typed import AUTO_PAIRS, advance, typed_since

LONGEST = 16_000  # characters of an answer that are kept: several suggestions, each the next one after an accept

_LOOK = 64  # all looks at an answer read so many times what has arrived at the most, and what follows besides
_FREE = 16_000  # characters: an answer of the usual length is looked at with every chunk
_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What was shown at a snapshot's place before the call had come to its end."""

    snapshot: Snapshot
    suggestion: Suggestion


@dataclass(slots=True, eq=False)
class Call:
    """A call that waits for its moment or is under way.

    ``typed`` is what the edits since have put in at its cursor; ``followed``: one of them agreed, so that the editor will
    ask again. ``answered`` is when there was enough for the request it was made for; ``hang_up_timer`` is the moment of hanging
    up because nobody seems to want it any more. ``headed`` is when the first line of a block had come, ``begun_at`` when the
    beginning of one was shown last; ``begun`` is what was shown before the call's end.
    """

    snapshot: Snapshot
    source: FallbackChain
    task: asyncio.Task[None] | None = None
    started: bool = False
    began: float | None = None
    finished: str | None = None
    from_fallback: bool = False
    typed: str = ""
    followed: bool = False
    answered: float | None = None
    hang_up_timer: asyncio.TimerHandle | None = None
    headed: float | None = None
    begun_at: float | None = None
    begun: list[Begun] = field(default_factory=list)
    size: int = 0
    _pieces: list[str] = field(default_factory=list)
    _after_cr: bool = False
    _read: int = 0
    _agreed: Snapshot | None = None

    @property
    def text(self) -> str:
        """All that has arrived, with the document's line ends. Joined when it is looked at, not with every chunk."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def add(self, chunk: Chunk) -> None:
        """Take in what has arrived. Only that is read: a line end may be cut in two, the rest stays as it is."""
        if chunk.replaces_previous:
            self._pieces, self.size, self._read, self.finished = [], 0, 0, None
            self._after_cr, self._agreed = False, None
        if piece := chunk.text[: max(0, LONGEST - self.size)]:
            bare = piece.removeprefix("\n") if self._after_cr else piece
            self._after_cr = piece.endswith("\r")
            self._pieces.append(_LINE_END.sub(self.snapshot.split.line_end, bare))
            self.size += len(self._pieces[-1])
        self.finished = chunk.finish or self.finished
        self.from_fallback = self.from_fallback or chunk.from_fallback

    def worth_a_look(self) -> bool:
        """Whether to look at the whole text again, now that more has arrived; to be asked once before each look.

        Looking with every chunk would cost the square of an answer's length. An answer of a few hundred characters is
        looked at with every chunk all the same; in a long one, looks come apart, by a 64th of its length.
        """
        if self._read + self.size > _LOOK * self.size + _FREE:
            return False
        self._read += self.size
        return True

    def rest(self, snapshot: Snapshot) -> str | None:
        """What has arrived for a later cursor's place; ``None`` if something else was typed than the text says."""
        typed = typed_since(self.snapshot.split, snapshot.split)
        return self.text[len(typed) :] if typed is not None and self.text.startswith(typed) else None

    def matches(self, snapshot: Snapshot) -> bool:
        """Whether what has arrived so far and what was typed since begin alike."""
        if self._agreed is snapshot:
            return True  # more text changes nothing about that
        typed = typed_since(self.snapshot.split, snapshot.split)
        if typed is None or not self._begins_like(typed):
            return False
        if self.size >= len(typed):
            self._agreed = snapshot
        return True

    def apply_edit(self, edit: Edit) -> bool:
        """Whether the call may still be right after an edit. One that doesn't touch its cursor says nothing."""
        line, column = advance(self.snapshot.split.line, self.snapshot.split.column, self.typed)
        if (edit.line, edit.column) == (line, column) and not edit.removed:
            self.typed += edit.inserted[:1] if edit.inserted in AUTO_PAIRS else edit.inserted
            self.followed = self._begins_like(self.typed)
            return self.followed
        end = edit.line + len(split_lines(edit.removed)) - 1
        return end < line or (edit.line, edit.column) > (line, column)

    def _begins_like(self, typed: str) -> bool:
        return self.text.startswith(typed) or typed.startswith(self.text)
