"""Reads files that somebody else may have written: with bounded size, and never an endless one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

MAX_BYTES = 1 << 20  # no settings file or .gitignore is larger
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)

Stamp = tuple[int, int, int] | None
"""Time of modification in nanoseconds, size and inode; an error number for a file that can't be accessed."""


def read_text(
    path: Path, *, max_bytes: int = MAX_BYTES, check: Callable[[os.stat_result], None] = lambda _status: None
) -> str:
    """The text of a regular file of up to ``max_bytes``. Raises ``OSError``, or ``ValueError`` for text that is not UTF-8
    or a path that can't exist. ``check`` may raise an ``OSError`` for the file that was opened.
    """
    return read_bytes(path, max_bytes=max_bytes, check=check).decode("utf-8")


def read_bytes(
    path: Path, *, max_bytes: int, check: Callable[[os.stat_result], None] = lambda _status: None
) -> bytearray:
    """The same, of any file.

    A cloned repository may contain a symbolic link to ``/dev/zero``, or to a FIFO, which would block until it is written.
    """
    handle = os.open(path, _FLAGS)  # with O_NONBLOCK, opening a FIFO returns at once
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        check(status)
        data = bytearray()
        while len(data) <= max_bytes and (chunk := os.read(handle, max_bytes + 1 - len(data))):
            data += chunk
    finally:
        os.close(handle)
    if len(data) > max_bytes:
        raise OSError(errno.EFBIG, f"it has more than {max_bytes >> 10} KiB")
    return data


def file_stamp(path: Path | str) -> Stamp:
    """Changes when the file does; takes microseconds."""
    try:
        status = os.stat(path)
    except OSError as error:
        return (-(error.errno or 1), 0, 0)
    except ValueError:  # a NUL byte in the name
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
