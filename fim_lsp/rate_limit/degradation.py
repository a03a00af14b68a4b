"""What to save on when the pace is too fast: a smaller prompt first, a longer debounce next. Pure.

The prompt shrinks in steps, so that its beginning stays the same from key to key: local servers and Mistral reuse what
they have already read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fim_lsp.rate_limit.sliding_window import Pace

_STEPS: Final = (
    1.0,
    0.9,
    0.8,
    0.7,
    0.6,
    0.5,
    0.4,
    0.32,
    0.25,
)  # shares of the prompt; a quarter of 1,200 tokens is some 20 lines
_UP = 1.1  # a larger step is taken when the pace allows this much more, lest it flip between two
_LONGEST_DEBOUNCE = 4.0
_FREE, _BOUND = 0.4, 0.2  # room above which nobody is asked to save, and below which the pace alone decides


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """``prompt`` is the share of the usual prompt to send, 0.25 to 1; ``debounce`` lengthens the wait, 1 to 4 times."""

    prompt: float = 1.0
    debounce: float = 1.0


def leave(room: float) -> float:
    """How freely one may spend with so much room: 1 as one likes, 0 at the pace that can be kept up."""
    return max(0.0, min(1.0, (room - _BOUND) / (_FREE - _BOUND)))


def degrade(
    *, room: float, pace: Pace, wanted: float, prompt: int, output: int, before: Degradation | None = None
) -> Degradation:
    """How much to save so that typing can go on like this without a stop.

    ``room`` is what is left of the minute (0 to 1), ``pace`` what can be kept up, ``wanted`` the calls a second the user
    would make now, ``prompt`` and ``output`` a full call's tokens, ``before`` the last result. A short burst is free; the
    pace begins to count when 60 % of the minute is used, and decides alone from 80 % on.
    """
    before = before or Degradation()
    if wanted <= 0:
        return Degradation()
    free = leave(room)
    share = max(free, (pace.tokens / wanted - output) / max(prompt, 1))
    step = next((step for step in _STEPS if step <= share / (_UP if step > before.prompt else 1.0)), _STEPS[-1])
    call = _STEPS[-1] * prompt + output
    too_fast = max(_ratio(wanted * call, pace.tokens), _ratio(wanted, pace.requests)) if free < 1 else 1.0
    return Degradation(prompt=step, debounce=min(max(too_fast, 1.0), _LONGEST_DEBOUNCE))


def _ratio(demand: float, supply: float) -> float:
    return demand / supply if supply > 0 else _LONGEST_DEBOUNCE
