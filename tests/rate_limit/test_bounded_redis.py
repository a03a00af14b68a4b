"""A Redis server that lies, floods or answers nonsense: no completion fails, little is read, and its words are not repeated."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from fim_lsp.rate_limit.redis_store import MAX_COUNT, MAX_REPLY, RedisStore
from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import RESERVATION_SECONDS, Entry, Limits
from fim_lsp.rate_limit.store import StoreUnavailable
from fim_lsp.secret import Secret

OURS = Entry(name="us.1", tokens=100, requests=1, expires_in=60)
LIMITS = Limits(tokens=1000)
WORDS = "the-words-of-the-server"
ROW = b"*4\r\n$1\r\nx\r\n:1\r\n:1\r\n:1000\r\n"

NONSENSE = {
    "a number": b":1\r\n",
    "a word": b"+OK\r\n",
    "nothing": b"$-1\r\n",
    "no list": b"*-1\r\n",
    "an empty list": b"*0\r\n",
    "a number for the rows": b"*2\r\n:1\r\n:5\r\n",
    "rows of numbers": b"*2\r\n:1\r\n*1\r\n:5\r\n",
    "a short row": b"*2\r\n:1\r\n*1\r\n*2\r\n$1\r\nx\r\n:1\r\n",
    "a name that is not UTF-8": b"*2\r\n:1\r\n*1\r\n*4\r\n$1\r\n\xff\r\n:1\r\n:1\r\n:1000\r\n",
    "words for numbers": b"*2\r\n:1\r\n*1\r\n*4\r\n$1\r\nx\r\n$1\r\nx\r\n:1\r\n:1\r\n",
    "a time of 400 digits": b"*2\r\n:1\r\n*1\r\n*4\r\n$1\r\nx\r\n:1\r\n:1\r\n:" + b"9" * 400 + b"\r\n",
    "a number of 9000 digits": b":" + b"9" * 9000 + b"\r\n",
    "an error": f"-ERR {WORDS}\r\n".encode(),
    "no such script, always": f"-NOSCRIPT {WORDS}\r\n".encode(),
    "scripts are not allowed": f"-NOPERM {WORDS}\r\n".encode(),
    "another protocol": b"HTTP/1.1 200 OK\r\n\r\n",
    "nested lists": b"*1\r\n" * 5000,
    "a negative length": b"$-7\r\n",
    "a length that is no number": b"$x\r\n",
    "a length of many digits": b"$" + b"9" * 9000 + b"\r\n",
    "a gigabyte": b"$1073741824\r\n",
    "a list without an end": b"*1000000000\r\n",
    "a line without an end": b"+",
}
FILLINGS = {
    "a gigabyte": b"x" * 65_536,
    "a list without an end": b":1\r\n" * 16_384,
    "a line without an end": b"x" * 65_536,
}


class LyingRedis:
    """Accepts every connection, and answers what the store asks, which is to run a script or for the time, with ``reply``."""

    def __init__(self, reply: bytes, filling: bytes = b"") -> None:
        self.reply, self.filling = reply, filling
        self.sent = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while command := await self._command(reader):
                if command in (b"EVALSHA", b"TIME"):
                    writer.write(self.reply)
                    while self.filling:
                        writer.write(self.filling)
                        self.sent += len(self.filling)
                        await writer.drain()
                else:
                    writer.write(b"+OK\r\n" if command != b"SCRIPT" else b"$1\r\nx\r\n")
        writer.close()

    @staticmethod
    async def _command(reader: asyncio.StreamReader) -> bytes:
        words = [
            (await reader.readexactly(int((await reader.readline())[1:]) + 2))[:-2]
            for _ in range(int((await reader.readline())[1:] or 0))
        ]
        return words[0] if words else b""


@contextlib.asynccontextmanager
async def lying(reply: bytes, filling: bytes = b"") -> AsyncIterator[LyingRedis]:
    fake = LyingRedis(reply, filling)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.url = f"redis://:hunter2@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        server.close()


@pytest.mark.parametrize("kind", NONSENSE)
async def test_nonsense_makes_the_store_unavailable_and_is_not_repeated(kind: str) -> None:
    async with lying(NONSENSE[kind], FILLINGS.get(kind, b"")) as redis:
        store = RedisStore(Secret(redis.url))
        for ask in (store.open, lambda: store.look("us")):
            with pytest.raises(StoreUnavailable) as told:
                await ask()
            assert not told.value.permanent
            assert WORDS not in str(told.value)
            assert "hunter2" not in str(told.value)
        await store.close()
    assert redis.sent < 32 * MAX_REPLY  # what the sockets of both sides hold, too


async def test_no_number_of_the_server_is_larger_than_ours() -> None:
    number = b":" + b"9" * 300 + b"\r\n"
    async with lying(b"*2\r\n:1\r\n*1\r\n*4\r\n$1\r\nx\r\n" + number * 2 + b":99999999999\r\n") as redis:
        store = RedisStore(Secret(redis.url))
        await store.open()
        window = (await store.reserve("us", OURS, LIMITS)).window
        await store.close()
    assert window.tokens <= MAX_COUNT + OURS.tokens
    assert window.expiries[-1].seconds <= RESERVATION_SECONDS


async def test_a_call_goes_on_without_a_server_that_lies() -> None:
    reports: list[str] = []
    async with lying(b":1\r\n") as redis:
        clock = asyncio.get_running_loop().time
        shared = SharedCounter(RedisStore(Secret(redis.url)), report=reports.append, clock=clock)
        assert await shared.reserve("us", OURS, LIMITS) is None
        await shared.close()
    assert all(WORDS not in report for report in reports)
