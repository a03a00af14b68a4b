"""What is written about an error that nobody has foreseen: its class and where it arose, and nothing else.

The message of an exception may contain the user's text or a key, and so do the reports of asyncio and of libraries.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from fim_lsp.cli.output import say

_MAX_PLACES = 5


@contextlib.contextmanager
def without_details() -> Iterator[None]:
    """Inside, no report of Python's own contains a message, and libraries log nothing."""
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    silence = logging.NullHandler()  # else Python writes the warnings of libraries to standard error
    logging.getLogger().addHandler(silence)
    sys.excepthook = lambda _kind, error, _trace: report(error)
    sys.unraisablehook = threading.excepthook = _report_hook
    try:
        yield
    finally:
        logging.getLogger().removeHandler(silence)
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks


def report(error: BaseException) -> None:
    """Write the class of an error and the lines that led to it."""
    say(f"unexpected {type(error).__name__} ({_places(error.__traceback__)})")


def _report_hook(found: Any) -> None:
    say(f"unexpected {found.exc_type.__name__} ({_places(found.exc_traceback)})")


def _places(trace: TracebackType | None) -> str:
    """The innermost lines, in the notation of compilers."""
    import traceback  # not for the start

    frames = traceback.extract_tb(trace, limit=-_MAX_PLACES)
    return ", ".join(f"{frame.filename}:{frame.lineno}" for frame in frames) or "no trace"
