"""An editor with one document, over the acceptance tracker alone."""

from __future__ import annotations

from collections.abc import Callable

from fim_lsp.schedule.acceptance import AcceptanceTracker
from fim_lsp.schedule.events import (
    Event,
    SuggestionAccepted,
    SuggestionDismissed,
    SuggestionShown,
    TextKept,
)
from fim_lsp.schedule.kept_text import KeptText
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split
from fim_lsp.text.document import Change, Document
from fim_lsp.text.positions import Encoding
from fim_lsp.text.typed import advance
from tests.marked import split

Position = tuple[int, int]


class Timers:
    """The event loop's ``call_later``, where a test says when the time is over."""

    def __init__(self) -> None:
        self.pending: list[tuple[float, Callable[[int], None], int]] = []

    def later(self, delay: float, function: Callable[[int], None], number: int) -> _Timer:
        entry = (delay, function, number)
        self.pending.append(entry)
        return _Timer(self, entry)

    def expire(self) -> None:
        """All the time that anything waits for is over."""
        while self.pending:
            _, function, number = self.pending.pop(0)
            function(number)


class _Timer:
    def __init__(self, timers: Timers, entry: tuple[float, Callable[[int], None], int]) -> None:
        self._timers, self._entry = timers, entry

    def cancel(self) -> None:
        if self._entry in self._timers.pending:
            self._timers.pending.remove(self._entry)


class Screen:
    """A document with the cursor at ``‸``. Each edit is a notification, or several are one (:meth:`edit`)."""

    def __init__(self, marked: str) -> None:
        at = split(marked)
        self.cursor: Position = (at.line, at.column)
        self.document = Document(marked.replace("‸", ""), Encoding.UTF32)
        self.events: list[Event] = []
        self.timers = Timers()
        kept = KeptText(self.events.append, call_later=self.timers.later, wall_clock=lambda: 0.0)
        self.tracker = AcceptanceTracker(self.events.append, kept=kept, wall_clock=lambda: 0.0)

    @property
    def text(self) -> str:
        return "".join(self.document.lines)

    @property
    def split(self) -> Split:
        return self.document.split(*self.cursor, before=24_000, after=24_000)

    def _answer(self, text: str | None, replace: int, backend: str) -> tuple[Snapshot, CompletionResult]:
        snapshot = Snapshot(uri="file:///a.py", language="python", path="a.py", split=self.split)
        suggestion = Suggestion(text=text, replace=replace) if text else None
        return snapshot, CompletionResult(outcome=Outcome.CALL, suggestion=suggestion, backend=backend)

    def ask(self, text: str | None, *, replace: int = 0, backend: str = "codestral") -> int:
        """A request at the cursor, answered with ``text``; the suggestion's number."""
        self.tracker.observe(self.split)
        return self.tracker.offer(*self._answer(text, replace, backend))

    def ask_alternative(self, text: str) -> int:
        """Another suggestion with the last answer."""
        return self.tracker.offer_alternative(*self._answer(text, 0, "ngram"))

    def edit(self, *changes: tuple[Position, Position, str]) -> None:
        """The changes of one notification; the cursor is after the last one."""
        self.tracker.edited([self.document.apply(Change(text, (start, end))) for start, end, text in changes])
        start, _, text = changes[-1]
        self.cursor = advance(*start, text)

    def insert(self, text: str, *, replace: int = 0) -> None:
        """One edit at the cursor."""
        line, column = self.cursor
        self.edit((self.cursor, (line, column + replace), text))

    def type(self, keys: str) -> None:
        """One notification for each key."""
        for key in keys:
            self.insert(key)

    def erase(self, count: int) -> None:
        """Remove characters of the line before the cursor, in one edit."""
        line, column = self.cursor
        self.edit(((line, column - count), self.cursor, ""))

    def seen(self) -> list[str]:
        """What was published since the last time, in short."""
        events, self.events[:] = self.events[:], []
        return [_short(event) for event in events]


def _short(event: Event) -> str:
    match event:
        case SuggestionShown():
            return f"{event.suggestion} shown"
        case SuggestionAccepted():
            by = " by command" if event.by_command else ""
            return f"{event.suggestion} {event.how} {event.characters}{by}"
        case SuggestionDismissed():
            return f"{event.suggestion} dismissed"
        case TextKept():
            return f"{event.suggestion} kept {event.kept} of {event.accepted}"
    raise AssertionError(event)
