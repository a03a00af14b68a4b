"""A proxy on loopback that forwards everything to one port, whichever name was asked for, and records the names."""

from __future__ import annotations

import asyncio
import contextlib

from tests.fakes.http import LoopbackServer


class FakeProxy(LoopbackServer):
    """``url`` is the value for HTTP_PROXY or HTTPS_PROXY; ``asked`` are the names that clients asked for, and ``heads``
    all that they told the proxy itself."""

    def __init__(self, target_port: int) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self._target = target_port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
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


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
