"""The sliding minute: who has taken what, when it comes back, and how fast one may go on. Pure: no clock, no I/O.

Mistral debits what a call used, at an unsaid moment between its arrival and its end, and counts over 60 s that slide.
So a call counts here from before it is sent until 60 s after it has ended: whenever the server looks, we have not
counted less than it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

WINDOW = 60.0  # seconds
LONGEST = 15.0  # seconds a call may take; one that nobody settles (its process died) is let go after WINDOW + LONGEST
HOLD = WINDOW + LONGEST

RESERVE = 0.12  # share of a limit that is kept for requests made by a key
_TAPER = 0.05  # share of a limit within which the pace is slowed to a stop; N processes meet at a 1/N of it
OTHERS = "~"  # names that begin with it are no calls of ours
PAUSE = "~pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be used in any 60 s; ``None`` is no limit."""

    requests: int | None = None
    tokens: int | None = None

    @classmethod
    def a_minute(cls, *, requests: int | None, tokens: int | None) -> Limits:
        """From settings, where 0 is no limit as well."""
        return cls(requests=requests or None, tokens=tokens or None)

    @property
    def none(self) -> bool:
        """Whether nothing is limited."""
        return self.requests is None and self.tokens is None

    def tightest(self, other: Limits) -> Limits:
        """The lower of each."""
        return Limits(requests=_lower(self.requests, other.requests), tokens=_lower(self.tokens, other.tokens))

    def scaled(self, share: float) -> Limits:
        """A part of each, one at the least."""
        return Limits(requests=_part(self.requests, share), tokens=_part(self.tokens, share))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One call in a ledger, or what others are known to have used.

    ``name`` is made up, and unique among all processes; ``lasts`` are the seconds for which it still counts.
    """

    name: str
    tokens: int
    requests: int
    lasts: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """So many tokens and requests leave the window in ``seconds``; ``foreign`` if others used them, by the server's account."""

    seconds: float
    tokens: int
    requests: int
    foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A window at one moment: what leaves it when, soonest first. Nobody may call for ``paused`` seconds."""

    releases: tuple[Release, ...] = ()
    paused: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens used."""
        return sum(release.tokens for release in self.releases)

    @property
    def requests(self) -> int:
        """Requests made."""
        return sum(release.requests for release in self.releases)

    def after(self, seconds: float) -> Standing:
        """The same window later, if nothing else happens."""
        left = tuple(release for release in self.releases if release.seconds > seconds)
        return Standing(
            releases=tuple(replace(release, seconds=release.seconds - seconds) for release in left),
            paused=max(0.0, self.paused - seconds),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What may be spent evenly, a second; infinite without a limit."""

    tokens: float
    requests: float

    def scaled(self, share: float) -> Pace:
        """A part of it."""
        return Pace(tokens=self.tokens * share, requests=self.requests * share)


def standing(entries: Iterable[Entry]) -> Standing:
    """The window that ``entries`` make."""
    live = [entry for entry in entries if entry.lasts > 0]
    calls = (
        (entry.lasts, entry.tokens, entry.requests, entry.name.startswith(OTHERS))
        for entry in live
        if entry.name != PAUSE
    )
    paused = max((entry.lasts for entry in live if entry.name == PAUSE), default=0.0)
    return Standing(releases=gather(calls), paused=paused)


def gather(calls: Iterable[tuple[float, int, int, bool]]) -> tuple[Release, ...]:
    """Releases from (seconds, tokens, requests, foreign), those of one second together at the latest of their times.

    So a busy minute is looked at as fast as a quiet one.
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
        Release(seconds=seconds, tokens=int(tokens), requests=int(requests), foreign=foreign)
        for (seconds, tokens, requests), foreign in sorted((found, key[1]) for key, found in sums.items())
    )


def wait(window: Standing, ceiling: Limits, tokens: int) -> float:
    """Seconds until one more request with so many tokens fits under ``ceiling``: 0 now, infinite never."""
    return max(
        window.paused,
        _wait(ceiling.tokens, tokens, [(release.seconds, release.tokens) for release in window.releases]),
        _wait(ceiling.requests, 1, [(release.seconds, release.requests) for release in window.releases]),
    )


def room(window: Standing, ceiling: Limits) -> float:
    """How much is left: 1 nothing used, 0 nothing left; the scarcer of tokens and requests."""
    parts = ((ceiling.tokens, window.tokens), (ceiling.requests, window.requests))
    return min((max(0.0, 1 - used / limit) for limit, used in parts if limit is not None), default=1.0)


def pace(window: Standing, ceiling: Limits) -> Pace:
    """The steady rate that can be kept up through the coming minute without being refused once.

    Up to each moment ahead one may spend what is free now and what has left the window by then; the tightest moment
    decides. What is left alone would say "go on" until it is gone, and then nothing until the first burst is a minute old.
    """
    return Pace(
        tokens=_rate(ceiling.tokens, [(release.seconds, release.tokens) for release in window.releases]),
        requests=_rate(ceiling.requests, [(release.seconds, release.requests) for release in window.releases]),
    )


def _wait(limit: int | None, wanted: int, releases: Sequence[tuple[float, int]]) -> float:
    if limit is None:
        return 0.0
    if wanted > limit:
        return math.inf
    missing = sum(amount for _, amount in releases) + wanted - limit
    for seconds, amount in releases:
        if missing <= 0:
            return 0.0
        missing -= amount
        if missing <= 0:
            return seconds
    return 0.0


def _rate(limit: int | None, releases: Sequence[tuple[float, int]]) -> float:
    if limit is None:
        return math.inf
    free = limit - sum(amount for _, amount in releases)
    taper = min(1.0, max(0.0, free / (_TAPER * limit)))
    slowest = math.inf
    for seconds, amount in releases:
        if seconds >= WINDOW:
            break
        slowest = min(slowest, free / seconds)
        free += amount
    return max(0.0, min(slowest, free / WINDOW)) * taper


def _lower(one: int | None, other: int | None) -> int | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)


def _part(limit: int | None, share: float) -> int | None:
    return None if limit is None else max(1, int(limit * share))


Clock = Callable[[], float]
