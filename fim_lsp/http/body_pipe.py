"""An answer's bytes between the task that receives them and the one that reads them: few are held, few given out at once."""

from __future__ import annotations

import asyncio
from typing import Final

PIECE: Final = 1024  # bytes that are given out at once; then whatever else is due gets its turn
AHEAD: Final = 256 << 10  # bytes that are received before somebody has taken those that came earlier


class Pipe:
    """Takes pieces and gives them out, the same bytes; an exception put in is raised where it would come out."""

    def __init__(self) -> None:
        self.left = False  # nobody takes any more
        self.ahead = 0  # bytes that nobody has taken
        self._items: asyncio.Queue[bytes | BaseException] = asyncio.Queue()
        self._rest = b""  # what of the last piece is yet to be given out
        self._taken = asyncio.Event()

    def put(self, item: bytes | BaseException) -> None:
        """Put in what is small: an exception, or the empty bytes that mean the beginning or the end."""
        self._items.put_nowait(item)

    async def give(self, data: bytes) -> None:
        """Put in ``data``, and wait while too much has not been taken."""
        self._items.put_nowait(data)
        self.ahead += len(data)
        while self.ahead > AHEAD and not self.left:
            self._taken.clear()
            await self._taken.wait()

    async def take(self) -> bytes:
        """The next bytes, :data:`PIECE` at the most. Everything else that is due gets its turn before they come.

        So whoever is sent more than can be read holds up nothing else, and notices when time is up.
        """
        if self._rest or not self._items.empty():
            await asyncio.sleep(0)
        data = self._rest or await self._next()
        data, self._rest = data[:PIECE], data[PIECE:]
        return data

    def leave(self) -> None:
        """Nobody takes any more: whoever waits in :meth:`give` goes on."""
        self.left = True
        self._taken.set()

    async def _next(self) -> bytes:
        item = await self._items.get()
        if isinstance(item, BaseException):
            raise item
        self.ahead -= len(item)
        self._taken.set()
        return item
