"""A response's body between the task that receives it and the one that reads it: bounded buffering, small reads."""

from __future__ import annotations

import asyncio
from typing import Final

READ_LIMIT: Final = 1024
"""Bytes in one read; other tasks run between two reads."""

BUFFER_LIMIT: Final = 256 << 10
"""Bytes that are received ahead of the reader."""


class BodyPipe:
    """Bytes that are written are read unchanged and in order; an exception that is put in is raised by :meth:`read`."""

    def __init__(self) -> None:
        self.closed = False
        self.buffered = 0  # bytes written and not yet read
        self._items: asyncio.Queue[bytes | BaseException] = asyncio.Queue()
        self._remainder = b""  # of an item that was only read in part
        self._was_read = asyncio.Event()

    def put(self, item: bytes | BaseException) -> None:
        """Add an exception, or the empty ``bytes`` that mark the start and the end of the body. Never waits."""
        self._items.put_nowait(item)

    async def write(self, data: bytes) -> None:
        """Add ``data``, and wait while more than :data:`BUFFER_LIMIT` bytes are unread."""
        self._items.put_nowait(data)
        self.buffered += len(data)
        while self.buffered > BUFFER_LIMIT and not self.closed:
            self._was_read.clear()
            await self._was_read.wait()

    async def read(self) -> bytes:
        """The next bytes, up to :data:`READ_LIMIT`. Other tasks run first, even if bytes are already available.

        That way, a server that sends faster than its response can be read delays nothing else, and timeouts still apply.
        """
        if self._remainder or not self._items.empty():
            await asyncio.sleep(0)
        data = self._remainder or await self._next_item()
        data, self._remainder = data[:READ_LIMIT], data[READ_LIMIT:]
        return data

    def close(self) -> None:
        """No more will be read: :meth:`write` no longer waits."""
        self.closed = True
        self._was_read.set()

    async def _next_item(self) -> bytes:
        item = await self._items.get()
        if isinstance(item, BaseException):
            raise item
        self.buffered -= len(item)
        self._was_read.set()
        return item
