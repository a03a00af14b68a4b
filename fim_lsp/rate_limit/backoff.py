"""After a 429: stop, wait, let one call try, and believe in less for a while. Pure."""

from __future__ import annotations

from collections.abc import Callable

from fim_lsp.rate_limit.sliding_window import LONGEST

_FIRST, _LAST = 2.0, 60.0  # seconds: what Mistral's users do without a Retry-After, and the window's length
_PATIENCE = 600.0  # seconds; a longer Retry-After (a month's quota) is asked about again by then
_PROBING = 1.0  # seconds to come back while a probe is under way
_CUT = 0.5  # part of the limit that is believed after a blind 429: somebody else uses the rest
_LEAST = 0.2
_RECOVERY = 0.05 / 60  # of the limit, a second


class RateLimitBackoff:
    """An episode lasts from the first 429 to the first success. ``jitter`` gives numbers from 0 to 1."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._refusals = 0
        self._until = 0.0
        self._since = float("-inf")
        self._probe: str | None = None
        self._probed_at = 0.0
        self._cut_at = 0.0
        self._share = 1.0

    def wait(self, now: float) -> float:
        """Seconds until a call may be made, 0 for now."""
        if self._until > now:
            return self._until - now
        return _PROBING if self._probe is not None and now - self._probed_at < LONGEST else 0.0

    def granted(self, call: str, now: float) -> None:
        """A call is made; during an episode it is the probe, and the others wait for it."""
        if self._refusals:
            self._probe, self._probed_at = call, now

    def ended(self, call: str, *, answered: bool) -> None:
        """A call is over; an answer of any length ends the episode."""
        if self._probe == call:
            self._probe = None
        if answered:
            self._refusals = 0

    def refused(self, now: float, *, asked_at: float, retry_after: float | None, blind: bool) -> float:
        """A call asked at ``asked_at`` got a 429; returns the seconds until the next try.

        ``blind``: the server's headers do not say what is left, so that the refusal is all we learn of others.
        Calls that were under way when the pause began tell nothing new. Without a wish of the server's the pause doubles,
        up to a minute, with up to half as much again by chance so that colleagues do not come back together.
        """
        if asked_at > self._since:
            if blind and not self._refusals:
                self._share, self._cut_at = max(_LEAST, self.share(now) * _CUT), now
            self._refusals += 1
            self._since = now
        growing = min(_LAST, _FIRST * 2.0 ** min(self._refusals - 1, 10))
        seconds = growing * (1 + self._jitter() / 2) if retry_after is None else min(retry_after, _PATIENCE)
        self._until = max(self._until, now + seconds)
        return self._until - now

    def share(self, now: float) -> float:
        """The part of the limits that is believed to be ours: cut by a 429, won back within minutes."""
        return min(1.0, self._share + (now - self._cut_at) * _RECOVERY)
