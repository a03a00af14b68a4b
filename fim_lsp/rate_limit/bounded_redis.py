"""Bounds what a Redis server may send. The redis package reads a string of any length into memory.

This is the only file that touches private parts of that package: the parser's stream. ``tests/rate_limit`` notices if they
move, because a reply that is too long is then read to its end.
"""

from __future__ import annotations

from typing import Any, Final

_LINE_COST: Final = 64
"""What a line counts in bytes: the package takes some 50 µs for one, however short it is, and a list has one for each item."""


def bounded_parser(max_reply: int) -> type[Any]:
    """The parser of the package, for protocol 2, which ends the connection after ``max_reply`` bytes of one reply."""
    from redis._parsers import _AsyncRESP2Parser

    class BoundedParser(_AsyncRESP2Parser):
        def on_connect(self, connection: Any) -> None:
            super().on_connect(connection)  # type: ignore[no-untyped-call]
            self._stream: Any = _BoundedStream(self._stream)

        async def read_response(self, *arguments: Any, **options: Any) -> Any:
            if isinstance(self._stream, _BoundedStream):
                self._stream.left = max_reply
            return await super().read_response(*arguments, **options)

    return BoundedParser


class _BoundedStream:
    """An :class:`asyncio.StreamReader` of which only ``left`` more bytes may be read."""

    def __init__(self, stream: Any) -> None:
        self.left = 0
        self._reader = stream

    async def readexactly(self, length: int) -> bytes:
        self._take(length)
        data: bytes = await self._reader.readexactly(length)
        return data

    async def readline(self) -> bytes:
        line: bytes = await self._reader.readline()
        self._take(len(line) + _LINE_COST)
        return line

    def _take(self, length: int) -> None:
        from redis.exceptions import InvalidResponse

        if length < 0 or length > self.left:
            raise InvalidResponse("the reply is too long")
        self.left -= length

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)
