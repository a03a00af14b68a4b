"""The back end of the bench: a model that knows the recorded typing, behind the endpoints of Codestral and of Tabby."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any, Self

from tests.fakes.replies import Body, generated, streamed, whole
from tests.quality.recorded_typing import FIRST_TOKEN, PER_TOKEN, Model, tokens

_TABBY_HEALTH = {
    "model": "fake",
    "chat_model": None,
    "device": "cpu",
    "arch": "x86_64",
    "cpu_info": "",
    "cpu_count": 1,
    "cuda_devices": [],
    "version": {"build_date": "", "build_timestamp": "", "git_sha": "", "git_describe": "v0.20.0"},
}


@dataclass(slots=True)
class Call:
    """One request for a completion; times are those of ``time.monotonic``."""

    arrived: float
    size: int  # bytes of the request's body
    tokens: int = 0  # sent so far
    finished: float | None = None
    aborted: bool = False


@dataclass(frozen=True, slots=True)
class _Request:
    path: str
    body: bytes


class Backend:
    """An async context manager that listens on loopback; ``calls`` and ``connections`` are what came in."""

    def __init__(self, model: Model, *, first_token: float = FIRST_TOKEN, per_token: float = PER_TOKEN) -> None:
        self.model = model
        self.calls: list[Call] = []
        self.connections = 0
        self._first_token, self._per_token = first_token, per_token
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 24)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        counted = False
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while request := await _read(reader):
                completes = request.path.endswith("completions")
                self.connections += completes and not counted
                counted |= completes
                await _unless_hung_up(reader, self._answer(request, writer))
        writer.close()

    async def _answer(self, request: _Request, writer: asyncio.StreamWriter) -> None:
        if request.path.endswith("completions"):
            await self._complete(request, writer)
        else:
            _write_json(writer, _TABBY_HEALTH if request.path == "/v1/health" else {})
            await writer.drain()

    async def _complete(self, request: _Request, writer: asyncio.StreamWriter) -> None:
        call = Call(arrived=time.monotonic(), size=len(request.body))
        self.calls.append(call)
        body: Body = json.loads(request.body)
        try:
            if "segments" in body:
                text = self.model.complete(body["segments"]["prefix"])
                await self._generate(call, text)
                _write_json(writer, {"id": "cmpl", "choices": [{"index": 0, "text": text}]})
            elif body.get("stream"):
                text, finish = generated(body, self.model.complete(body["prompt"]))
                await self._stream(call, streamed(body, text, finish), writer)
            else:
                text, finish = generated(body, self.model.complete(body["prompt"]))
                await self._generate(call, text)
                _write_json(writer, whole(body, text, finish))
            await writer.drain()
        except (asyncio.CancelledError, ConnectionError):
            call.aborted = True
            raise
        finally:
            call.finished = time.monotonic()

    async def _generate(self, call: Call, text: str) -> None:
        async for _ in self._paced(call, tokens(text)):
            pass

    async def _stream(self, call: Call, messages: list[Body], writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        async for message in self._paced(call, messages):
            _write_chunk(writer, b"data: " + json.dumps(message, ensure_ascii=False).encode() + b"\n\n")
            await writer.drain()
        _write_chunk(writer, b"data: [DONE]\n\n")
        _write_chunk(writer, b"")

    async def _paced(self, call: Call, pieces: list[Any]) -> AsyncIterator[Any]:
        await asyncio.sleep(self._first_token)
        for piece in pieces:
            await asyncio.sleep(self._per_token)
            call.tokens += 1
            yield piece


async def _read(reader: asyncio.StreamReader) -> _Request | None:
    try:
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(":") for line in lines)}
        return _Request(head.split(" ")[1], await reader.readexactly(int(headers.get("content-length", 0))))
    except asyncio.IncompleteReadError:
        return None


async def _unless_hung_up(reader: asyncio.StreamReader, answering: Awaitable[None]) -> None:
    """Answer, but stop as soon as the client closes the connection."""
    answer = asyncio.ensure_future(answering)
    closed = asyncio.ensure_future(_closed(reader))
    try:
        await asyncio.wait({answer, closed}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ConnectionResetError
        answer.result()
    finally:
        answer.cancel()
        closed.cancel()
        await asyncio.gather(answer, closed, return_exceptions=True)


async def _closed(reader: asyncio.StreamReader) -> None:
    """Return when the client has closed the connection. (No client of the bench sends a request before it has its answer.)"""
    while await reader.read(1024):
        pass


def _write_json(writer: asyncio.StreamWriter, body: object) -> None:
    raw = json.dumps(body, ensure_ascii=False).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(raw), raw))


def _write_chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))
