"""A log that nobody reads does not hold up the server."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from fim_lsp.cli.output import BackgroundHandler, answer, say
from tests.lsp.raw_client import GUARD, RawClient, framed

FLOOD = 5_000


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("fim_lsp.x", logging.WARNING, __file__, 1, text, (), None)


def test_lines_are_written_in_order_and_all_of_them_at_the_end() -> None:
    stream = io.StringIO()
    handler = BackgroundHandler(stream)
    for number in range(100):
        handler.emit(record(f"line {number}"))
    handler.close()
    handler.emit(record("after the end"))
    assert stream.getvalue().splitlines() == [f"line {number}" for number in range(100)]


def test_a_name_in_the_log_makes_no_line_of_its_own_and_no_terminal_sequence() -> None:
    stream = io.StringIO()
    handler = BackgroundHandler(stream)
    handler.emit(record("no file a\n2026-11-26 ERROR forged\x1b[2J\r\u202e\x9b.py"))
    handler.close()
    assert stream.getvalue() == "no file a\\n2026-11-26 ERROR forged\\x1b[2J\\r\\u202e\\x9b.py\n"


def test_lines_that_nobody_reads_are_dropped_and_counted() -> None:
    reading, writing = os.pipe()
    handler = BackgroundHandler(open(writing, "w"))  # noqa: SIM115 - closed below
    for number in range(FLOOD):
        handler.emit(record(f"{number}: " + "x" * 1_000))  # returns, though the pipe holds 64 kB
    read = ""
    while "dropped" not in read:
        read += os.read(reading, 1 << 16).decode()
    handler.close()
    os.close(reading)
    assert read.startswith("0: xxx")


class Unread(RawClient):
    """A server whose standard error nobody reads."""

    async def __aenter__(self) -> Any:
        reading, writing = os.pipe()
        self._pipes = reading, writing
        self.process = await asyncio.create_subprocess_exec(
            *self.command, env=self.env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=writing
        )
        assert self.process.stdin
        assert self.process.stdout
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self._reading = asyncio.create_task(self._read())
        self._errors = asyncio.create_task(asyncio.sleep(0, b""))
        return self

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        for descriptor in self._pipes:
            os.close(descriptor)


async def test_a_server_whose_log_nobody_reads_answers_and_ends(tmp_path: Path) -> None:
    async with Unread(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"})
        broken = {"jsonrpc": "2.0", "method": "textDocument/didChange\x1b[31m\n" + "x" * 200, "params": 5}
        changed = {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": 5}
        for _ in range(FLOOD):
            client.stdin.write(framed(broken) + framed(changed))
        await client.stdin.drain()
        client.open("abc")
        assert (await client.reply(client.ask(0, 3)))["result"] == {"items": []}
        client.process.terminate()
        async with asyncio.timeout(GUARD):
            assert await client.process.wait() == 143 if sys.platform != "win32" else True


def test_what_is_said_is_one_line_whatever_a_name_contains(capfd: pytest.CaptureFixture[str]) -> None:
    say("a\nfim-lsp: all is well.py: no such file")
    answer("b\rc\u2028\nd")
    assert capfd.readouterr() == ("b\\rc\\u2028\\nd\n", "fim-lsp: a\\nfim-lsp: all is well.py: no such file\n")
