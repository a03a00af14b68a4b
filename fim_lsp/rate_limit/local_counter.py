"""One process's own count of a quota: it can't fail, and stands in when a shared ledger does."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.rate_limit.backoff import RateLimitBackoff
from fim_lsp.rate_limit.sliding_window import (
    HOLD,
    OTHERS,
    PAUSE,
    RESERVE,
    WINDOW,
    Clock,
    Entry,
    Limits,
    Standing,
    gather,
    wait,
)

_SLICES = 6  # what others used leaves the window in as many parts: they used it evenly, for all we know


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Room for one call. ``at`` is the budget's clock."""

    name: str
    tokens: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """There is no room for ``seconds``; infinite if the call is larger than the limit."""

    seconds: float


@dataclass(slots=True)
class _Held:
    until: float
    tokens: int
    requests: int


class LocalCounter:
    """``limits`` may be exchanged at any time. ``clock`` gives seconds that never go back."""

    def __init__(self, limits: Limits, clock: Clock, jitter: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._servers = Limits()
        self._informed = self._refused = False
        self._pause = RateLimitBackoff(jitter)
        self._held: dict[str, _Held] = {}

    def ceiling(self, *, explicit: bool = False) -> Limits:
        """What may be used now: the lower of the user's limits and the server's; a part is kept for explicit requests."""
        share = self._pause.share(self._clock())
        return self.limits.tightest(self._servers).scaled(share if explicit else share * (1 - RESERVE))

    @property
    def unlimited(self) -> bool:
        """Whether neither the user nor the server limits anything, and no 429 has come that says otherwise."""
        return self.limits.none and self._servers.none and not self._refused

    def standing(self) -> Standing:
        """The window as this process knows it."""
        now = self._clock()
        calls = (
            (held.until - now, held.tokens, held.requests, name.startswith(OTHERS))
            for name, held in self._living(now).items()
        )
        return Standing(releases=gather(calls), paused=self._pause.wait(now))

    @property
    def requests(self) -> int:
        """Calls of this process that count now."""
        held = self._living(self._clock())
        return sum(held[name].requests for name in held if not name.startswith(OTHERS))

    def entries(self) -> tuple[Entry, ...]:
        """All that counts now, to be laid into a ledger that lost it."""
        now = self._clock()
        return tuple(
            Entry(name=name, tokens=held.tokens, requests=held.requests, lasts=held.until - now)
            for name, held in self._living(now).items()
        )

    def reserve(self, tokens: int, *, explicit: bool = False) -> Reservation | Refusal:
        """Room for one request of so many tokens; it counts until settled or released, 75 s at the most."""
        now = self._clock()
        if (seconds := wait(self.standing(), self.ceiling(explicit=explicit), tokens)) > 0:
            return Refusal(seconds=seconds)
        name = secrets.token_hex(8)
        self._held[name] = _Held(now + HOLD, tokens, 1)
        self._pause.granted(name, now)
        return Reservation(name=name, tokens=tokens, at=now)

    def settle(self, reservation: Reservation, tokens: int, *, answered: bool = True) -> Entry:
        """The call is over and cost ``tokens``; it counts for a minute from now. ``answered``: the server did not refuse."""
        self._held[reservation.name] = _Held(self._clock() + WINDOW, tokens, 1)
        self._pause.ended(reservation.name, answered=answered)
        return Entry(name=reservation.name, tokens=tokens, requests=1, lasts=WINDOW)

    def release(self, reservation: Reservation) -> Entry:
        """The call was never sent."""
        self._held.pop(reservation.name, None)
        self._pause.ended(reservation.name, answered=False)
        return Entry(name=reservation.name, tokens=0, requests=0, lasts=0)

    def refused(self, reservation: Reservation, retry_after: float | None) -> tuple[Entry, Entry]:
        """The server answered 429: nobody calls for a while, then one does. A refused call costs a request, no tokens."""
        self._refused = True
        settled = self.settle(reservation, 0, answered=False)
        seconds = self._pause.refused(
            self._clock(), asked_at=reservation.at, retry_after=retry_after, blind=not self._informed
        )
        return settled, Entry(name=PAUSE, tokens=0, requests=0, lasts=min(seconds, HOLD))

    def observe(self, quota: Quota) -> None:
        """Take the server's limits, and what it says is left, from a reply's headers."""
        # 0 is "never" (a model outside the plan): calls are refused then and the pause takes care of them
        self._servers = Limits(
            requests=quota.requests_limit or self._servers.requests, tokens=quota.tokens_limit or self._servers.tokens
        )
        self._informed = self._informed or (quota.tokens_left, quota.requests_left) != (None, None)
        self.keep(self.others(quota, self.standing()))

    def others(self, quota: Quota, window: Standing) -> tuple[Entry, ...]:
        """What was used besides ``window``'s calls, if ``quota`` is right: colleagues on the same workspace.

        The server may not have debited calls that are under way, so less than we counted says nothing; more does.
        """
        limits = self.limits.tightest(self._servers)
        ours = Standing(releases=tuple(release for release in window.releases if not release.foreign))
        tokens = _foreign(quota.tokens_limit or limits.tokens, quota.tokens_left, ours.tokens)
        requests = _foreign(quota.requests_limit or limits.requests, quota.requests_left, ours.requests)
        return tuple(
            Entry(
                name=f"{OTHERS}{part}",
                tokens=tokens * (part + 1) // _SLICES - tokens * part // _SLICES,
                requests=requests * (part + 1) // _SLICES - requests * part // _SLICES,
                lasts=WINDOW * (part + 1) / _SLICES if tokens or requests else 0,
            )
            for part in range(_SLICES)
        )

    def keep(self, entries: Sequence[Entry]) -> None:
        """Count what others did."""
        now = self._clock()
        for entry in entries:
            self._held[entry.name] = _Held(now + entry.lasts, entry.tokens, entry.requests)

    def _living(self, now: float) -> dict[str, _Held]:
        if any(held.until <= now for held in self._held.values()):
            self._held = {name: held for name, held in self._held.items() if held.until > now}
        return self._held


def _foreign(limit: int | None, left: int | None, ours: int) -> int:
    return 0 if limit is None or left is None else max(0, limit - left - ours)
