"""Bounds what a server may send before the head of its response is complete: interim responses (1xx) have no end by themselves.

h11 bounds the size of each head but not their number, and reads all that have arrived without a pause: a server that sends
nothing else would occupy this process until the timeout. httpcore reports each connection that it makes to a call's
``trace`` function, as a stream; the stream's public method ``read`` is bounded there, once for all calls that use it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Final, Protocol

from fim_lsp.errors import BadReply

HEAD_LIMIT: Final = 160 << 10
"""Bytes before the body. h11 rejects a single head above 100 kB; some hints (103) may precede it."""

HEAD_READ_LIMIT: Final = 4 << 10
"""Bytes in one read before the body: a hundred interim responses, which take some milliseconds. Other tasks run then."""

Read = Callable[..., Awaitable[bytes]]


class Stream(Protocol):
    """A connection of httpcore's (``AsyncNetworkStream``)."""

    read: Read


class HeadLimit:
    """What one call may still read before the body. It belongs to the task that is running when it is made."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._left = HEAD_LIMIT
        self._is_complete = False
        _current.set(self)

    def complete(self) -> None:
        """The body follows."""
        self._is_complete = True

    async def read(self, read: Read, max_bytes: int, timeout: float | None) -> bytes:  # noqa: ASYNC109 - httpcore's name
        """Read from a stream. Raises :class:`~fim_lsp.errors.BadReply` if that is too much."""
        if self._is_complete:
            return await read(max_bytes, timeout)
        data = await read(min(max_bytes, HEAD_READ_LIMIT), timeout)
        self._left -= len(data)
        if self._left < 0:
            raise BadReply(f"the headers of {self._host} do not end", host=self._host)
        return data


def bound(stream: Stream) -> None:
    """Make a new connection obey the limit of whichever call reads from it."""
    unbounded = stream.read

    async def read(max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's name
        limit = _current.get()
        if limit is None:
            return await unbounded(max_bytes, timeout)
        return await limit.read(unbounded, max_bytes, timeout)

    stream.read = read


_current: Final[ContextVar[HeadLimit | None]] = ContextVar("head_limit", default=None)
