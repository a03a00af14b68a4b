"""HTTP servers on loopback: the connections that all fakes share, and two general servers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self


class LoopbackServer:
    """An async context manager; ``url`` is its address. A subclass serves one connection with :meth:`serve`.

    ``connections``, ``open_connections`` and the counters of subclasses may be read at any time, and awaited by
    :meth:`until`.
    """

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.open_connections = 0
        self._port, self._tls = port, tls
        self._changed = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.listen(self._tls)
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop_listening()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def listen(self, tls: ssl.SSLContext | None = None) -> None:
        """Accept connections: at the start, and again at the same port after :meth:`stop_listening`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=tls, limit=1 << 24)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._port = self.port

    def stop_listening(self) -> None:
        """Refuse connections. Those that are open remain."""
        self._server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        """Serve one connection until it is to be closed; ``connection`` counts from 1."""
        raise NotImplementedError

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a counter or request has made ``condition`` true; 30 s are a guard against waiting forever."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(condition)

    async def count(self, **changes: int) -> None:
        """Add to counters, and check what :meth:`until` waits for."""
        async with self._changed:
            for name, change in changes.items():
                setattr(self, name, getattr(self, name) + change)
            self._changed.notify_all()

    def drop_idle(self) -> None:
        """Close all connections from this side, as servers do with idle ones."""
        for writer in self._writers:
            writer.close()

    def reset_all(self) -> None:
        """Break all connections, as a machine does that has crashed and is there again."""
        for writer in list(self._writers):
            reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        await self.count(connections=1, open_connections=1)
        try:
            await self.serve(reader, writer, self.connections)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            return  # the server is closing; asyncio's streams would report a cancelled handler
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()
            if not task.cancelling():
                await self.count(open_connections=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came in; ``connection`` counts from 1."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    connection: int

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.raw)
        return body


async def read_request(reader: asyncio.StreamReader, connection: int) -> Request | None:
    """The next request on a connection; None if the client closed it."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head[0].split(" ", 2)
    return Request(method=method, path=path, headers=headers, raw=raw, connection=connection)


def head(status: int, headers: dict[str, str], content_type: str = "application/json") -> bytes:
    """The status line and headers of a response."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {content_type}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def response(status: int, body: bytes, headers: dict[str, str], content_type: str = "application/json") -> bytes:
    """A whole response."""
    return head(status, {"Content-Length": str(len(body)), **headers}, content_type) + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is sent: ``body`` as it is, or as JSON if it is not bytes."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


class FakeServer(LoopbackServer):
    """Every response is a function of the request: what ``answer`` returns, or a 404 for None."""

    def __init__(
        self, answer: Callable[[Request], Reply | None], *, port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(port=port, tls=tls)
        self.answer = answer
        self.requests: list[Request] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while request := await read_request(reader, connection):
            self.requests.append(request)
            reply = self.answer(request) or Reply(status=404, body={"error": "not found"})
            writer.write(response(reply.status, reply.raw, reply.headers))
            await writer.drain()


class RawServer(LoopbackServer):
    """Reads one request per connection and sends ``pieces``, byte for byte, then ``endless`` again and again."""

    def __init__(self, *pieces: bytes, endless: bytes = b"") -> None:
        super().__init__()
        self.pieces, self.endless = pieces, endless
        self.sent = 0
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).lower())
        for piece in self.pieces:
            await self._send(writer, piece)
        while self.endless:
            await self._send(writer, self.endless)

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        self.sent += len(data)
        await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection: the other side gets a reset instead of an end."""
    linger = struct.pack("ii", 1, 0)
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def until_closed(reader: asyncio.StreamReader) -> None:
    """Return when the other side closes. A client that pipelines would lose bytes here; none of ours does."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(1024):
            pass
