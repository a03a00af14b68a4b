"""The pace, kept over calls that come in bunches. Pure."""

from __future__ import annotations

from fim_lsp.rate_limit.sliding_window import Clock, Pace

_BUNCH = 3.0  # calls that may come at once when the pace decides
_STANDSTILL = 1.0  # seconds to come back when there is no pace at all


class TokenBucket:
    """What the pace allowed and nobody spent is saved, for a few calls; so refusals are spread, not bunched."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = clock()
        self._saved = _BUNCH  # calls

    def wait(self, tokens: int, pace: Pace) -> float:
        """Seconds until a call of so many tokens keeps the pace; 0 for now."""
        now = self._clock()
        rate = min(pace.tokens / max(tokens, 1), pace.requests)
        self._saved = min(self._saved + (now - self._at) * rate, _BUNCH) if now > self._at else self._saved
        self._at = now
        missing = 1 - self._saved
        if missing <= 0:
            return 0.0
        return missing / rate if rate > 0 else _STANDSTILL

    def spend(self) -> None:
        """A call was made."""
        self._saved = max(0.0, self._saved - 1)
