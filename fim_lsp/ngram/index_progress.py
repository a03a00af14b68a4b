"""Tells how far the reading of the workspace's files has come, if that takes over a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

OnProgress = Callable[[int, int, bool], None]
"""Called in the index's thread with the files that have been read, how many there are (0 while they are searched for),
and whether that was all."""

REPORT_AFTER: Final = 1.0
"""Seconds: shorter work is not reported."""

REPORT_INTERVAL: Final = 0.5
"""Seconds between two reports."""


class IndexProgress:
    """From the first job to the moment when there is nothing left to do is one stretch of work."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.report: OnProgress = lambda _read, _files, _finished: None
        self._clock = clock
        self._next_at: float | None = None  # of the next report; None while nothing is done
        self._has_reported = False
        self._read = self._files = 0

    def working(self) -> None:
        """A little work was done; reports if it is time."""
        now = self._clock()
        if self._next_at is None:
            self._next_at = now + REPORT_AFTER
        elif now >= self._next_at:
            self._next_at = now + REPORT_INTERVAL
            self._has_reported = True
            self.report(self._read, self._files, False)

    def found(self, files: int) -> None:
        """``files`` more files will be read."""
        self._files += files

    def read(self) -> None:
        """A file was read."""
        self._read += 1

    def finish(self) -> None:
        """There is nothing left to do."""
        if self._has_reported:
            self.report(self._read, self._files, True)
        self._next_at, self._has_reported, self._read, self._files = None, False, 0, 0
