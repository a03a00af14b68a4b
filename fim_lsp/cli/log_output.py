"""Where log lines go. Whoever reads them may stop reading: the server must not wait for that."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from typing import TextIO

_WAITING_MOST = 1_000  # lines; more than that is told as a number
_LINE_MOST = 2_000  # characters
_AT_THE_END = 0.5  # seconds for the last lines


class BackgroundHandler(logging.Handler):
    """Writes lines to a stream in a thread of its own, started with the first one. What can't wait is dropped and counted."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; returns at once."""
        try:
            line = self.format(record)[:_LINE_MOST]
        except (TypeError, ValueError):  # arguments that don't fit
            line = f"{record.levelname} {record.name}: a line that can't be formatted"
        with self._wake:
            if self._closing:
                return
            if len(self._lines) >= _WAITING_MOST:
                self._dropped += 1
                return
            self._lines.append(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            self._wake.notify()

    def close(self) -> None:
        """Write what waits, if that is quick."""
        with self._wake:
            self._closing = True
            thread = self._thread
            self._wake.notify()
        if thread is not None:
            thread.join(_AT_THE_END)
        super().close()

    def _run(self) -> None:
        while (lines := self._taken()) is not None:
            with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or the stream is closed
                self._stream.write("".join(f"{line}\n" for line in lines))
                self._stream.flush()

    def _taken(self) -> list[str] | None:
        """The lines that wait, None at the end."""
        with self._wake:
            self._wake.wait_for(lambda: self._lines or self._closing)
            if not self._lines:
                return None
            lines = list(self._lines)
            self._lines.clear()
            if self._dropped:
                lines.append(f"{self._dropped} more lines were dropped, because nobody read the log")
                self._dropped = 0
            return lines
