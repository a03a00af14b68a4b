"""The sliding window: what has been used, when it expires, and at which rate to continue. Pure: no clock, no I/O.

Mistral counts over a sliding window of 60 s. It does not document whether a call is charged when it arrives or when it
ends, so a call counts here from before it is sent until 60 s after it has ended: never for less time than on the server.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

WINDOW = 60.0  # seconds
MAX_CALL_SECONDS = 15.0  # how long a call may take
RESERVATION_SECONDS = WINDOW + MAX_CALL_SECONDS  # when a call that was never settled expires: its process has died

EXPLICIT_RESERVE = 0.12  # share of a limit that is reserved for manually triggered requests
_TAPER = 0.05  # share of a limit within which the rate decreases to zero; N processes settle at 1/N of it
FOREIGN_PREFIX = "~"  # of the names of entries that are not calls of this process
PAUSE = "~pause"
PROCESS_END = "."  # in the name of a call, after that of the process that makes it

Clock = Callable[[], float]
"""Seconds that never go back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be used in any 60 s; ``None`` means no limit."""

    requests: int | None = None
    tokens: int | None = None

    @classmethod
    def per_minute(cls, *, requests: int | None, tokens: int | None) -> Limits:
        """From settings, where 0 means no limit, too."""
        return cls(requests=requests or None, tokens=tokens or None)

    @property
    def unlimited(self) -> bool:
        """Whether nothing is limited."""
        return self.requests is None and self.tokens is None

    def tightest(self, other: Limits) -> Limits:
        """The lower of both for each limit."""
        return Limits(requests=_lower(self.requests, other.requests), tokens=_lower(self.tokens, other.tokens))

    def scaled(self, share: float) -> Limits:
        """A share of each limit, but at least 1."""
        return Limits(requests=_scaled(self.requests, share), tokens=_scaled(self.tokens, share))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A call, the usage of others, or a pause, as a store holds it.

    ``name`` is unique among all processes, and contains the one that made it; the entry counts for ``expires_in`` seconds.
    """

    name: str
    tokens: int
    requests: int
    expires_in: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """Usage that leaves the window in ``seconds``; ``foreign`` if the server reports that others caused it."""

    seconds: float
    tokens: int
    requests: int
    foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWindow:
    """The usage at one moment: what expires when, soonest first. No call may be made for ``paused`` seconds."""

    expiries: tuple[Expiry, ...] = ()
    paused: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens used."""
        return sum(expiry.tokens for expiry in self.expiries)

    @property
    def requests(self) -> int:
        """Requests made."""
        return sum(expiry.requests for expiry in self.expiries)

    def after(self, seconds: float) -> UsageWindow:
        """The window in ``seconds`` if no more calls are made."""
        left = tuple(expiry for expiry in self.expiries if expiry.seconds > seconds)
        return UsageWindow(
            expiries=tuple(replace(expiry, seconds=expiry.seconds - seconds) for expiry in left),
            paused=max(0.0, self.paused - seconds),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Tokens and requests a second; infinite without a limit."""

    tokens: float
    requests: float

    def scaled(self, share: float) -> Rate:
        """A share of it."""
        return Rate(tokens=self.tokens * share, requests=self.requests * share)


def usage_window(entries: Iterable[Entry]) -> UsageWindow:
    """The window with these entries; expired ones do not count."""
    live = [entry for entry in entries if entry.expires_in > 0]
    calls = (
        (entry.expires_in, entry.tokens, entry.requests, entry.name.startswith(FOREIGN_PREFIX))
        for entry in live
        if entry.name != PAUSE
    )
    paused = max((entry.expires_in for entry in live if entry.name == PAUSE), default=0.0)
    return UsageWindow(expiries=group_expiries(calls), paused=paused)


def group_expiries(calls: Iterable[tuple[float, int, int, bool]]) -> tuple[Expiry, ...]:
    """Groups (seconds, tokens, requests, foreign) by second, at the latest time of each group.

    The number of groups is bounded, so a busy minute is evaluated as fast as a quiet one.
    """
    sums: dict[tuple[int, bool], list[float]] = {}
    for seconds, tokens, requests, foreign in calls:
        found = sums.get((int(seconds), foreign))
        if found is None:
            sums[int(seconds), foreign] = [seconds, tokens, requests]
        else:
            found[0] = max(found[0], seconds)
            found[1] += tokens
            found[2] += requests
    return tuple(
        Expiry(seconds=seconds, tokens=int(tokens), requests=int(requests), foreign=foreign)
        for (seconds, tokens, requests), foreign in sorted((found, key[1]) for key, found in sums.items())
    )


def seconds_until_free(window: UsageWindow, ceiling: Limits, tokens: int) -> float:
    """Seconds until one more request of ``tokens`` fits under ``ceiling``: 0 means now, infinite means never."""
    return max(
        window.paused,
        _seconds_until(ceiling.tokens, tokens, [(expiry.seconds, expiry.tokens) for expiry in window.expiries]),
        _seconds_until(ceiling.requests, 1, [(expiry.seconds, expiry.requests) for expiry in window.expiries]),
    )


def headroom(window: UsageWindow, ceiling: Limits) -> float:
    """The unused part of the quota: 1 if nothing is used, 0 if nothing is left; the lower of tokens and requests."""
    pairs = ((ceiling.tokens, window.tokens), (ceiling.requests, window.requests))
    return min((max(0.0, 1 - used / limit) for limit, used in pairs if limit is not None), default=1.0)


def sustainable_rate(window: UsageWindow, ceiling: Limits) -> Rate:
    """The steady rate that can be sustained for the next minute without a single refusal.

    Up to any future moment, what is free now and what has expired by then may be used; the tightest moment decides. The
    headroom alone would allow any rate until it is used up, and then nothing until the first burst has expired.
    """
    return Rate(
        tokens=_rate(ceiling.tokens, [(expiry.seconds, expiry.tokens) for expiry in window.expiries]),
        requests=_rate(ceiling.requests, [(expiry.seconds, expiry.requests) for expiry in window.expiries]),
    )


def _seconds_until(limit: int | None, wanted: int, expiries: Sequence[tuple[float, int]]) -> float:
    if limit is None:
        return 0.0
    if wanted > limit:
        return math.inf
    missing = sum(amount for _, amount in expiries) + wanted - limit
    for seconds, amount in expiries:
        if missing <= 0:
            return 0.0
        missing -= amount
        if missing <= 0:
            return seconds
    return 0.0


def _rate(limit: int | None, expiries: Sequence[tuple[float, int]]) -> float:
    if limit is None:
        return math.inf
    free = limit - sum(amount for _, amount in expiries)
    taper = min(1.0, max(0.0, free / (_TAPER * limit)))
    slowest = math.inf
    for seconds, amount in expiries:
        if seconds >= WINDOW:
            break
        slowest = min(slowest, free / seconds)
        free += amount
    return max(0.0, min(slowest, free / WINDOW)) * taper


def _lower(one: int | None, other: int | None) -> int | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)


def _scaled(limit: int | None, share: float) -> int | None:
    return None if limit is None else max(1, int(limit * share))
