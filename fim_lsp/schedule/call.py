"""One call to a back end: its state, the text that has arrived, and what was typed since it was made."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from fim_lsp.backends.backend import Chunk
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import CompletionResult, Outcome, Request, Snapshot
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.document import Edit, split_lines
from fim_lsp.text.positions import LINE_END
from fim_lsp.text.typed import AUTO_PAIRS, advance, typed_since

MAX_CHARACTERS = 16_000  # of an answer that are kept: several suggestions, each the next one after an accept

_MAX_READS = 64  # how often the text so far may be examined in total, beyond what is free
_FREE_CHARACTERS = 16_000  # an answer of the usual length is examined at every chunk


class StreamedText:
    """The text of an answer as it arrives, with the document's line ends."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start from scratch."""
        self._pieces: list[str] = []
        self._after_cr = False
        self._characters_read = 0
        self.size = 0

    def add(self, text: str, line_end: str) -> None:
        """Append text, which may split a line end. Whatever exceeds ``MAX_CHARACTERS`` is dropped."""
        if piece := text[: max(0, MAX_CHARACTERS - self.size)]:
            whole = piece.removeprefix("\n") if self._after_cr else piece
            self._after_cr = piece.endswith("\r")
            self._pieces.append(LINE_END.sub(line_end, whole))
            self.size += len(self._pieces[-1])

    def __str__(self) -> str:
        if len(self._pieces) > 1:  # joined when it is examined, not at every chunk
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def take_examination(self) -> bool:
        """Whether to examine the whole text now; if so, the examination is counted.

        Examining it at every chunk would take time quadratic in an answer's length. Short answers are examined at every
        chunk nevertheless, long ones each time they have grown by a 64th.
        """
        if self._characters_read + self.size > _MAX_READS * self.size + _FREE_CHARACTERS:
            return False
        self._characters_read += self.size
        return True


class CallState(enum.Enum):
    """Where a call is in its life."""

    DEBOUNCING = enum.auto()  # waits for a pause in typing
    STREAMING = enum.auto()  # in flight, and more text is wanted
    COMPLETE = enum.auto()  # in flight, and more text would not change what is shown
    ENDED = enum.auto()  # the answer has ended, or the call failed or was hung up on


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPart:
    """What was shown for a snapshot before the call's end."""

    snapshot: Snapshot
    suggestion: Suggestion


@dataclass(slots=True, eq=False)
class Call:
    """A call made for ``snapshot``, or waiting to be made: while it is debounced, that is the newest request's.

    Times are in seconds: ``started_at``; ``complete_at``, when it became ``COMPLETE``; ``head_at``, when the first line of
    a block was complete; ``part_shown_at``, when a part of a block was last shown. ``hang_up_timer`` runs while no request
    wants the call. ``author``, ``because`` and ``overdue``: see :class:`~fim_lsp.backends.backend.Chunk`.
    """

    snapshot: Snapshot
    chain: FallbackChain
    state: CallState = CallState.DEBOUNCING
    task: asyncio.Task[None] | None = None
    hang_up_timer: asyncio.TimerHandle | None = None
    started_at: float = 0.0
    complete_at: float = 0.0
    head_at: float | None = None
    part_shown_at: float | None = None
    shown_parts: list[ShownPart] = field(default_factory=list)
    finish: str | None = None
    from_fallback: bool = False
    author: str = ""
    because: str = ""
    overdue: bool = False
    _typed: str = ""
    _streamed: StreamedText = field(default_factory=StreamedText)
    _matching: Snapshot | None = None

    # -- transitions

    def start(self, now: float) -> None:
        """The debounce is over: the call is made for the newest request's snapshot."""
        self.state, self.started_at = CallState.STREAMING, now

    def complete(self, now: float) -> None:
        """There is enough text for the request that the call was made for."""
        self.state, self.complete_at = CallState.COMPLETE, now

    def reopen(self) -> None:
        """A later request reuses it, which may want more text."""
        self.state = CallState.STREAMING

    @property
    def in_flight(self) -> bool:
        """Whether it has been made and has not ended."""
        return self.state in (CallState.STREAMING, CallState.COMPLETE)

    def hang_up_in(self, delay: float, hang_up: Callable[[], None]) -> None:
        """Call ``hang_up`` in ``delay`` seconds, unless a request wants the output by then. Replaces an earlier delay."""
        self.keep()
        self.hang_up_timer = asyncio.get_running_loop().call_later(delay, hang_up)

    def keep(self) -> None:
        """A request wants the output: do not hang up."""
        if self.hang_up_timer is not None:
            self.hang_up_timer.cancel()
            self.hang_up_timer = None

    # -- what has arrived

    def result_for(
        self, request: Request, outcome: Outcome, suggestion: Suggestion | None = None, cut_by: tuple[str, ...] = ()
    ) -> CompletionResult:
        """The result of a request that is answered with this output."""
        return CompletionResult(
            outcome=outcome,
            suggestion=suggestion,
            backend=self.author,
            reason=self.because,
            call=self.snapshot.number,
            waited=max(0.0, self.started_at - request.made_at),
            cut_by=cut_by,
        )

    @property
    def text(self) -> str:
        """The text so far."""
        return str(self._streamed)

    @property
    def is_full(self) -> bool:
        """Whether the text has reached its limit."""
        return self._streamed.size >= MAX_CHARACTERS

    def add(self, chunk: Chunk) -> None:
        """Add a chunk."""
        if chunk.replaces_previous:
            self._streamed.clear()
            self.finish = self._matching = None
        self._streamed.add(chunk.text, self.snapshot.split.line_end)
        self.finish = chunk.finish or self.finish
        self.overdue = (self.overdue or chunk.overdue) and not self._streamed.size
        self.from_fallback = self.from_fallback or chunk.from_fallback
        if chunk.author:
            self.author, self.because = chunk.author, chunk.because

    def take_examination(self) -> bool:
        """See :meth:`StreamedText.take_examination`."""
        return self._streamed.take_examination()

    def text_after(self, snapshot: Snapshot) -> str | None:
        """The text from a later cursor on; ``None`` if something was typed that does not match it."""
        typed = typed_since(self.snapshot.split, snapshot.split)
        return self.text[len(typed) :] if typed is not None and self.text.startswith(typed) else None

    # -- what was typed since

    def matches(self, snapshot: Snapshot) -> bool:
        """Whether what was typed since the call matches the text so far."""
        if self._matching is snapshot:
            return True  # more text can't change that
        typed = typed_since(self.snapshot.split, snapshot.split)
        if typed is None or not self._begins_like(typed):
            return False
        if self._streamed.size >= len(typed):
            self._matching = snapshot
        return True

    def is_outdated(self, snapshot: Snapshot) -> bool:
        """Whether a request needs another call, because it does not match, or a key has come while nothing did."""
        return not self.matches(snapshot) or (self.overdue and typed_since(self.snapshot.split, snapshot.split) != "")

    def apply_edit(self, edit: Edit) -> bool:
        """Whether the call's output may still be right after an edit; an edit away from its cursor does not matter."""
        line, column = advance(self.snapshot.split.line, self.snapshot.split.column, self._typed)
        if (edit.line, edit.column) == (line, column) and not edit.removed:
            self._typed += edit.inserted[:1] if edit.inserted in AUTO_PAIRS else edit.inserted
            return self._begins_like(self._typed)
        end = edit.line + len(split_lines(edit.removed)) - 1
        return end < line or (edit.line, edit.column) > (line, column)

    def _begins_like(self, typed: str) -> bool:
        return self.text.startswith(typed) or typed.startswith(self.text)
