"""The state that editors may show: derived from events, and reported only when it changes for a person."""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from fim_lsp.backends.backend import Backend
from fim_lsp.errors import BackendError, Intercepted, Paused, RateLimited, Unauthorized, Unreachable
from fim_lsp.rate_limit.backoff import MAX_RETRY_AFTER
from fim_lsp.schedule.events import (
    BackendEvent,
    CallEnded,
    CallPurpose,
    CallStarted,
    EventKind,
    RequestAnswered,
    RequestStarted,
    SwitchesChanged,
)
from fim_lsp.schedule.request import Outcome
from fim_lsp.schedule.switches import Switches
from fim_lsp.session.activity import Activity, ActivityTracker
from fim_lsp.session.event_ring import EventRing
from fim_lsp.session.words import time_of_day, with_fallback

MIN_PAUSE = 2.0
"""Seconds: a quota that has room again sooner is not reported."""

_MIN_SHIFT = 30.0  # seconds by which the end of a pause must move to be reported again
_MIN_RETRY = 60.0  # seconds: a time for the next try that is sooner is not worth a word


class StatusState(enum.StrEnum):
    """The values are those of the notification ``fim-lsp/status``."""

    IDLE = "idle"
    WAITING = "waiting"  # a request waits for a pause in typing, or for the quota, for over a second
    CALLING = "calling"  # a back end's answer takes over half a second
    LIMITED = "limited"  # the quota is used up, or the server wants a pause
    OFFLINE = "offline"  # the host can't be reached
    FAILING = "failing"  # the key is refused, the model is unknown, or answers can't be used
    DISABLED = "disabled"  # suggestions are turned off, or settings or missing back ends allow none
    SNOOZED = "snoozed"  # suggestions are turned off for a while


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What an editor may show. ``reason`` is for a person, ``""`` if there is nothing to say.

    ``until`` is the end of a pause or a snooze, in seconds since the epoch. ``needs_key``: the key is missing or refused.
    """

    state: StatusState
    reason: str = ""
    backend: str = ""
    model: str = ""
    host: str = ""
    until: float | None = None
    needs_key: bool = False

    def __str__(self) -> str:
        where = " · ".join(part for part in (self.backend, self.model, self.host) if part)
        said = f"{self.state} ({where})" if where else str(self.state)
        return f"{said}, {self.reason}" if self.reason else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why there are no suggestions, or not those of the first back end. Fields as in Status."""

    state: StatusState
    reason: str
    until: float | None = None
    needs_key: bool = False


REASONS: Final = MappingProxyType(
    {
        Activity.IDLE: (StatusState.IDLE, ""),
        Activity.WAITING: (StatusState.WAITING, "waiting for a pause in typing, or for the quota"),
        Activity.CALLING: (StatusState.CALLING, "waiting for the answer"),
    }
)
TURNED_OFF: Final = Obstacle(state=StatusState.DISABLED, reason="suggestions are turned off in this editor")
NO_BACKEND: Final = Obstacle(state=StatusState.DISABLED, reason="no back end can be used")


def status_of(
    backends: tuple[Backend, ...], *, off: Obstacle | None, failure: Obstacle | None, activity: Activity, now: float
) -> Status:
    """The status, from what is known.

    ``off`` is why there are no suggestions at all, ``failure`` why the first of ``backends`` gives none.
    """
    first = backends[0] if backends else None
    source = Status(
        state=StatusState.IDLE,
        backend=first.name if first else "",
        model=first.model if first else "",
        host=first.host if first else "",
    )
    if obstacle := off or (None if first else NO_BACKEND):
        return replace(source, state=obstacle.state, reason=obstacle.reason, until=obstacle.until)
    if failure is not None:
        fallback = backends[1].name if len(backends) > 1 else ""
        reason = _in_words(failure, fallback, now)
        return replace(source, state=failure.state, reason=reason, until=failure.until, needs_key=failure.needs_key)
    state, reason = REASONS[activity]
    return replace(source, state=state, reason=reason)


def _in_words(failure: Obstacle, fallback: str, now: float) -> str:
    sentence = failure.reason
    if failure.until is not None:
        retried = "until" if failure.state is StatusState.LIMITED else "the next try is at"
        sentence += f", {retried} {time_of_day(failure.until, now)}"
    return with_fallback(sentence, fallback)


def switched_off(switches: Switches, now: float) -> Obstacle | None:
    """What the user has turned off in the whole editor."""
    if not switches.on:
        return TURNED_OFF
    if switches.snoozed_until > now:
        until = switches.snoozed_until
        return Obstacle(state=StatusState.SNOOZED, reason=f"until {time_of_day(until, now)}", until=until)
    return None


