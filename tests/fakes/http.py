"""A small HTTP server on loopback whose every answer is a function of the request."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from tests.fakes.codestral import Request, _read_request, _reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is sent: ``body`` as it is, or as JSON if it is not bytes."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


class FakeServer:
    """An async context manager; ``url`` is its address, ``requests`` what came in. What ``answer`` returns None for is a 404."""

    def __init__(self, answer: Callable[[Request], Reply | None], *, port: int = 0) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.connections = 0
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=1 << 24)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        number = self.connections
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while request := await _read_request(reader, number):
                self.requests.append(request)
                reply = self.answer(request) or Reply(status=404, body={"error": "not found"})
                writer.write(_reply(reply.status, reply.raw, reply.headers))
                await writer.drain()
        writer.close()
