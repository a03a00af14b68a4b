"""Records how the latest requests were answered, for users who wonder why no suggestion appeared.

Contains none of the user's text: only positions, reasons, counts and times.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot

MAX_ENTRIES = 30

EXPLANATIONS: Final = MappingProxyType(
    {
        Outcome.CALL: "from the back end",
        Outcome.REUSED_CALL: "from a call that was already in flight",
        Outcome.CACHE: "from the cache",
        Outcome.FALLBACK: "from a fallback, because the first back end could not answer",
        Outcome.SUPERSEDED: "nothing: superseded by a newer request or edit",
        Outcome.EXCLUDED: "nothing: the file is excluded or ignored, and is never sent",
        Outcome.LOCAL_ONLY: "nothing: the file must not leave this machine (local_only), and no back end runs here",
        Outcome.TOO_LARGE: "nothing: the file is too large",
        Outcome.TURNED_OFF: "nothing: suggestions are turned off in this editor",
        Outcome.SNOOZED: "nothing: suggestions are snoozed",
        Outcome.LANGUAGE_OFF: "nothing: suggestions are off for this language",
        Outcome.MANUAL: "nothing: suggestions appear only when you ask for one (trigger)",
        Outcome.DELETION: "nothing: the last edit only deleted text",
        Outcome.PASTE: "nothing: the last edit was pasted or made by a program",
        Outcome.IN_WORD: "nothing: the cursor is inside a word",
        Outcome.EMPTY: "nothing: the back end returned no text, or none that could be shown",
        Outcome.NO_BACKEND: "nothing: no back end answered",
        Outcome.CLOSED: "nothing: the document was closed",
    }
)


def explain(result: CompletionResult) -> str:
    """Where a suggestion came from and how long it is, or why there is none."""
    explanation, suggestion = EXPLANATIONS[result.outcome], result.suggestion
    if suggestion is None:
        return explanation
    lines = suggestion.text.count("\n") + 1
    return f"{lines} line{'s' * (lines > 1)}, {len(suggestion.text)} characters: {explanation}"


class RequestLog:
    """The latest answered requests of one editor. ``time_of_day`` is the current time as a string."""

    def __init__(self, time_of_day: Callable[[], str] = lambda: time.strftime("%H:%M:%S")) -> None:
        self._time_of_day = time_of_day
        self._entries: deque[str] = deque(maxlen=MAX_ENTRIES)

    def add(self, snapshot: Snapshot, result: CompletionResult, seconds: float) -> None:
        """Record the result of a request and how long it took."""
        place = f"{snapshot.path or 'a document'}:{snapshot.split.line + 1}:{snapshot.split.column + 1}"
        manual = " (manually triggered)" if snapshot.explicit else ""
        self._entries.append(f"{self._time_of_day()} {place}{manual} {1000 * seconds:.0f} ms · {explain(result)}")

    def entries(self) -> list[str]:
        """One line per request, the newest first."""
        return list(reversed(self._entries))
