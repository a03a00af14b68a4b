"""How long to wait for the next keystroke, learnt from the user's typing and counted from the last edit.

Waits are short. A call in flight continues while the typing matches its output, so a call made too early only costs
something if its output is wrong. Replays of recorded typing (``tests/quality/typing_eval.py``) make as many calls without
any wait as with 40 ms, and show less with a longer wait. Only bursts are waited out: held keys, macros, the quickest
tenth of gaps.
"""

from __future__ import annotations

from collections import deque

from fim_lsp.schedule.learning import Taking
from fim_lsp.text.cursor import Split

_USUAL_GAP = 0.15  # seconds between keystrokes until this user's pace is known: the median of the recorded traces
_MIN_WAIT = 0.01  # seconds: with less, two edits of one command would make two calls
_MAX_WAIT = 0.4  # seconds: with a longer wait, suggestions seem to be missing
_QUICK_SHARE = 0.1  # the share of this user's gaps that is waited out: bursts, not the usual pace

_BURST_GAP = 0.07  # seconds: quicker gaps are those of a held key or a macro
_BURST_WAIT = 2.0  # how many of a burst's gaps to wait for its next edit
_BURST_GAPS = 4  # how many of the last gaps decide whether there is a burst

_MIN_GAP = 0.004  # seconds: a shorter gap is within a program's edit
_MAX_GAP = 1.0  # seconds: a longer gap is thinking
_GAPS = 30  # how many are remembered
_ENOUGH_GAPS = 5  # how many show the user's pace
_FORGET_AFTER = 60.0  # seconds without an edit

IN_WORD, AT_BREAK = 0.4, 0.2  # factors: a word is likely to continue; at its end, and on a new line, people look

_CLOSERS = ";)]}"  # a line may be complete after these
_AFTER_CLOSER = 0.3  # seconds at least: of 60 calls made at once after a closer, one was right

_USUAL_LATENCY = 0.5  # seconds that a call takes
_LATENCY_SHARE = 0.1  # the share of a back end's latency above the usual one that is added to the wait
_LATENCY_WEIGHT = 0.3  # of the newest call in the mean
_MAX_LATENCY = 10.0  # seconds: a slower call counts as this

_UNKNOWN = Taking()


class AdaptiveDebounce:
    """One document's typing. Times are in seconds of one clock."""

    def __init__(self, fixed: float | None = None) -> None:
        """``fixed`` is a wait in seconds from the settings; without it the wait is learnt."""
        self.fixed = fixed
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._last: float | None = None
        self._latency = _USUAL_LATENCY

    def due(self, now: float, split: Split, factor: float = 1.0, taking: Taking = _UNKNOWN) -> float:
        """When a call may be made at ``split``: the wait after the last edit, or now if there was none.

        ``taking`` is how often the user takes suggestions here, which changes the wait unless it is fixed.
        """
        if self._last is None:
            return now
        if self.fixed is not None:
            return self._last + self.fixed * factor
        return self._last + max(self.wait(split) * factor * taking.debounce_factor, taking.pause(split))

    def wait(self, split: Split) -> float:
        """Seconds without an edit after which the user has paused. Never zero just because data is missing."""
        if self.fixed is not None:
            return self.fixed
        gaps = sorted(self._gaps)
        quick = gaps[int(len(gaps) * _QUICK_SHARE)] if len(gaps) >= _ENOUGH_GAPS else _USUAL_GAP
        before = split.line_prefix[-1:]
        place = IN_WORD if before.isalnum() or before == "_" else AT_BREAK
        least = _AFTER_CLOSER if before and before in _CLOSERS else _MIN_WAIT
        slow = _LATENCY_SHARE * max(0.0, self._latency - _USUAL_LATENCY)
        return min(max(quick * place + slow, self._burst_wait(), least), _MAX_WAIT)

    def edited(self, now: float) -> None:
        """The user changed something."""
        if self._last is not None:
            gap = now - self._last
            if gap > _FORGET_AFTER:
                self._gaps.clear()
            elif _MIN_GAP < gap < _MAX_GAP:
                self._gaps.append(gap)
        self._last = now

    def answered(self, seconds: float) -> None:
        """A call took this long: the slower the back end, the better a call should be considered."""
        self._latency += _LATENCY_WEIGHT * (min(seconds, _MAX_LATENCY) - self._latency)

    def _burst_wait(self) -> float:
        """The wait that outlasts the gaps of the current burst, 0 if there is none."""
        last = [self._gaps[-n] for n in range(1, min(_BURST_GAPS, len(self._gaps)) + 1)]
        return _BURST_WAIT * _median(last) if last and _median(last) < _BURST_GAP else 0.0


def _median(values: list[float]) -> float:
    """As ``statistics.median``, which takes as long to import as all of this folder's smaller files."""
    ordered, middle = sorted(values), len(values) // 2
    return (ordered[middle] + ordered[~middle]) / 2
