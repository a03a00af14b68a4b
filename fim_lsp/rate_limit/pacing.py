"""Keeps a sustainable rate when a quota runs low: smaller prompts first, then a longer debounce, then a wait. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fim_lsp.rate_limit.sliding_window import Rate

# A prompt shrinks in steps, so that its beginning does not change at each keystroke: local servers and Mistral reuse what
# they have already read. A quarter of 1,200 tokens is some 20 lines.
_PROMPT_SHARES: Final = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.32, 0.25)
_GROW_MARGIN = 1.1  # how much more the rate must allow before a prompt grows again, so that it does not alternate
_MAX_DEBOUNCE_FACTOR = 4.0
_FREE_ABOVE, _PACED_BELOW = 0.4, 0.2  # headroom

_MAX_BURST = 3.0  # calls that may be made at once when the rate decides
_NO_RATE_WAIT = 1.0  # seconds to wait if no rate can be sustained at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """What to save: ``prompt_share`` (0.25 to 1) of the usual prompt, and a debounce ``debounce_factor`` (1 to 4) times as
    long.
    """

    prompt_share: float = 1.0
    debounce_factor: float = 1.0


def freedom(headroom: float) -> float:
    """How freely calls may be made: 1 means regardless of the rate, 0 means only at the sustainable rate."""
    return max(0.0, min(1.0, (headroom - _PACED_BELOW) / (_FREE_ABOVE - _PACED_BELOW)))


def degrade(
    *, headroom: float, rate: Rate, demand: float, prompt: int, output: int, last_share: float = 1.0
) -> Degradation:
    """What to save so that the user can keep typing at this rate without a pause.

    ``headroom`` is the unused part of the quota (0 to 1), ``rate`` the sustainable one, ``demand`` the calls a second that
    the user causes now, ``prompt`` and ``output`` the tokens of a call that saves nothing, and ``last_share`` the size of
    the last prompt. Short bursts are free: the rate starts to matter once 60 % of the quota is used, and is the only
    criterion from 80 % on.
    """
    if demand <= 0:
        return Degradation()
    free = freedom(headroom)
    affordable = max(free, (rate.tokens / demand - output) / max(prompt, 1))
    share = next(
        (share for share in _PROMPT_SHARES if share <= affordable / (_GROW_MARGIN if share > last_share else 1.0)),
        _PROMPT_SHARES[-1],
    )
    smallest_call = _PROMPT_SHARES[-1] * prompt + output
    excess = max(_ratio(demand * smallest_call, rate.tokens), _ratio(demand, rate.requests)) if free < 1 else 1.0
    return Degradation(prompt_share=share, debounce_factor=min(max(excess, 1.0), _MAX_DEBOUNCE_FACTOR))


def _ratio(demand: float, supply: float) -> float:
    return demand / supply if supply > 0 else _MAX_DEBOUNCE_FACTOR


class TokenBucket:
    """Saves up to three unused calls that the rate allowed, so that calls are spread instead of bunched."""

    def __init__(self, now: float) -> None:
        self._refilled_at = now
        self._calls = _MAX_BURST

    def refill(self, now: float, calls_per_second: float) -> None:
        """Add what the rate has allowed since the last refill."""
        elapsed = max(0.0, now - self._refilled_at)
        if elapsed:
            self._calls = min(self._calls + elapsed * calls_per_second, _MAX_BURST)
        self._refilled_at = now

    def wait(self, calls_per_second: float) -> float:
        """Seconds from the last refill until a call can be taken; 0 for now."""
        missing = 1 - self._calls
        if missing <= 0:
            return 0.0
        return missing / calls_per_second if calls_per_second > 0 else _NO_RATE_WAIT

    def take(self) -> None:
        """A call is made."""
        self._calls = max(0.0, self._calls - 1)
