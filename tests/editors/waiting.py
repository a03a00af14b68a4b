"""Waiting for a condition, with a generous limit against waiting for ever."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

GUARD = 60.0  # seconds; a slow machine needs ten
_INTERVAL = 0.03  # seconds between two looks


async def until(condition: Callable[[], Any], what: str | Callable[[], str], *, guard: float = GUARD) -> Any:
    """Wait until ``condition``, which may be a coroutine function, returns something true, and return that.

    ``what`` is waited for, in the words of the failure.
    """
    end = time.monotonic() + guard
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"timed out, waiting for {what if isinstance(what, str) else what()}")
        await asyncio.sleep(_INTERVAL)
