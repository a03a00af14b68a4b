"""How long to wait for the next key: learnt from this user's own typing, counted from the last edit.

Waits are short. A call under way goes on while the typing agrees with it, so a call made too early costs nothing unless
it is wrong; replays of recorded typing (``tests/quality/typing_eval.py``) make as many calls without any wait as with
40 ms, and show less with more. What is waited out are bursts: held keys, macros, the quickest tenth of this user's gaps.
"""

from __future__ import annotations

from collections import deque
from statistics import median

from fim_lsp.text.cursor import Split

_START = 0.15  # seconds between keys, until this user's are known: the median of the recorded traces
_LEAST, _MOST = 0.01, 0.4  # below, two edits of one command are two calls; a wait above is felt as absence
_QUICK = 0.1  # the part of this user's gaps that is waited out: bursts, not the usual pace
_BURST, _BURST_WAIT = 0.07, 2.0  # gaps of so many seconds are a held key or a macro; so many of them are waited
_LATELY = 4  # gaps that tell a burst
_PAUSE = 1.0  # a longer gap is thinking, not rhythm
_PASTE = 0.004  # a shorter one is a program's edit
_MEMORY = 30  # gaps remembered
_ENOUGH = 5  # gaps that make a rhythm
_FRESH = 60.0  # seconds of rest after which the rhythm is forgotten

IN_WORD, BREAK = 0.4, 0.2  # factors: a word is likely to go on; at its end, and on a new line, people look

_CLOSED, _AFTER = ";)]}", 0.3  # behind these a line may be complete: of 60 calls made there at once, one was right

_USUAL, _SLOWLY, _NEWEST = (
    0.5,
    0.1,
    0.3,
)  # seconds an answer takes; part of what is over it that is waited; weight of one


class AdaptiveDebounce:
    """One document's typing. Times are in seconds of one clock."""

    def __init__(self, fixed: float | None = None) -> None:
        """``fixed`` seconds are waited if given; otherwise the wait is learnt."""
        self.fixed = fixed
        self._gaps: deque[float] = deque(maxlen=_MEMORY)
        self._last: float | None = None
        self._latency = _USUAL

    def answered(self, seconds: float) -> None:
        """A call took so long: of a slow back end each call is worth more thought."""
        self._latency += _NEWEST * (min(seconds, 10.0) - self._latency)

    def edited(self, now: float) -> None:
        """The user changed something."""
        if self._last is not None:
            gap = now - self._last
            if gap > _FRESH:
                self._gaps.clear()
            elif _PASTE < gap < _PAUSE:
                self._gaps.append(gap)
        self._last = now

    def due(self, now: float, split: Split, factor: float = 1.0) -> float:
        """When a call may be made at ``split``: the wait after the last edit, or now if there was none."""
        return now if self._last is None else self._last + self.wait(split) * factor

    def wait(self, split: Split) -> float:
        """Seconds of quiet that mean the user stopped. Never zero for want of data."""
        if self.fixed is not None:
            return self.fixed
        gaps = sorted(self._gaps)
        usual = gaps[int(len(gaps) * _QUICK)] if len(gaps) >= _ENOUGH else _START
        before = split.line_prefix[-1:]
        place = IN_WORD if before.isalnum() or before == "_" else BREAK
        least = _AFTER if before and before in _CLOSED else _LEAST
        slow = _SLOWLY * max(0.0, self._latency - _USUAL)
        return min(max(usual * place + slow, self._burst(), least), _MOST)

    def _burst(self) -> float:
        """The wait that outlasts the gaps of a burst under way, 0 if there is none."""
        lately = [self._gaps[-n] for n in range(1, min(_LATELY, len(self._gaps)) + 1)]
        return _BURST_WAIT * median(lately) if lately and median(lately) < _BURST else 0.0
