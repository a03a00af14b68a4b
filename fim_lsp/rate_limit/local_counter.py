"""One process's own count of a quota. It can't fail, and takes over when a shared count fails."""

from __future__ import annotations

import os
import secrets
import socket
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.rate_limit.backoff import RateLimitBackoff
from fim_lsp.rate_limit.sliding_window import (
    EXPLICIT_RESERVE,
    FOREIGN_PREFIX,
    PAUSE,
    PROCESS_END,
    RESERVATION_SECONDS,
    WINDOW,
    Clock,
    Entry,
    Limits,
    UsageWindow,
    group_expiries,
    seconds_until_free,
)

_SLICES = 6  # foreign usage leaves the window in this many parts, as if it had been spread evenly


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Room for one call, made at ``at`` on the counter's clock."""

    name: str
    tokens: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """No call may be made for ``seconds``, which are infinite if the call is larger than the limit."""

    seconds: float


@dataclass(frozen=True, slots=True)
class _Usage:
    expires_at: float
    tokens: int
    requests: int


class LocalCounter:
    """Counts calls against ``limits``, which may be replaced at any time. ``clock`` is monotonic, in seconds."""

    def __init__(self, limits: Limits, clock: Clock, jitter: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._server_limits = Limits()
        self._reports_remaining = False  # whether the server's headers report what is left
        self._was_rate_limited = False
        self._backoff = RateLimitBackoff(jitter)
        self._usage: dict[str, _Usage] = {}

    @property
    def unlimited(self) -> bool:
        """Whether neither the user nor the server limits anything, and no 429 has shown otherwise."""
        return self.limits.unlimited and self._server_limits.unlimited and not self._was_rate_limited

    @property
    def own_requests(self) -> int:
        """Calls of this process in the window."""
        return sum(usage.requests for name, usage in self._live().items() if not name.startswith(FOREIGN_PREFIX))

    def ceiling(self, *, explicit: bool = False) -> Limits:
        """What may be used now: the lower of the user's and the server's limits, less a reserve for explicit requests."""
        share = self._backoff.limit_share(self._clock())
        return self.limits.tightest(self._server_limits).scaled(share if explicit else share * (1 - EXPLICIT_RESERVE))

    def window(self, *, explicit: bool = False) -> UsageWindow:
        """The window as this process knows it; a long pause is shorter for an explicit request."""
        now = self._clock()
        calls = (
            (usage.expires_at - now, usage.tokens, usage.requests, name.startswith(FOREIGN_PREFIX))
            for name, usage in self._live().items()
        )
        return UsageWindow(expiries=group_expiries(calls), paused=self._backoff.wait(now, explicit=explicit))

    def entries(self) -> tuple[Entry, ...]:
        """Everything in the window, to be written into a store that lost it."""
        now = self._clock()
        return tuple(
            Entry(name=name, tokens=usage.tokens, requests=usage.requests, expires_in=usage.expires_at - now)
            for name, usage in self._live().items()
        )

    def reserve(self, tokens: int, *, explicit: bool = False) -> Reservation | Wait:
        """Reserve room for one request. It counts until it is settled or released, for up to 75 s."""
        self._usage = self._live()
        now = self._clock()
        seconds = seconds_until_free(self.window(explicit=explicit), self.ceiling(explicit=explicit), tokens)
        if seconds > 0:
            return Wait(seconds=seconds)
        name = f"{_process()}{PROCESS_END}{secrets.token_hex(8)}"
        self._usage[name] = _Usage(now + RESERVATION_SECONDS, tokens, 1)
        self._backoff.started(name, now)
        return Reservation(name=name, tokens=tokens, at=now)

    def settle(self, reservation: Reservation, tokens: int, *, answered: bool = True) -> Entry:
        """The call is over and cost ``tokens``; it counts for a minute from now."""
        self._usage[reservation.name] = _Usage(self._clock() + WINDOW, tokens, 1)
        self._backoff.ended(reservation.name, answered=answered)
        return Entry(name=reservation.name, tokens=tokens, requests=1, expires_in=WINDOW)

    def release(self, reservation: Reservation) -> Entry:
        """The call was never sent."""
        self._usage.pop(reservation.name, None)
        self._backoff.ended(reservation.name, answered=False)
        return Entry(name=reservation.name, tokens=0, requests=0, expires_in=0)

    def rate_limited(self, reservation: Reservation, retry_after: float | None) -> tuple[Entry, Entry]:
        """The server answered 429: all calls pause, then one probes. A refused call costs a request, but no tokens."""
        self._was_rate_limited = True
        settled = self.settle(reservation, 0, answered=False)
        seconds = self._backoff.rate_limited(
            self._clock(),
            started_at=reservation.at,
            retry_after=retry_after,
            unexpected=not self._reports_remaining,
        )
        return settled, Entry(name=PAUSE, tokens=0, requests=0, expires_in=min(seconds, RESERVATION_SECONDS))

    def observe(self, quota: Quota) -> None:
        """Apply the limits and the remaining quota that a reply's headers report."""
        # A limit of 0 means "never" (a model outside the plan); such calls get a 429, which the backoff handles.
        self._server_limits = Limits(
            requests=quota.requests_limit or self._server_limits.requests,
            tokens=quota.tokens_limit or self._server_limits.tokens,
        )
        if (quota.tokens_left, quota.requests_left) != (None, None):
            self._reports_remaining = True
        self._add(self.foreign_entries(quota, self.window()))

    def foreign_entries(self, quota: Quota, window: UsageWindow) -> tuple[Entry, ...]:
        """What others, such as colleagues in the same workspace, must have used besides ``window``'s calls.

        The server may not have charged calls in flight yet, so only more usage than counted here is significant.
        """
        limits = self.limits.tightest(self._server_limits)
        own = UsageWindow(expiries=tuple(expiry for expiry in window.expiries if not expiry.foreign))
        tokens = _excess(quota.tokens_limit or limits.tokens, quota.tokens_left, own.tokens)
        requests = _excess(quota.requests_limit or limits.requests, quota.requests_left, own.requests)
        return tuple(
            Entry(
                name=f"{FOREIGN_PREFIX}{part}",
                tokens=tokens * (part + 1) // _SLICES - tokens * part // _SLICES,
                requests=requests * (part + 1) // _SLICES - requests * part // _SLICES,
                expires_in=WINDOW * (part + 1) / _SLICES if tokens or requests else 0,
            )
            for part in range(_SLICES)
        )

    def _add(self, entries: Sequence[Entry]) -> None:
        now = self._clock()
        for entry in entries:
            self._usage[entry.name] = _Usage(now + entry.expires_in, entry.tokens, entry.requests)

    def _live(self) -> dict[str, _Usage]:
        now = self._clock()
        return {name: usage for name, usage in self._usage.items() if usage.expires_at > now}


def _process() -> str:
    """This process, among those of all machines."""
    return f"{zlib.crc32(socket.gethostname().encode(errors='replace')):08x}-{os.getpid()}"


def _excess(limit: int | None, left: int | None, own: int) -> int:
    """How much of a limit is used by others."""
    return 0 if limit is None or left is None else max(0, limit - left - own)
