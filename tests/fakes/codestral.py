"""A small Codestral server on loopback, shaped by recorded responses: a test decides what it sends, how fast, and how it fails.

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

from tests.fakes.http import LoopbackServer, Request, head, read_request, response, until_closed
from tests.fakes.replies import Body, generated, streamed, whole
from tests.fakes.schema import FIM_REQUEST

PATH = "/v1/fim/completions"
MODELS_PATH = "/v1/models"
_SCHEMA = jsonschema.Draft202012Validator(FIM_REQUEST)
_KINDS = {"additionalProperties": "extra_forbidden", "required": "missing", "type": "type_error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How one request is served. ``gate`` holds back the whole response, ``per_token`` and ``ttft`` are seconds.

    ``cut_after`` and ``stall_after`` are numbers of tokens after which the connection breaks, or nothing more is sent.
    ``raw`` is sent instead of a completion, ``content_type`` and ``as_stream`` override what the request asked for.
    ``drop`` closes the connection without a response.
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


class FakeCodestral(LoopbackServer):
    """``url`` is its base_url. ``next`` are behaviours for the next requests, before ``behaviour`` applies again.

    ``models`` are the ids that it lists, all of which can fill in; None: it has no list, as codestral.mistral.ai.
    """

    def __init__(
        self,
        answer: Callable[[Body], str] = lambda body: "return a + b",
        *,
        behaviour: Behaviour | None = None,
        base: str = "",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(port=port, tls=tls)
        self.answer = answer
        self.behaviour = behaviour or Behaviour()
        self.next: collections.deque[Behaviour] = collections.deque()
        self.models: list[str] | None = None
        self.requests: list[Request] = []
        self.hangups = 0
        self.served = 0
        self._base = base

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.url += self._base
        return self

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while request := await read_request(reader, connection):
            if self.models is not None and (request.method, request.path) == ("GET", self._base + MODELS_PATH):
                listed = [{"id": name, "capabilities": {"completion_fim": True}} for name in self.models]
                writer.write(response(200, json.dumps({"object": "list", "data": listed}).encode(), {}))
                await writer.drain()
                continue
            self.requests.append(request)
            await self.count()
            if not await self._answer_unless_hung_up(request, reader, writer):
                return

    async def _answer_unless_hung_up(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer while watching whether the client hangs up; False ends the connection."""
        answering = asyncio.create_task(self.respond(request, writer))
        watching = asyncio.create_task(until_closed(reader))
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done() and answering.exception() is None:
                await self.count(served=1)
                return answering.result()
            await self.count(hangups=1)
            return False
        finally:
            for task in (answering, watching):
                task.cancel()
            await asyncio.gather(answering, watching, return_exceptions=True)

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; False ends the connection."""
        how = self.next.popleft() if self.next else self.behaviour
        if how.drop:
            return False
        if how.gate is not None:
            await how.gate.wait()
        await asyncio.sleep(how.ttft)
        if how.raw is not None or how.status != 200:
            writer.write(response(how.status, how.raw or b"", how.headers, how.content_type or "application/json"))
        elif refusal := _refusal(request, self._base + PATH):
            writer.write(response(refusal[0], json.dumps(refusal[1]).encode(), how.headers))
        elif request.body.get("stream", False) if how.as_stream is None else how.as_stream:
            return await _stream(request.body, self.answer(request.body), how, writer)
        else:
            text, finish = generated(request.body, self.answer(request.body))
            reply = json.dumps(whole(request.body, text, finish), ensure_ascii=False).encode()
            writer.write(response(200, reply, how.headers, how.content_type or "application/json"))
        await writer.drain()
        return True


async def _stream(body: Body, answer: str, how: Behaviour, writer: asyncio.StreamWriter) -> bool:
    headers = {"Transfer-Encoding": "chunked", **how.headers}
    writer.write(head(200, headers, how.content_type or "text/event-stream; charset=utf-8"))
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
    """How the real server would refuse this: no key, an unknown path, or a body that its schema does not allow."""
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
