"""What became of the last requests, and how the back ends are: for the status line, and for whoever wonders about silence.

Holds no text of the user's: a place, a reason, counts and times.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fim_lsp.backends.backend import Backend
from fim_lsp.errors import BackendError, RateLimited
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot

_KEPT = 30  # answers

SENTENCES: Final = MappingProxyType(
    {
        Outcome.CALL: "the back end was asked",
        Outcome.REUSED_CALL: "a call under way brought it",
        Outcome.CACHE: "known already",
        Outcome.FALLBACK: "from a stand-in, because the first back end could not answer",
        Outcome.SUPERSEDED: "nothing: a newer request or edit took its place",
        Outcome.EXCLUDED: "nothing: the file is excluded or ignored, and never sent",
        Outcome.LOCAL_ONLY: "nothing: the file stays on this machine (local_only), and no back end is here",
        Outcome.TOO_LARGE: "nothing: the file is too large",
        Outcome.DELETION: "nothing: the last edit only took away",
        Outcome.PASTE: "nothing: the last edit was a paste, or a program's",
        Outcome.IN_WORD: "nothing: the cursor is inside a word",
        Outcome.EMPTY: "nothing: the back end had nothing to say, or nothing that could be shown",
        Outcome.NO_BACKEND: "nothing: no back end answered",
        Outcome.CLOSED: "nothing: the document was closed",
    }
)
"""Each reason for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """``state`` is ``ready``, ``busy``, ``paused`` (the quota), ``trouble`` or ``off`` (no back end)."""

    state: str
    reason: str
    backend: str = ""
    model: str = ""
    host: str = ""


class RequestLog:
    """One editor's. ``changed`` hears of each new status; ``clock`` gives seconds, ``now`` the time of day as text."""

    def __init__(
        self,
        changed: Callable[[Status], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], str] = lambda: time.strftime("%H:%M:%S"),
    ) -> None:
        self._changed = changed
        self._clock = clock
        self._now = now
        self._entries: deque[str] = deque(maxlen=_KEPT)
        self._backends: tuple[Backend, ...] = ()
        self._troubles: dict[str, tuple[str, str]] = {}
        self._waiting = 0
        self._last = ""
        self.status = Status(state="off", reason="not started")

    def follow(self, backends: tuple[Backend, ...]) -> None:
        """These back ends are tried from now on, in this order."""
        kept = {backend.name for backend in backends if any(backend is other for other in self._backends)}
        self._troubles = {name: what for name, what in self._troubles.items() if name in kept}
        self._backends = backends
        self._tell()

    def asked(self, snapshot: Snapshot) -> Callable[[CompletionResult], None]:
        """A request came, and will not be answered at once. Call what is returned with its answer."""
        started = self._clock()
        self._waiting += 1
        self._tell()

        def answered(answer: CompletionResult) -> None:
            self._waiting -= 1
            self.answered(snapshot, answer, self._clock() - started)

        return answered

    def answered(self, snapshot: Snapshot, answer: CompletionResult, seconds: float = 0.0) -> None:
        """A request was answered."""
        sentence = SENTENCES[answer.outcome]
        shown = answer.suggestion
        if shown is not None:
            lines = shown.text.count("\n") + 1
            sentence = f"{lines} line{'s' * (lines > 1)}, {len(shown.text)} characters: {sentence}"
        self._last = sentence
        place = f"{snapshot.path or 'a document'}:{snapshot.split.line + 1}:{snapshot.split.column + 1}"
        asked = " (by key)" if snapshot.explicit else ""
        self._entries.append(f"{self._now()} {place}{asked} {1000 * seconds:.0f} ms · {sentence}")
        self._tell()

    def trouble(self, backend: Backend, error: BackendError) -> None:
        """A back end did not answer."""
        state = "paused" if isinstance(error, RateLimited) else "trouble"
        self._troubles[backend.name] = state, str(error)
        self._tell()

    def paused(self, backend: Backend, error: BackendError) -> None:
        """A back end is not asked for a while: it rests, or the quota is used up."""
        if self._troubles.get(backend.name, ("", ""))[0] != "trouble":
            self._troubles[backend.name] = "paused", str(error)
            self._tell()

    def fine(self, backend: Backend) -> None:
        """A back end answered."""
        if self._troubles.pop(backend.name, None):
            self._tell()

    def why(self) -> list[str]:
        """The status and the last answers, the newest first."""
        status = self.status
        where = " · ".join(part for part in (status.backend, status.model, status.host) if part)
        return [f"{status.state}: {status.reason} ({where or 'no back end'})", *reversed(self._entries)]

    def _tell(self) -> None:
        status = self._status()
        if status != self.status:
            self.status = status
            self._changed(status)

    def _status(self) -> Status:
        if not self._backends:
            return Status(state="off", reason="no back end can be used")
        first = self._backends[0]
        state, reason = self._troubles.get(first.name, ("busy" if self._waiting else "ready", self._last or "ready"))
        if first.name in self._troubles and len(self._backends) > 1:
            reason += f"; {self._backends[1].name} answers meanwhile"
        return Status(state=state, reason=reason, backend=first.name, model=first.model, host=first.host)
