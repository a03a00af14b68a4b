"""Answers that are too much: compressed ones, floods, heads and lines without end. What is held and done at once is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from fim_lsp.backends.backend import Chunk
from fim_lsp.backends.error_body import MOST_VALUES, parse_json
from fim_lsp.backends.response_reader import BODY_LIMIT, ResponseReader
from fim_lsp.errors import BackendError, BadReply, Intercepted, Unreachable
from fim_lsp.http import body_pipe, client
from fim_lsp.http.ndjson import LINE_LIMIT, Lines
from fim_lsp.http.sse import EVENT_LIMIT, Decoder
from tests.backends.helpers import PROMPT, ask, ask_text
from tests.fakes.fixtures import Connect

Send = Callable[[asyncio.StreamWriter], AsyncIterator[bytes]]
EVENT = b'data: {"choices":[{"text":"a"}]}\n\n'
DONE = b'data: {"choices":[{"text":"","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class RawServer:
    """Reads one request a connection, and sends what it is told, byte for byte."""

    def __init__(self, *pieces: bytes, endless: bytes = b"") -> None:
        self.pieces, self.endless = pieces, endless
        self.sent = 0
        self.requests: list[bytes] = []

    async def __aenter__(self) -> RawServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.lower())
            for piece in self.pieces:
                await self._send(writer, piece)
            while self.endless:
                await self._send(writer, self.endless)
        writer.close()

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        self.sent += len(data)
        await writer.drain()


def head(*headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: text/event-stream", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    "coding", ["gzip", "gzip, gzip", "X-GZIP", "br", "zstd", "deflate", "identity, gzip", "snappy"]
)
async def test_a_compressed_answer_is_refused_unread(connect: Connect, coding: str) -> None:
    bomb = gzip.compress(gzip.compress(b" " * (200 << 20), 1), 9)
    async with RawServer(head(f"Content-Encoding: {coding}", f"Content-Length: {len(bomb)}"), bomb) as server:
        backend = connect(server.url)
        await backend.warm_up()
        tracemalloc.start()
        try:
            with pytest.raises(BadReply, match="compressed"):
                await ask(backend)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()
        assert b"accept-encoding: identity\r\n" in server.requests[0]
        assert server.requests[0].count(b"accept-encoding") == 1


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
async def test_an_answer_as_it_is_may_say_so(connect: Connect, coding: str) -> None:
    async with RawServer(head(f"Content-Encoding: {coding}"), EVENT, DONE) as server:
        assert await ask_text(connect(server.url)) == "a"


async def test_of_a_compressed_refusal_the_status_says_enough(connect: Connect) -> None:
    body = gzip.compress(b'{"message": "who are you"}')
    async with RawServer(
        head("Content-Encoding: gzip", f"Content-Length: {len(body)}", status="401 No"), body
    ) as server:
        with pytest.raises(Intercepted, match="401"):
            await ask(connect(server.url))


@pytest.mark.parametrize(
    ("pieces", "endless", "error"),
    [
        ((b"HTTP/1.1 200 OK\r\n",), b"a: " + b"b" * 1000 + b"\r\n", Unreachable),
        ((b"HTTP/1.1 200 OK\r\na: ",), b"b" * 1000, Unreachable),
        ((head(*[f"a{n}: b" for n in range(client.HEADERS_LIMIT)]), DONE), b"", BadReply),
        ((head(),), b": nothing\n" * 100, BadReply),
        ((head(),), b"\n" * 1000, BadReply),
        ((head(),), b"data:\n" * 100, BadReply),
        ((head(), b"data: "), b"a" * 1000, BadReply),
        ((head(), b'{"choices": "'), b"a" * 1000, BadReply),
        ((head(), b"{"), b"[" * 1000, BadReply),
    ],
    ids=["headers", "a header", "many headers", "comments", "blanks", "empty data", "an event", "a text", "brackets"],
)  # fmt: skip
async def test_what_does_not_end_is_ended(
    connect: Connect, pieces: tuple[bytes, ...], endless: bytes, error: type[BackendError]
) -> None:
    async with RawServer(*pieces, endless=endless) as server:
        with pytest.raises(error):
            await ask(connect(server.url))
        assert server.sent < client.ANSWER_LIMIT + (16 << 20)  # what the kernel holds comes on top


class Turns:
    """How often the event loop has come round."""

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
async def test_a_flood_lets_everything_else_have_its_turn(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Between two turns of the loop no more is read than one piece, however the server cuts it."""
    data = EVENT * (8192 // len(EVENT)) + DONE
    cut = [data[at : at + size] for at in range(0, len(data), size)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in cut) + b"0\r\n\r\n"
    fed: list[tuple[int, int]] = []
    given: list[int] = []
    feed, give = ResponseReader.feed, body_pipe.Pipe.give

    async with Turns() as turns:

        def counted_feed(reader: ResponseReader, data: bytes) -> Iterator[Chunk]:
            fed.append((turns.count, len(data)))
            return feed(reader, data)

        async def counted_give(pipe_: body_pipe.Pipe, data: bytes) -> None:
            given.append(turns.count)
            await give(pipe_, data)

        monkeypatch.setattr(ResponseReader, "feed", counted_feed)
        monkeypatch.setattr(body_pipe.Pipe, "give", counted_give)
        async with RawServer(head("Transfer-Encoding: chunked") + body) as server:
            text = await ask_text(connect(server.url))
    assert text == "a" * data.count(EVENT)
    assert sum(length for _, length in fed) == len(data)
    assert max(length for _, length in fed) <= body_pipe.PIECE
    assert all(earlier < later for (earlier, _), (later, _) in itertools.pairwise(fed))
    assert max(map(given.count, given)) <= 2 * client._TURN


async def test_no_more_is_read_than_somebody_takes(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    give = body_pipe.Pipe.give

    async def counted(pipe_: body_pipe.Pipe, data: bytes) -> None:
        held.append(pipe_.ahead + len(data))
        await give(pipe_, data)

    monkeypatch.setattr(body_pipe.Pipe, "give", counted)
    async with RawServer(head(), endless=EVENT * 500) as server:
        chunks = connect(server.url).stream(PROMPT)
        assert (await anext(chunks)).text == "a"
        for _ in range(20_000):
            await asyncio.sleep(0)
        assert max(held) <= body_pipe.AHEAD + (128 << 10)
        await chunks.aclose()


async def test_the_timeout_is_kept_while_a_server_floods(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_LIMIT", 1 << 40)
    async with RawServer(head(), endless=EVENT * 500) as server:
        with pytest.raises(BadReply, match="did not end within"):
            await ask(connect(server.url, timeout=0.2))


async def test_after_the_end_only_a_little_is_read_for_nothing(connect: Connect) -> None:
    async with RawServer(head("Transfer-Encoding: chunked"), b"%x\r\n%b\r\n" % (len(DONE), DONE)) as server:
        server.endless = b"5\r\n: no\n\r\n" * 100
        backend = connect(server.url)
        async for chunk in backend.stream(PROMPT):
            if chunk.finish:
                break
        while backend._transport._calls:
            await asyncio.wait(backend._transport._calls)
        assert server.sent < 16 << 20


@pytest.mark.parametrize("make", [Decoder, Lines])
def test_a_line_is_put_together_once(make: Callable[[], Decoder | Lines]) -> None:
    """However many pieces it comes in: what has come is kept as it came, and looked through no second time."""
    decoder = make()
    pieces = [b"data: "] + [b"x" * 100] * 1000
    for piece in pieces:
        assert decoder.feed(piece) == []
        assert decoder._rest[-1] is piece
    assert [payload.removeprefix("data: ") for payload in decoder.feed(b"\n\n") if payload] == ["x" * 100_000]


@pytest.mark.parametrize(("decoder", "limit"), [(Decoder(), EVENT_LIMIT), (Lines(), LINE_LIMIT)])
def test_a_line_has_an_upper_end(decoder: Decoder | Lines, limit: int) -> None:
    decoder.feed(b"a" * limit)
    with pytest.raises(BadReply):
        decoder.feed(b"a")


def test_empty_lines_of_data_count_too() -> None:
    decoder = Decoder(limit=100)
    decoder.feed(b"data\n" * 100)
    with pytest.raises(BadReply):
        decoder.feed(b"data\n")


def test_blanks_before_an_answer_are_not_kept() -> None:
    reader = ResponseReader(lambda _message: BadReply("x"))
    for _ in range(BODY_LIMIT // 1024):
        assert list(reader.feed(b" \n\r\t" * 256)) == []
        assert reader._head == b""
    with pytest.raises(BadReply):
        list(reader.feed(b" "))


@pytest.mark.parametrize("unit", ["1,", "{},", '"",', '{"a":[0]},', "[],"])
def test_json_of_many_small_values_is_not_parsed(unit: str) -> None:
    """Parsing can't be interrupted, and its time goes by the number of values."""
    small = json.dumps({"choices": [json.loads(unit[:-1])] * 100})
    assert parse_json(small) == json.loads(small)
    large = '{"choices":[' + unit * MOST_VALUES + "0]}"
    assert parse_json(large) is None
    assert parse_json(large.encode()) is None
    assert parse_json(json.dumps({"text": "a" * (1 << 20)})) == {"text": "a" * (1 << 20)}
