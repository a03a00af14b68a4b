"""Times and back ends, as a user knows them."""

from __future__ import annotations

import math
import time

EMBEDDED = "ngram"
MEANWHILE = "meanwhile suggestions come from"
_DAY = 86_400  # seconds


def time_of_day(at: float, now: float) -> str:
    """A time to come, to the full minute, from seconds since the epoch: ``14:05``, ``14:05 tomorrow`` or ``a later day``."""
    if not at - now < _DAY:  # NaN too
        return "a later day"
    then, today = time.localtime(math.ceil(at / 60) * 60), time.localtime(now)
    days = "" if (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday) else " tomorrow"
    return time.strftime("%H:%M", then) + days


def source_of(backend: str) -> str:
    """Where a back end's suggestions come from: ``codestral``, or ``your own files (ngram)``."""
    return f"your own files ({backend})" if backend == EMBEDDED else backend


def with_fallback(sentence: str, fallback: str) -> str:
    """What happened to a back end, and which one is used instead, if there is one."""
    return f"{sentence}; {MEANWHILE} {source_of(fallback)}" if fallback else sentence
