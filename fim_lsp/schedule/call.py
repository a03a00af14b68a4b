"""One call to a back end, and what was typed since it was made."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Hashable
from dataclasses import dataclass
from typing import Protocol

from fim_lsp.backends.base import Chunk
from fim_lsp.schedule.snapshot import Snapshot
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.document import Edit, split_lines
from fim_lsp.text.typed import AUTO_PAIRS, advance, typed_since


class Source(Protocol):
    """What a lane needs to know about the settings in force."""

    @property
    def scope(self) -> Hashable:
        """Back end and generation settings: an answer is good only for the same."""

    @property
    def waits(self) -> bool:
        """Whether calls cost something, so that the user's pause is worth waiting for."""

    @property
    def patience(self) -> float:
        """A factor on that wait, 1 or more: grows as the budget runs low."""

    @property
    def identity(self) -> Hashable:
        """What a call under way hangs on: with another, it is hung up on."""

    def stream(self, snapshot: Snapshot) -> AsyncGenerator[Chunk, None]:
        """Ask for a completion."""

    def enough(self, snapshot: Snapshot, text: str) -> bool:
        """Whether ``text`` is all that would be shown."""

    def shape(self, snapshot: Snapshot, text: str, finished: str | None) -> Suggestion | None:
        """What is shown of ``text``."""


LONGEST = 50_000  # characters of an answer that are kept; nobody reads more at a time

_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(slots=True, eq=False)
class Call:
    """A call that waits for its moment or is under way.

    ``typed`` is what the edits since have put in at its cursor; ``followed``: one of them agreed, so that the editor will
    ask again. ``answered`` is when there was enough for the request it was made for; ``farewell`` is the moment of hanging
    up because nobody seems to want it any more.
    """

    snapshot: Snapshot
    source: Source
    task: asyncio.Task[None] | None = None
    started: bool = False
    began: float | None = None
    text: str = ""
    finished: str | None = None
    stand_in: bool = False
    typed: str = ""
    followed: bool = False
    answered: float | None = None
    farewell: asyncio.TimerHandle | None = None
    _written: str = ""

    def add(self, chunk: Chunk) -> None:
        """Take in what has arrived."""
        if chunk.anew:
            self._written, self.finished = "", None
        self._written = (self._written + chunk.text)[:LONGEST]
        self.text = (
            _LINE_END.sub(self.snapshot.split.line_end, self._written) if "\n" in self._written else self._written
        )
        self.finished = chunk.finish or self.finished
        self.stand_in = self.stand_in or chunk.stand_in

    def agrees(self, snapshot: Snapshot) -> bool:
        """Whether what has arrived so far and what was typed since begin alike."""
        typed = typed_since(self.snapshot.split, snapshot.split)
        return typed is not None and self._begins_like(typed)

    def survives(self, edit: Edit) -> bool:
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
