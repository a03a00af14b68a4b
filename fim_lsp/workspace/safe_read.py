"""Reading a file that somebody else may have put there: never more than so much, and never anything that has no end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MOST = 1 << 20  # bytes: a settings file or a .gitignore that is larger is none
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def read_text(path: Path, *, most: int = MOST) -> str:
    """The text of a regular file of at most ``most`` bytes. Raises ``OSError`` or ``ValueError`` (no UTF-8, no name).

    git keeps symbolic links, so a repository's file may be ``/dev/zero``; opening a FIFO would wait for its writer.
    """
    handle = os.open(path, _FLAGS)  # O_NONBLOCK: comes back from a FIFO too
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        data = bytearray()
        while len(data) <= most and (piece := os.read(handle, most + 1 - len(data))):
            data += piece
    finally:
        os.close(handle)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most >> 10} KiB")
    return data.decode("utf-8")
