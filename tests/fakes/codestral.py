"""A small Codestral server on loopback, shaped by recorded replies: what it says, how fast, and how it fails is up to you.

``python -m tests.fakes.codestral --port 0 --ttft 0.25 --per-token 0.015`` runs it by itself and prints its port.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Self

import jsonschema

from tests.fakes.replies import Body, generated, streamed, whole
from tests.fakes.schema import FIM_REQUEST

PATH = "/v1/fim/completions"
_SCHEMA = jsonschema.Draft202012Validator(FIM_REQUEST)
_KINDS = {"additionalProperties": "extra_forbidden", "required": "missing", "type": "type_error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What happens to one request. ``gate`` holds back the whole answer, ``per_token`` and ``ttft`` are seconds.

    ``cut_after`` and ``stall_after`` are numbers of tokens after which the connection breaks, or nothing comes any
    more. ``raw`` is sent in place of a completion, ``content_type`` and ``as_stream`` go against what was asked.
    ``drop`` closes the connection without a word.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str | None = None
    as_stream: bool | None = None
    gate: asyncio.Event | None = None
    ttft: float = 0.0
    per_token: float = 0.0
    cut_after: int | None = None
    stall_after: int | None = None
    drop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came in; ``connection`` counts from 1."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    connection: int

    @property
    def body(self) -> Body:
        body: Body = json.loads(self.raw)
        return body


class FakeCodestral:
    """An async context manager; ``url`` is its base_url. Counters may be read at any time, and awaited by :meth:`until`."""

    def __init__(
        self,
        answer: Callable[[Body], str] = lambda body: "return a + b",
        *,
        behaviour: Behaviour | None = None,
        base: str = "",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answer = answer
        self.behaviour = behaviour or Behaviour()
        self.next: collections.deque[Behaviour] = collections.deque()
        self.requests: list[Request] = []
        self.connections = 0
        self.open_connections = 0
        self.hangups = 0
        self.served = 0
        self._base, self._port, self._tls = base, port, tls
        self._changed = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._tls, limit=1 << 24)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}{self._base}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something has happened that makes ``condition`` true; 30 s are a guard against waiting for ever."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(condition)

    def drop_idle(self) -> None:
        """Close all connections from this side, as servers do with idle ones."""
        for writer in self._writers:
            writer.close()

    async def _count(self, **changes: int) -> None:
        async with self._changed:
            for name, change in changes.items():
                setattr(self, name, getattr(self, name) + change)
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        await self._count(connections=1, open_connections=1)
        number = self.connections
        try:
            while request := await _read_request(reader, number):
                self.requests.append(request)
                await self._count()
                if not await self._answer_unless_hung_up(request, reader, writer):
                    return
        except ConnectionError:
            pass
        except asyncio.CancelledError:
            return  # the server is closing; asyncio's streams would report a cancelled handler
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()
            if not task.cancelling():
                await self._count(open_connections=-1)

    async def _answer_unless_hung_up(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer while watching the other side; False ends the connection."""
        answering = asyncio.create_task(self._answer(request, writer))
        watching = asyncio.create_task(_until_closed(reader))
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done() and answering.exception() is None:
                await self._count(served=1)
                return answering.result()
            await self._count(hangups=1)
            return False
        finally:
            for task in (answering, watching):
                task.cancel()
            await asyncio.gather(answering, watching, return_exceptions=True)

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        how = self.next.popleft() if self.next else self.behaviour
        if how.drop:
            return False
        if how.gate is not None:
            await how.gate.wait()
        await asyncio.sleep(how.ttft)
        if how.raw is not None or how.status != 200:
            writer.write(_reply(how.status, how.raw or b"", how.headers, how.content_type or "application/json"))
        elif refusal := _refusal(request, self._base + PATH):
            writer.write(_reply(refusal[0], json.dumps(refusal[1]).encode(), how.headers))
        elif request.body.get("stream", False) if how.as_stream is None else how.as_stream:
            return await _stream(request.body, self.answer(request.body), how, writer)
        else:
            text, finish = generated(request.body, self.answer(request.body))
            reply = json.dumps(whole(request.body, text, finish), ensure_ascii=False).encode()
            writer.write(_reply(200, reply, how.headers, how.content_type or "application/json"))
        await writer.drain()
        return True


async def _stream(body: Body, answer: str, how: Behaviour, writer: asyncio.StreamWriter) -> bool:
    head = {"Transfer-Encoding": "chunked", **how.headers}
    writer.write(_head(200, head, how.content_type or "text/event-stream; charset=utf-8"))
    text, finish = generated(body, answer)
    for count, message in enumerate(streamed(body, text, finish)):
        if count == how.cut_after:
            return False
        if count == how.stall_after:
            await asyncio.Event().wait()
        if count:
            await asyncio.sleep(how.per_token)
        data = b"data: " + json.dumps(message, ensure_ascii=False).encode() + b"\n\n"
        writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await writer.drain()
    writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    await writer.drain()
    return True


def _refusal(request: Request, path: str) -> tuple[int, Body] | None:
    """Why the real server would not answer this: no key, no such path, or a body that its schema does not allow."""
    if not request.headers.get("authorization", "").startswith("Bearer "):
        return 401, {"detail": "Unauthorized"}
    if (request.method, request.path) != ("POST", path):
        return 404, {"message": "no Route matched with those values", "request_id": "0aa5"}
    detail = []
    for error in _SCHEMA.iter_errors(request.body):
        unknown = sorted(set(request.body) - set(FIM_REQUEST["properties"]))
        names = unknown if error.validator == "additionalProperties" else [str(step) for step in error.absolute_path]
        kind = _KINDS.get(str(error.validator), "value_error")
        detail.append({"type": kind, "loc": ["body", *names], "msg": "not permitted", "input": error.instance})
    return (422, {"detail": detail}) if detail else None


def _head(status: int, headers: dict[str, str], content_type: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {content_type}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _reply(status: int, body: bytes, headers: dict[str, str], content_type: str = "application/json") -> bytes:
    return _head(status, {"Content-Length": str(len(body)), **headers}, content_type) + body


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head[0].split(" ", 2)
    return Request(method=method, path=path, headers=headers, raw=raw, connection=connection)


async def _until_closed(reader: asyncio.StreamReader) -> None:
    """Return when the other side closes. A client that pipelines would lose bytes here; none of ours does."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(1024):
            pass


@contextlib.asynccontextmanager
async def _standalone(arguments: argparse.Namespace) -> AsyncIterator[FakeCodestral]:
    behaviour = Behaviour(ttft=arguments.ttft, per_token=arguments.per_token)
    text = arguments.text.encode().decode("unicode_escape")
    async with FakeCodestral(lambda body: text, behaviour=behaviour, port=arguments.port) as server:
        yield server


async def _main(arguments: argparse.Namespace) -> None:
    async with _standalone(arguments) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="a fake Codestral server; prints its port")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--ttft", type=float, default=0.0, help="seconds to the first token")
    parser.add_argument("--per-token", type=float, default=0.0, help="seconds between tokens")
    parser.add_argument("--text", default="return a + b", help="what it answers, with \\n and the like")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(parser.parse_args()))
