"""Whether somebody has been waiting for an answer long enough to be told.

Most requests are answered within half a second, or overtaken by the next key: none of this is reported. A state that has
been reported lasts until an answer arrives, even if meanwhile keys are typed.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable

CALLING_AFTER = 0.5  # seconds after a call was made
WAITING_AFTER = 1.0  # seconds after a request was made for which no call has been made
LINGER = 1.0  # seconds in which an overtaken request is followed by the next one: editors wait up to 0.2 s


class Activity(enum.Enum):
    """What the newest request waits for."""

    IDLE = enum.auto()
    WAITING = enum.auto()  # a pause in typing, or the quota
    CALLING = enum.auto()  # a back end's answer


class ActivityTracker:
    """Derives the activity from requests and calls, with one timer. ``on_change`` is called after each change."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.activity = Activity.IDLE
        self._on_change = on_change
        self._requests: set[int] = set()  # not answered yet
        self._calls: set[int] = set()  # in flight, by the request that each was made for
        self._since = 0.0  # when the present wait began
        self._timer: asyncio.TimerHandle | None = None

    def request_started(self, request: int) -> None:
        """A request is not answered at once."""
        if not self._requests and self.activity is Activity.IDLE:
            self._since = _now()
            self._check_by(self._due())
        self._requests.add(request)

    def request_answered(self, request: int, *, superseded: bool) -> None:
        """A request was answered, or ``superseded`` by a newer one."""
        if request not in self._requests:
            return
        self._requests.remove(request)
        if superseded:
            self._since = _now()
            if self.activity is not Activity.IDLE:
                self._check_by(self._since + LINGER)
        elif not self._requests:
            self._set(Activity.IDLE)

    def call_started(self, request: int) -> None:
        """A back end is asked."""
        self._calls.add(request)
        if self.activity is Activity.WAITING:
            self._set(Activity.CALLING)
        elif len(self._calls) == 1 and self._requests:
            self._since = _now()
            self._check_by(self._due())

    def call_ended(self, request: int) -> None:
        """The call is over."""
        self._calls.discard(request)

    def forget_calls(self) -> None:
        """The back ends have changed: calls in flight were aborted."""
        self._calls.clear()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> float:
        return self._since + (CALLING_AFTER if self._calls else WAITING_AFTER)

    def _check_by(self, at: float) -> None:
        """Let the timer fire at this time, or earlier: it is not set again for each key."""
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self._check)

    def _check(self) -> None:
        self._timer = None
        if not self._requests:
            self._set(Activity.IDLE)
        elif _now() < self._due() and self.activity is Activity.IDLE:
            self._check_by(self._due())
        elif self._calls:
            self._set(Activity.CALLING)
        elif _now() >= self._due():
            self._set(Activity.WAITING)

    def _set(self, activity: Activity) -> None:
        if activity is not self.activity:
            self.activity = activity
            self._on_change()


def _now() -> float:
    return asyncio.get_running_loop().time()
