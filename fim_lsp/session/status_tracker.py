"""The state of the back end that is tried first, for editors with a status line."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from fim_lsp.backends.backend import Backend
from fim_lsp.errors import BackendError, RateLimited
from fim_lsp.schedule.events import BackendEvent, EventKind


class StatusState(enum.StrEnum):
    """The values are those of the notification ``fim-lsp/status``."""

    READY = "ready"
    BUSY = "busy"  # a request is in progress
    PAUSED = "paused"  # the quota is used up, or the circuit breaker is open
    FAILING = "trouble"
    OFF = "off"  # no back end can be used


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What an editor may show. ``reason`` is a failure, or what became of the latest request."""

    state: StatusState
    reason: str
    backend: str = ""
    model: str = ""
    host: str = ""

    def __str__(self) -> str:
        where = " · ".join(part for part in (self.backend, self.model, self.host) if part)
        return f"{self.state}: {self.reason} ({where or 'no back end'})"


class StatusTracker:
    """Derives the status of one editor from its requests and the events of its back ends.

    ``on_change`` is called with each new status.
    """

    def __init__(self, on_change: Callable[[Status], None] = lambda _status: None) -> None:
        self._on_change = on_change
        self._backends: tuple[Backend, ...] = ()
        self._failures: dict[str, tuple[StatusState, str]] = {}  # by back end: state and reason
        self._in_progress = 0
        self._last_answer = ""
        self.status = Status(state=StatusState.OFF, reason="not started")

    def set_backends(self, backends: tuple[Backend, ...]) -> None:
        """Take the back ends in the order they are tried. The failures of those that remain are kept."""
        remaining = {backend.name for backend in backends if any(backend is other for other in self._backends)}
        self._failures = {name: failure for name, failure in self._failures.items() if name in remaining}
        self._backends = backends
        self._update()

    def on_backend_event(self, event: BackendEvent) -> None:
        """Take a failure, a pause or a success into account."""
        name, error = event.backend.name, event.error
        match event.kind:
            case EventKind.ANSWERED:
                self._failures.pop(name, None)
            case EventKind.FAILED if error is not None:
                self._failures[name] = _state_after(error), str(error)
            case EventKind.PAUSED if error is not None and not self._is_failing(name):
                self._failures[name] = StatusState.PAUSED, str(error)
        self._update()

    def request_started(self) -> None:
        """A request is in progress."""
        self._in_progress += 1
        self._update()

    def request_ended(self, explanation: str) -> None:
        """A request that was in progress has been answered."""
        self._in_progress -= 1
        self.request_answered(explanation)

    def request_answered(self, explanation: str) -> None:
        """A request has been answered. ``explanation`` is the reason to show while nothing fails."""
        self._last_answer = explanation
        self._update()

    def _is_failing(self, name: str) -> bool:
        return name in self._failures and self._failures[name][0] is StatusState.FAILING

    def _update(self) -> None:
        status = self._current()
        if status != self.status:
            self.status = status
            self._on_change(status)

    def _current(self) -> Status:
        if not self._backends:
            return Status(state=StatusState.OFF, reason="no back end can be used")
        first, *fallbacks = self._backends
        if failure := self._failures.get(first.name):
            state, reason = failure
            reason += f"; {fallbacks[0].name} answers meanwhile" if fallbacks else ""
        else:
            state, reason = StatusState.BUSY if self._in_progress else StatusState.READY, self._last_answer or "ready"
        return Status(state=state, reason=reason, backend=first.name, model=first.model, host=first.host)


def _state_after(error: BackendError) -> StatusState:
    return StatusState.PAUSED if isinstance(error, RateLimited) else StatusState.FAILING
