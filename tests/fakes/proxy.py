"""A proxy on loopback that sends everything to one port, whatever name was asked for; it remembers those names."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self


class FakeProxy:
    """An async context manager; ``url`` is what HTTP_PROXY or HTTPS_PROXY is set to."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._target = port
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, rest = head.split(b" ", 2)
            self.asked.append(f"{method.decode()} {target.decode()}")
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", self._target)
            if method == b"CONNECT":
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:  # absolute-form: http://host/path
                onward.write(method + b" /" + target.split(b"/", 3)[3] + b" " + rest)
            pumps = [asyncio.create_task(_pump(reader, onward)), asyncio.create_task(_pump(onward_reader, writer))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                onward.close()
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
