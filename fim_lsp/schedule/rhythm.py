"""How long to wait for the next key: learnt from this user's own typing, counted from the last edit."""

from __future__ import annotations

from collections import deque
from statistics import median

_START = 0.15  # seconds: the median gap between keys in the typing traces the policy was tried on
_LEAST, _MOST = 0.05, 0.4  # a wait below costs a call per key, one above is felt as absence
_PAUSE = 1.0  # a longer gap is thinking, not rhythm
_PASTE = 0.005  # a shorter one is a program's edit
_MEMORY = 20  # gaps remembered


class Rhythm:
    """One document's typing. Times are in seconds of one clock."""

    def __init__(self, fixed: float | None = None) -> None:
        """``fixed`` seconds are waited if given; otherwise the wait is learnt."""
        self.fixed = fixed
        self._gaps: deque[float] = deque(maxlen=_MEMORY)
        self._last: float | None = None

    def edited(self, now: float) -> None:
        """The user changed something."""
        if self._last is not None and _PASTE < now - self._last < _PAUSE:
            self._gaps.append(now - self._last)
        self._last = now

    def due(self, now: float) -> float:
        """When a call may be made: the wait after the last edit, or now if there was none."""
        return now if self._last is None else self._last + self.wait()

    def wait(self) -> float:
        """Seconds of quiet that mean the user stopped. Never zero for want of data."""
        if self.fixed is not None:
            return self.fixed
        usual = median(self._gaps) if len(self._gaps) >= 5 else _START
        return min(max(usual, _LEAST), _MOST)
