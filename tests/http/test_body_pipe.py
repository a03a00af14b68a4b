"""Bodies are buffered up to a limit and read in small pieces, however fast a server sends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from fim_lsp.backends.backend import Chunk
from fim_lsp.backends.response_reader import ResponseReader
from fim_lsp.errors import BadReply
from fim_lsp.http import client
from fim_lsp.http.body_pipe import BUFFER_LIMIT, READ_LIMIT, BodyPipe
from tests.fakes.fixtures import PROMPT, Connect, ask, ask_text
from tests.fakes.http import RawServer, head

EVENT = b'data: {"choices":[{"text":"a"}]}\n\n'
DONE = b'data: {"choices":[{"text":"","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


async def test_bytes_come_out_as_they_went_in() -> None:
    pipe = BodyPipe()
    data = bytes(range(256)) * 10
    await pipe.write(data)
    pipe.put(b"")
    pieces = []
    while piece := await pipe.read():
        pieces.append(piece)
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) == READ_LIMIT
    assert pipe.buffered == 0


async def test_an_exception_is_raised_where_it_would_come_out() -> None:
    pipe = BodyPipe()
    await pipe.write(b"a")
    pipe.put(BadReply("broken"))
    assert await pipe.read() == b"a"
    with pytest.raises(BadReply, match="broken"):
        await pipe.read()


@pytest.mark.parametrize("release", ["read", "close"])
async def test_a_full_pipe_waits_for_its_reader(release: str) -> None:
    pipe = BodyPipe()
    writing = asyncio.create_task(pipe.write(b"a" * (BUFFER_LIMIT + 1)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not writing.done()
    if release == "read":
        await pipe.read()
    else:
        pipe.close()
    await writing


def stream_head(headers: dict[str, str] | None = None) -> bytes:
    return head(200, headers or {}, "text/event-stream")


class Turns:
    """Counts the turns of the event loop."""

    def __init__(self) -> None:
        self.count = 0

    async def __aenter__(self) -> Turns:
        self._task = asyncio.create_task(self._turn())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _turn(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)


@pytest.mark.parametrize("size", [1, 7, 100_000], ids=["bytes", "pieces", "at once"])
async def test_a_flood_delays_no_other_task(connect: Connect, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Between two turns of the loop only one piece is read, however the server cuts the body."""
    data = EVENT * (8192 // len(EVENT)) + DONE
    cut = [data[at : at + size] for at in range(0, len(data), size)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in cut) + b"0\r\n\r\n"
    fed: list[tuple[int, int]] = []
    written: list[int] = []
    feed, write = ResponseReader.feed, BodyPipe.write

    async with Turns() as turns:

        def counted_feed(reader: ResponseReader, data: bytes) -> Iterator[Chunk]:
            fed.append((turns.count, len(data)))
            return feed(reader, data)

        async def counted_write(pipe: BodyPipe, data: bytes) -> None:
            written.append(turns.count)
            await write(pipe, data)

        monkeypatch.setattr(ResponseReader, "feed", counted_feed)
        monkeypatch.setattr(BodyPipe, "write", counted_write)
        async with RawServer(stream_head({"Transfer-Encoding": "chunked"}) + body) as server:
            text = await ask_text(connect(server.url))
    assert text == "a" * data.count(EVENT)
    assert sum(length for _, length in fed) == len(data)
    assert max(length for _, length in fed) <= READ_LIMIT
    assert all(earlier < later for (earlier, _), (later, _) in itertools.pairwise(fed))
    assert max(map(written.count, written)) <= 2 * client._READS_PER_TURN


async def test_little_is_received_ahead_of_the_reader(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    write = BodyPipe.write

    async def counted(pipe: BodyPipe, data: bytes) -> None:
        held.append(pipe.buffered + len(data))
        await write(pipe, data)

    monkeypatch.setattr(BodyPipe, "write", counted)
    async with RawServer(stream_head(), endless=EVENT * 500) as server:
        chunks = connect(server.url).stream(PROMPT)
        assert (await anext(chunks)).text == "a"
        for _ in range(20_000):
            await asyncio.sleep(0)
        assert max(held) <= BUFFER_LIMIT + (128 << 10)
        await chunks.aclose()


async def test_the_timeout_applies_while_a_server_floods(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BODY_LIMIT", 1 << 40)
    async with RawServer(stream_head(), endless=EVENT * 500) as server:
        with pytest.raises(BadReply, match="did not end within"):
            await ask(connect(server.url, timeout=0.2))
