"""A Codestral server on loopback that misbehaves while it is told to, and one that nobody should ever talk to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from tests.fakes.codestral import FakeCodestral
from tests.fakes.http import LoopbackServer, Request, until_closed
from tests.fakes.proxy import FakeProxy

KEY: Final = "sk-made-up-key-of-one-host"
MARK: Final = "zeta_"
"""Every completion of the host begins with it, and a number: the embedded model can't know them."""

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Does something with a connection instead of reading requests from it."""

Misbehave = Callable[[Request, asyncio.StreamWriter], Awaitable[bool]]
"""Answers a request in its own way; False ends the connection."""


class FaultyHost(FakeCodestral):
    """``misbehave`` answers instead of the server while it is set; ``hits`` counts what was asked meanwhile."""

    def __init__(self, **settings: object) -> None:
        super().__init__(lambda _body: f"{MARK}{len(self.requests)}()", **settings)  # type: ignore[arg-type]
        self.misbehave: Misbehave | None = None
        self.accept: Accept | None = None
        self.hits = 0
        self._dead = 0  # connections up to this one are gone, without their client's knowledge
        self._blocked: list[socket.socket] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        if self.accept is not None:
            self.hits += 1
            await self.accept(reader, writer)
            return
        await super().serve(reader, writer, connection)

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        if request.connection <= self._dead:
            self.hits += 1
            await asyncio.Event().wait()
        if self.misbehave is None:
            return await super().respond(request, writer)
        self.hits += 1
        return await self.misbehave(request, writer)

    def forget_connections(self) -> None:
        """The network changes: nothing arrives any more over the connections that exist, and nobody is told."""
        self._dead = self.connections

    def block(self) -> None:
        """Do not accept connections, without refusing them: as a firewall that drops packets."""
        self.stop_listening()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(0)
        self._blocked = [listener]
        for _ in range(2):  # what fits into the queue of one that accepts nothing
            waiting = socket.socket()
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(("127.0.0.1", self.port))
            self._blocked.append(waiting)

    def unblock(self) -> None:
        """Undo :meth:`block`, but for :meth:`listen`."""
        for one in reversed(self._blocked):
            one.close()
        self._blocked = []


class Elsewhere(LoopbackServer):
    """Another host, which a fault points at. It answers what anybody would like to hear, and records what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while data := await reader.read(65536):
            self.heard += data
            writer.write(b"HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()


class DyingProxy(FakeProxy):
    """``reply`` is sent instead of forwarding while it is set, and the connection is closed; ``b""``: nothing is sent at all."""

    def __init__(self, target_port: int) -> None:
        super().__init__(target_port)
        self.reply: bytes | None = None
        self.hits = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        reply = self.reply
        if reply is None:
            await super().serve(reader, writer, connection)
            return
        self.hits += 1
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        if not reply:
            await until_closed(reader)
        writer.write(reply)
        await writer.drain()
