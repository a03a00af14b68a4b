"""Counts what the interpreter does, as a measure of work that does not depend on the machine."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def steps(function: Callable[[], object]) -> int:
    """The calls, lines and returns that the interpreter executes in ``function``."""
    count = 0

    def trace(_frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal count
        count += 1
        return trace

    previous = sys.gettrace()
    gc.disable()  # its callbacks would be counted
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(previous)
        gc.enable()
    return count
