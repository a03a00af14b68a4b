"""After a 429: pause, let a single call probe, and use less of the limit for a while. Pure.

A server may ask for a pause that is much longer than its window, because a monthly quota is used up, or by mistake. Whoever
asks explicitly then, perhaps after buying more, has one call tried per window.
"""

from __future__ import annotations

from collections.abc import Callable

from fim_lsp.rate_limit.sliding_window import MAX_CALL_SECONDS, WINDOW

_MIN_PAUSE, _MAX_PAUSE = 2.0, 60.0  # seconds: Mistral's clients wait as long without a Retry-After; the window's length
MAX_RETRY_AFTER = 600.0  # seconds; with a longer one (a monthly quota), a probe is made by then
_PROBE_WAIT = 1.0  # seconds until other calls ask again while a probe is in flight
_CUT = 0.5  # after an unexpected 429, this share of the limit is used: somebody else uses the rest
_MIN_SHARE = 0.2
_RECOVERY = 0.05 / 60  # of the limit, a second


class RateLimitBackoff:
    """An episode lasts from the first 429 to the first success. ``jitter`` returns numbers from 0 to 1."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._refusals = 0  # in this episode
        self._paused_until = 0.0
        self._paused_at = float("-inf")
        self._probe: str | None = None
        self._probe_started_at = 0.0
        self._share_after_cut = 1.0
        self._cut_at = 0.0

    def wait(self, now: float, *, explicit: bool = False) -> float:
        """Seconds until a call may be made; 0 for now."""
        paused_until = min(self._paused_until, self._paused_at + WINDOW) if explicit else self._paused_until
        if paused_until > now:
            return paused_until - now
        probing = self._probe is not None and now - self._probe_started_at < MAX_CALL_SECONDS
        return _PROBE_WAIT if probing else 0.0

    def limit_share(self, now: float) -> float:
        """The share of the limits to use: reduced by an unexpected 429, and recovered within minutes."""
        return min(1.0, self._share_after_cut + (now - self._cut_at) * _RECOVERY)

    def started(self, call: str, now: float) -> None:
        """A call is made. During an episode it is the probe, and other calls wait for its outcome."""
        if self._refusals:
            self._probe, self._probe_started_at = call, now

    def ended(self, call: str, *, answered: bool) -> None:
        """A call is over. An answer of any length ends the episode, and that of a probe also the pause."""
        if self._probe == call:
            self._probe = None
            self._paused_until = 0.0 if answered else self._paused_until
        if answered:
            self._refusals = 0

    def rate_limited(self, now: float, *, started_at: float, retry_after: float | None, unexpected: bool) -> float:
        """A call that was made at ``started_at`` got a 429; returns the seconds until the next try.

        ``unexpected``: no header reports what is left, so the 429 is all that is known about other clients. Calls in flight
        when the pause began add nothing. Without a Retry-After the pause doubles up to a minute, plus up to half as much at
        random, so that colleagues do not return at the same time.
        """
        if started_at > self._paused_at:
            if unexpected and not self._refusals:
                self._share_after_cut, self._cut_at = max(_MIN_SHARE, self.limit_share(now) * _CUT), now
            self._refusals += 1
            self._paused_at = now
        doubling = min(_MAX_PAUSE, _MIN_PAUSE * 2.0 ** min(self._refusals - 1, 10))
        pause = doubling * (1 + self._jitter() / 2) if retry_after is None else min(retry_after, MAX_RETRY_AFTER)
        self._paused_until = max(self._paused_until, now + pause)
        return self._paused_until - now
