"""A server process that several editors share, and clients that connect to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

from tests.lsp.raw_client import GUARD, NGRAM, SOURCE, RawClient, framed, texts


class SharedServerProcess:
    """A ``fim-lsp --tcp`` or ``--socket`` process. ``lines`` are its output at the start, ``log`` what followed."""

    process: asyncio.subprocess.Process
    address: str
    token: str
    log: str

    def __init__(self, home: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        raw = RawClient(home, *arguments, env=env)
        self.command, self.env = raw.command, raw.env
        self.lines: list[str] = []

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self.command, env=self.env, stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
        )
        self.address = (await self.line()).removeprefix("fim-lsp: serving on ")
        self.token = ""
        if "--tcp" in self.command:
            said = await self.line()
            new = re.fullmatch(r"fim-lsp: the token is (\S+) \(also in (.+)\)", said)
            kept = re.fullmatch(r"fim-lsp: the token is the one in (.+)", said)
            assert new or kept, said
            self.token_file = Path(new[2] if new else kept[1])  # type: ignore[index]
            self.token = new[1] if new else self.token_file.read_text().strip()

    async def line(self) -> str:
        """The next line on stderr."""
        assert self.process.stderr
        async with asyncio.timeout(GUARD):
            line = (await self.process.stderr.readline()).decode().rstrip("\n")
        self.lines.append(line)
        return line

    async def exit_code(self) -> int:
        async with asyncio.timeout(GUARD):
            return await self.process.wait()

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    def connect(self) -> ConnectedClient:
        """A client of this server."""
        return ConnectedClient(self)

    async def streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection without a client."""
        if "--socket" in self.command:
            return await asyncio.open_unix_connection(self.address, limit=1 << 26)
        host = self.address.rsplit(":", 1)[0].strip("[]")
        return await asyncio.open_connection(host, self.port, limit=1 << 26)


class ConnectedClient(RawClient):
    """A client that connects instead of starting a process."""

    def __init__(self, server: SharedServerProcess) -> None:
        super().__init__(Path("/"))
        self.server = server

    async def __aenter__(self) -> Self:
        self.stdout, self.stdin = await self.server.streams()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stdin.close()
        await self._reading
        with contextlib.suppress(OSError):
            await self.stdin.wait_closed()

    async def ended(self) -> None:
        """Wait until the server has closed the connection."""
        async with asyncio.timeout(GUARD):
            await asyncio.shield(self._reading)


async def greets(client: ConnectedClient, token: str = "") -> None:
    """A whole session's beginning works."""
    await client.initialize(options={"token": token} if token else NGRAM)
    client.open(SOURCE)
    assert texts(await client.reply(client.ask(41, 19, kind=1)))[0].startswith("ha, beta)")


@contextlib.asynccontextmanager
async def shared_server(
    home: Path, *arguments: str, env: dict[str, str] | None = None
) -> AsyncIterator[SharedServerProcess]:
    """Start a server process, and end it."""
    server = SharedServerProcess(home, *arguments, env=env)
    await server.start()
    errors = asyncio.create_task(server.process.stderr.read())  # type: ignore[union-attr]
    try:
        yield server
    finally:
        if server.process.returncode is None:
            server.process.kill()
        await server.process.wait()
        server.log = (await errors).decode("utf-8", "replace")


async def output_for(server: SharedServerProcess, data: bytes) -> bytes:
    """Everything the server sends after this input, until it closes the connection."""
    reader, writer = await server.streams()
    with contextlib.suppress(OSError):
        writer.write(data)
        await writer.drain()
    got = b""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(GUARD):
            while chunk := await reader.read(1 << 16):
                got += chunk
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return got


def framed_initialize(options: object, **more: object) -> bytes:
    """The message ``initialize`` with its header."""
    params = {"processId": os.getpid(), "capabilities": {}, "initializationOptions": options, **more}
    return framed({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
