"""What a server sends before the body is bounded for each call, over any number of calls on one connection."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.errors import BadReply
from fim_lsp.http.head_limit import HEAD_LIMIT, HEAD_READ_LIMIT, HeadLimit, bound
from tests.fakes.fixtures import Connect, ask, ask_text
from tests.fakes.http import RawServer

INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {"choices":[{"text":"a","finish_reason":"stop"}]}\n\n'


class Endless:
    """A stream that is always full. ``asked`` are the sizes of the reads."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.read = self._read

    async def _read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's name
        self.asked.append(max_bytes)
        return b"a" * max_bytes


async def read_all(stream: Endless) -> None:
    """Read in a task of its own, as each call does."""

    async def call() -> None:
        HeadLimit("fim.example")
        while True:
            await stream.read(1 << 16)

    await asyncio.create_task(call())


async def test_each_call_may_read_so_much_in_small_pieces() -> None:
    stream = Endless()
    bound(stream)
    for _ in range(2):
        stream.asked.clear()
        with pytest.raises(BadReply, match=r"the headers of fim\.example do not end"):
            await read_all(stream)
        assert stream.asked == [HEAD_READ_LIMIT] * (HEAD_LIMIT // HEAD_READ_LIMIT + 1)


async def test_the_body_and_what_no_call_reads_are_not_bounded() -> None:
    stream = Endless()
    bound(stream)
    assert len(await stream.read(1 << 20)) == 1 << 20
    limit = HeadLimit("fim.example")
    limit.complete()
    assert len(await stream.read(1 << 20, timeout=1.0)) == 1 << 20


async def test_interim_responses_without_end(connect: Connect) -> None:
    async with RawServer(endless=INTERIM * 1000) as server:
        with pytest.raises(BadReply, match="do not end"):
            await ask(connect(server.url))


async def test_many_interim_responses_before_an_answer(connect: Connect) -> None:
    async with RawServer(INTERIM * (HEAD_LIMIT // len(INTERIM) - 100), ANSWER) as server:
        assert await ask_text(connect(server.url)) == "a"