def failure_of(error: BackendError, now: float) -> Obstacle:
    """What an error of a back end means for its user."""
    if isinstance(error, RateLimited | Paused):
        until = None if error.retry_after is None else now + min(error.retry_after, MAX_RETRY_AFTER)
        return Obstacle(state=StatusState.LIMITED, reason=str(error), until=until)
    state = StatusState.OFFLINE if isinstance(error, Unreachable | Intercepted) else StatusState.FAILING
    return Obstacle(state=state, reason=str(error), needs_key=isinstance(error, Unauthorized))


def failure_after(known: Obstacle | None, event: BackendEvent, now: float) -> Obstacle | None:
    """A back end's failure after an event. ``known`` is the one before it."""
    error = event.error
    match event.kind:
        case EventKind.ANSWERED:
            return None
        case EventKind.FAILED if error is not None:
            return failure_of(error, now)
        case EventKind.PAUSED if isinstance(error, Paused):
            return _after_pause(known, error, now)
    return known


def _after_pause(known: Obstacle | None, error: Paused, now: float) -> Obstacle | None:
    """A pause follows a failure, whose reason is kept, or is due to the user's own quota."""
    pause = error.retry_after
    if known is None:
        return failure_of(error, now) if pause is None or pause >= MIN_PAUSE else None
    if pause is None or (known.state is not StatusState.LIMITED and pause < _MIN_RETRY):
        return known
    if known.until is not None and known.until > now and abs(known.until - now - pause) < _MIN_SHIFT:
        return known
    return replace(known, until=now + pause)


class StatusTracker:
    """One editor's status. ``on_change`` is called with each new one; ``clock`` returns seconds since the epoch."""

    def __init__(
        self,
        ring: EventRing,
        on_change: Callable[[Status], None] = lambda _status: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._on_change = on_change
        self._clock = clock
        self._backends: tuple[Backend, ...] = ()
        self._failures: dict[str, Obstacle] = {}  # by back end
        self._switched_off: Obstacle | None = None
        self._withheld: Obstacle | None = Obstacle(state=StatusState.DISABLED, reason="not started")
        self._activity = ActivityTracker(self._update)
        self._timer: asyncio.TimerHandle | None = None  # at the end of the first back end's pause
        self.status = Status(state=StatusState.DISABLED, reason="not started")
        ring.subscribe(RequestStarted, lambda event: self._activity.request_started(event.request))
        ring.subscribe(RequestAnswered, self._on_answered)
        ring.subscribe(CallStarted, self._on_call_started)
        ring.subscribe(CallEnded, lambda event: self._activity.call_ended(event.request))
        ring.subscribe(BackendEvent, self._on_backend_event)
        ring.subscribe(SwitchesChanged, self._on_switches)

    def set_backends(self, backends: tuple[Backend, ...], withheld: str = "") -> None:
        """Take the back ends in the order they are tried. The failures of those that remain are kept.

        ``withheld`` is why nothing leaves this machine, if that is due to damaged settings.
        """
        remaining = {backend.name for backend in backends if any(backend is other for other in self._backends)}
        self._failures = {name: failure for name, failure in self._failures.items() if name in remaining}
        self._backends = backends
        self._withheld = Obstacle(state=StatusState.DISABLED, reason=withheld) if withheld else None
        self._activity.forget_calls()
        self._update()

    def close(self) -> None:
        """Stop the timers."""
        self._activity.close()
        if self._timer is not None:
            self._timer.cancel()

    def _on_answered(self, event: RequestAnswered) -> None:
        self._activity.request_answered(event.request, superseded=event.outcome is Outcome.SUPERSEDED)

    def _on_switches(self, event: SwitchesChanged) -> None:
        self._switched_off = switched_off(event.switches, self._clock())
        self._update()

    def _on_call_started(self, event: CallStarted) -> None:
        if event.purpose is CallPurpose.COMPLETION:
            self._activity.call_started(event.request)

    def _on_backend_event(self, event: BackendEvent) -> None:
        name = event.backend.name
        known = self._failures.get(name)
        failure = failure_after(known, event, self._clock())
        if failure == known:
            return
        if failure is None:
            del self._failures[name]
        else:
            self._failures[name] = failure
        self._update()

    def _update(self) -> None:
        failure = self._failures.get(self._backends[0].name) if self._backends else None
        self._end_pause_at(failure.until if failure and failure.state is StatusState.LIMITED else None)
        status = status_of(
            self._backends,
            off=self._switched_off or self._withheld,
            failure=failure,
            activity=self._activity.activity,
            now=self._clock(),
        )
        if status != self.status:
            self.status = status
            self._on_change(status)

    def _end_pause_at(self, until: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if until is not None:
            delay = max(0.0, until - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_pause_over, self._backends[0].name)

    def _on_pause_over(self, name: str) -> None:
        """The next request will show whether the back end answers again."""
        self._timer = None
        if self._failures.pop(name, None) is not None:
            self._update()
