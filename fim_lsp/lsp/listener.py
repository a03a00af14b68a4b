"""One server process for many editors, on TCP behind a token, or on a Unix socket that only its user can connect to.

Each client has a connection and a session of its own, and no client can hold up another or the end of the process: what
waits for one that does not read is bounded, and so are the clients that have yet to show the token, their bytes and
their time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fim_lsp.errors import UsageError
from fim_lsp.lsp import endpoints
from fim_lsp.lsp.access_token import keep_token, new_token, remove_token, token_file
from fim_lsp.lsp.gate import Gate
from fim_lsp.lsp.transport import CHUNK, MAX_UNSENT, Connection, discreet
from fim_lsp.secret import Secret
from fim_lsp.settings.sources import state_folder

log = logging.getLogger(__name__)

MAX_WAITING = 16
"""Clients that have yet to show the token; one more ends the one that has waited longest."""

TOKEN_TIME = 10.0
"""Seconds that a client has to show the token."""

_LAST_WORDS = 1.0  # seconds for a client to read what waits for it when its connection ends
_ENDING = 5.0  # seconds for all connections to end with the process

Say = Callable[[str], None]
"""Shows the user a sentence at the start."""


def serve_tcp(
    environment: Mapping[str, str], host: str, port: int, say: Say, *, token: Path | None = None, remote: bool = False
) -> int:
    """Serve editors that have the token until interrupted. Returns the exit code.

    ``token`` names the token's file; without it a new one is made for this run. ``remote`` allows addresses that other
    machines can reach. What the user must know is told by ``say``. Raises UsageError.
    """
    listening = endpoints.listen_on_tcp(host, port, allow_remote=remote)
    with contextlib.ExitStack() as stack:
        for sock in listening:
            stack.callback(sock.close)
        secret, file, is_new = _token(token, endpoints.shown(listening[0]))
        if token is None:
            stack.callback(remove_token, file, secret)

        def ready() -> None:
            say("serving on " + ", ".join(map(endpoints.shown, listening)))
            say(f"the token is {secret.reveal()} (also in {file})" if is_new else f"the token is the one in {file}")
            if endpoints.is_remote(listening):
                say("warning: other machines can connect, and nothing is encrypted: text can be read on its way")

        return _run(Clients(environment, trusted=False, gate=Gate(secret)), listening, ready)


def _token(named: Path | None, address: str) -> tuple[Secret, Path, bool]:
    """The token, its file, and whether it is new."""
    if named is not None:
        secret, is_new = token_file(named)
        return secret, named, is_new
    folder = state_folder()
    if folder is None:
        raise UsageError("there is no home folder (HOME is not set) to keep the token in; --tcp-token names a file")
    secret = new_token()
    file = folder / f"tcp-{re.sub('[^0-9A-Za-z.]+', '-', address)}.token"  # each address has its own server
    keep_token(file, secret)
    return secret, file, True


def serve_socket(environment: Mapping[str, str], path: Path, say: Say) -> int:
    """Serve the user's own editors on a Unix socket until interrupted. Returns the exit code. Raises UsageError."""
    place = endpoints.UnixSocket(path)
    try:
        clients = Clients(environment, trusted=True, gate=None)
        return _run(clients, [place.sock], lambda: say(f"serving on {path}"))
    finally:
        place.remove()


def _run(clients: Clients, listening: Sequence[socket.socket], ready: Callable[[], None]) -> int:
    async def main() -> int:
        with discreet():
            return await clients.serve(listening, ready)

    return asyncio.run(main())


class Clients:
    """All clients of the process."""

    def __init__(self, environment: Mapping[str, str], *, trusted: bool, gate: Gate | None) -> None:
        self._environment, self._trusted, self._gate = environment, trusted, gate
        self._connections: dict[Connection, asyncio.Task[None]] = {}  # in the order they came

    async def serve(self, listening: Sequence[socket.socket], ready: Callable[[], None]) -> int:
        """Serve until a signal comes. Returns the exit code."""
        loop = asyncio.get_running_loop()
        stopped: asyncio.Future[int] = loop.create_future()

        def stop(number: int) -> None:
            if not stopped.done():
                stopped.set_result(128 + number)

        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, stop, number)
        servers = [await asyncio.start_server(self.client, sock=sock) for sock in listening]
        ready()
        code = await stopped
        for server in servers:
            server.close()
        tasks = list(self._connections.values())
        for connection in self._connections:
            connection.end(code)
        if tasks:
            await asyncio.wait(tasks, timeout=_ENDING)
        return code

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        bounded = BoundedWriter(writer)
        try:
            if self._gate is None and not endpoints.is_own_user(writer.get_extra_info("socket")):
                log.warning("a client of another user was turned away")
                return
            await self._serve_client(reader, bounded)
        except asyncio.CancelledError:  # the process ends; in 3.11 asyncio's streams take it for an error
            log.info("a connection was ended")
        finally:
            await bounded.finish()

    async def _serve_client(self, reader: asyncio.StreamReader, writer: BoundedWriter) -> None:
        connection = Connection(self._environment, writer, trusted=self._trusted, gate=self._gate)
        writer.overflow = lambda: connection.end(1)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for mypy: this is a task's coroutine
        self._make_room()
        self._connections[connection] = task
        deadline = asyncio.get_running_loop().call_later(TOKEN_TIME, _end_without_token, connection, "in time")
        try:
            await _converse(connection, reader)
        finally:
            deadline.cancel()
            del self._connections[connection]
            await connection.close()

    def _make_room(self) -> None:
        """End the oldest connection without the token if there are too many of them."""
        waiting = [one for one in self._connections if one.server is None and not one.ended.done()]
        for connection in waiting[: max(0, len(waiting) + 1 - MAX_WAITING)]:
            _end_without_token(connection, "before too many others came")


def _end_without_token(connection: Connection, when: str) -> None:
    if connection.server is None:
        connection.turn_away(f"no token {when}")


async def _converse(connection: Connection, reader: asyncio.StreamReader) -> None:
    """Hand on what a client sends until the connection ends."""

    async def read() -> None:
        while not connection.ended.done():
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            connection.receive(data)

    reading = asyncio.get_running_loop().create_task(read())
    reading.add_done_callback(lambda _: connection.end(1))  # whatever it failed of: a client is not left unheard
    try:
        await connection.ended
    finally:
        reading.cancel()


class BoundedWriter:
    """A client's end of a stream. ``overflow`` is called once more than ``max_unsent`` bytes wait for the client."""

    def __init__(self, writer: asyncio.StreamWriter, max_unsent: int = MAX_UNSENT) -> None:
        self._writer, self._max_unsent = writer, max_unsent
        self.overflow: Callable[[], None] = lambda: None

    def write(self, data: bytes) -> None:
        """Send it as soon as the client reads; after the end nothing is sent."""
        if self._writer.is_closing():
            return
        self._writer.write(data)
        waiting = self._writer.transport.get_write_buffer_size()
        if waiting > self._max_unsent:
            log.warning("a client does not read its answers and was disconnected; %d bytes waited", waiting)
            self._writer.transport.abort()
            self.overflow()

    def close(self) -> None:
        """Send nothing more."""
        self._writer.close()

    async def finish(self) -> None:
        """Close, with a moment for the client to read what waits."""
        self._writer.close()
        try:
            async with asyncio.timeout(_LAST_WORDS):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            pass
        finally:
            self._writer.transport.abort()
