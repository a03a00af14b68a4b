"""The back end of the bench: a model that knows the recorded typing, behind the endpoints of Codestral and of Tabby."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any

from tests.fakes.http import LoopbackServer, Request, head, read_request, response, until_closed
from tests.fakes.replies import Body, generated, streamed, whole
from tests.quality.recorded_typing import FIRST_TOKEN, PER_TOKEN, Model, tokens

_TABBY_HEALTH: dict[str, object] = {
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


class Backend(LoopbackServer):
    """An async context manager that listens on loopback; ``calls`` and ``callers`` (connections with a call) are counted."""

    def __init__(self, model: Model, *, first_token: float = FIRST_TOKEN, per_token: float = PER_TOKEN) -> None:
        super().__init__()
        self.model = model
        self.calls: list[Call] = []
        self.callers: set[int] = set()
        self._first_token, self._per_token = first_token, per_token

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while request := await read_request(reader, connection):
            await _unless_hung_up(reader, self._answer(request, writer))

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.path.endswith("completions"):
            self.callers.add(request.connection)
            await self._complete(request, writer)
        else:
            _write_json(writer, _TABBY_HEALTH if request.path == "/v1/health" else {})
            await writer.drain()

    async def _complete(self, request: Request, writer: asyncio.StreamWriter) -> None:
        call = Call(arrived=time.monotonic(), size=len(request.raw))
        self.calls.append(call)
        body: Body = request.body
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
        writer.write(head(200, {"Transfer-Encoding": "chunked"}, "text/event-stream"))
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


async def _unless_hung_up(reader: asyncio.StreamReader, answering: Awaitable[None]) -> None:
    """Answer, but stop as soon as the client closes the connection."""
    answer = asyncio.ensure_future(answering)
    closed = asyncio.ensure_future(until_closed(reader))
    try:
        await asyncio.wait({answer, closed}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ConnectionResetError
        answer.result()
    finally:
        answer.cancel()
        closed.cancel()
        await asyncio.gather(answer, closed, return_exceptions=True)


def _write_json(writer: asyncio.StreamWriter, body: object) -> None:
    writer.write(response(200, json.dumps(body, ensure_ascii=False).encode(), {}))


def _write_chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))
