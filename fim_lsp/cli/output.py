"""Output to standard error: messages for the user, and the log."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections import deque
from typing import TextIO

from fim_lsp.errors import UsageError
from fim_lsp.text.unicode import visible

_MAX_WAITING = 1_000  # lines; further ones are dropped and counted
_MAX_LINE = 2_000  # characters
_CLOSE_TIMEOUT = 0.5  # seconds for writing the last lines


def say(sentence: str) -> None:
    """Write a message for the user, if standard error exists and can be written."""
    with contextlib.suppress(AttributeError, OSError):
        sys.stderr.write(_line(f"fim-lsp: {sentence.removeprefix('fim-lsp: ')}"))


def answer(line: str) -> None:
    """Write a line of a command's answer to standard output, in UTF-8 whatever the terminal uses."""
    write(_line(line))


def _line(text: str) -> str:
    r"""One line, whatever is in it: a file's name may contain ``\n``, and must not look like a line of ours."""
    return visible(text).replace("\n", "\\n") + "\n"


def write(text: str) -> None:
    """Write to standard output as it is. Raises UsageError if that is closed, and ``OSError`` if it can't be written."""
    if sys.stdout is None:
        raise UsageError("standard output is closed")
    sys.stdout.flush()  # whatever was written before comes first
    sys.stdout.buffer.write(text.encode(errors="replace"))
    sys.stdout.buffer.flush()


def open_private(path: str, flags: int) -> int:
    """An ``opener`` for ``open()``: a new file is readable by the user alone, because it names files and hosts."""
    return os.open(path, flags, 0o600)


def is_styled() -> bool:
    """Whether what is written to standard output may be dimmed: it is a terminal, and ``NO_COLOR`` is not set."""
    return (
        sys.stdout is not None
        and sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


class BackgroundHandler(logging.Handler):
    """Writes log lines to a stream in a separate thread: the server never waits for a reader that has stopped reading.

    The thread starts with the first line. Lines that can't wait are dropped and counted.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line; returns at once."""
        try:
            line = _line(self.format(record)[:_MAX_LINE])
        except (TypeError, ValueError):  # arguments that don't fit the message
            line = f"{record.levelname} {record.name}: a line that can't be formatted\n"
        with self._wake:
            if self._closing:
                return
            if len(self._lines) >= _MAX_WAITING:
                self._dropped += 1
                return
            self._lines.append(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            self._wake.notify()

    def close(self) -> None:
        """Write the waiting lines, if that is quick."""
        with self._wake:
            self._closing = True
            thread = self._thread
            self._wake.notify()
        if thread is not None:
            thread.join(_CLOSE_TIMEOUT)
        super().close()

    def _run(self) -> None:
        while (lines := self._take()) is not None:
            with contextlib.suppress(OSError, ValueError):  # the reader has gone, or the stream is closed
                self._stream.write("".join(lines))
                self._stream.flush()

    def _take(self) -> list[str] | None:
        """Wait for lines and take them all; None at the end."""
        with self._wake:
            self._wake.wait_for(lambda: self._lines or self._closing)
            if not self._lines:
                return None
            lines = list(self._lines)
            self._lines.clear()
            if self._dropped:
                lines.append(f"{self._dropped} more lines were dropped, because nobody read the log\n")
                self._dropped = 0
            return lines
