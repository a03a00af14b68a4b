"""One server process for many editors: on TCP, protected by a token, or on a Unix socket that only its user can open.

Each client has its own connection and session. No client can block another one or the end of the process: unsent output is
bounded, and so are the number, the input and the time of clients that have not presented the token yet.
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
from fim_lsp.lsp.access_token import TokenCheck, new_token, read_or_create, remove_token, write_token
from fim_lsp.lsp.sockets import UnixSocket, address_of, is_own_user, is_remote, listen_on_tcp
from fim_lsp.lsp.transport import MAX_UNSENT, READ_SIZE, Connection, without_details
from fim_lsp.secret import Secret
from fim_lsp.settings.sources import state_folder

log = logging.getLogger(__name__)

MAX_UNAUTHENTICATED = 16
"""Clients that have not shown the token yet. One more disconnects the one that has waited longest."""

TOKEN_TIMEOUT = 10.0
"""Seconds in which a client must show the token."""

_FLUSH_TIMEOUT = 1.0  # seconds for a client to read pending output when its connection ends
_SHUTDOWN_TIMEOUT = 5.0  # seconds for all connections to end with the process

Announce = Callable[[str], None]
"""Shows the user a sentence at the start."""


def serve_tcp(
    environment: Mapping[str, str],
    host: str,
    port: int,
    announce: Announce,
    *,
    token: Path | None = None,
    remote: bool = False,
) -> int:
    """Serve editors that have the token until interrupted. Returns the exit code.

    ``token`` is the token's file; without it, a new token is made for this run. ``remote`` allows addresses that other
    machines can reach. Raises UsageError.
    """
    sockets = listen_on_tcp(host, port, allow_remote=remote)
    with contextlib.ExitStack() as stack:
        for sock in sockets:
            stack.callback(sock.close)
        secret, file, is_new = _token(token, address_of(sockets[0]))
        if token is None:
            stack.callback(remove_token, file, secret)

        def on_ready() -> None:
            announce("serving on " + ", ".join(map(address_of, sockets)))
            announce(
                f"the token is {secret.reveal()} (also in {file})" if is_new else f"the token is the one in {file}"
            )
            if is_remote(sockets):
                announce("warning: other machines can connect, and the traffic is not encrypted")

        return _run(SharedServer(environment, trusted=False, token_check=TokenCheck(secret)), sockets, on_ready)


def _token(named: Path | None, address: str) -> tuple[Secret, Path, bool]:
    """The token, its file, and whether it is new."""
    if named is not None:
        secret, is_new = read_or_create(named)
        return secret, named, is_new
    folder = state_folder()
    if folder is None:
        raise UsageError("there is no home folder (HOME is not set) to keep the token in; --tcp-token names a file")
    secret = new_token()
    file = folder / f"tcp-{re.sub('[^0-9A-Za-z.]+', '-', address)}.token"  # each address has its own server
    write_token(file, secret)
    return secret, file, True


def serve_socket(environment: Mapping[str, str], path: Path, announce: Announce) -> int:
    """Serve the user's own editors on a Unix socket until interrupted. Returns the exit code. Raises UsageError."""
    unix_socket = UnixSocket(path)
    try:
        server = SharedServer(environment, trusted=True, token_check=None)
        return _run(server, [unix_socket.sock], lambda: announce(f"serving on {path}"))
    finally:
        unix_socket.remove()


def _run(server: SharedServer, sockets: Sequence[socket.socket], on_ready: Callable[[], None]) -> int:
    async def main() -> int:
        with without_details():
            return await server.serve(sockets, on_ready)

    return asyncio.run(main())


class SharedServer:
    """All clients of the process. ``trusted`` clients may set everything; without a token check all are admitted."""

    def __init__(self, environment: Mapping[str, str], *, trusted: bool, token_check: TokenCheck | None) -> None:
        self._environment, self._trusted, self._token_check = environment, trusted, token_check
        self._connections: dict[Connection, asyncio.Task[None]] = {}  # in the order of their arrival

    async def serve(self, sockets: Sequence[socket.socket], on_ready: Callable[[], None]) -> int:
        """Serve until a signal arrives. Returns the exit code."""
        loop = asyncio.get_running_loop()
        stopped: asyncio.Future[int] = loop.create_future()

        def stop(number: int) -> None:
            if not stopped.done():
                stopped.set_result(128 + number)

        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, stop, number)
        servers = [await asyncio.start_server(self.serve_client, sock=sock) for sock in sockets]
        on_ready()
        code = 128 + signal.SIGINT
        try:
            code = await stopped
        finally:  # on Windows, Ctrl-C cancels this task
            for server in servers:
                server.close()
            tasks = list(self._connections.values())
            for connection in self._connections:
                connection.end(code)
            if tasks:
                await asyncio.wait(tasks, timeout=_SHUTDOWN_TIMEOUT)
        return code

    async def serve_client(self, reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        """Serve one client until its connection ends."""
        writer = BoundedWriter(stream)
        try:
            if self._token_check is None and not is_own_user(stream.get_extra_info("socket")):
                log.warning("a client of another user was rejected")
                return
            await self._serve_connection(reader, writer)
        except asyncio.CancelledError:  # the process ends; the streams of Python 3.11 would report it as an error
            log.info("a connection was ended")
        finally:
            await writer.finish()

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: BoundedWriter) -> None:
        connection = Connection(self._environment, writer, trusted=self._trusted, token_check=self._token_check)
        writer.on_overflow = lambda: connection.end(1)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for mypy: a coroutine runs in a task
        self._limit_unauthenticated()
        self._connections[connection] = task
        deadline = asyncio.get_running_loop().call_later(TOKEN_TIMEOUT, _reject_without_token, connection, "in time")
        try:
            await _read_until_end(connection, reader)
        finally:
            deadline.cancel()
            del self._connections[connection]
            await connection.close()

    def _limit_unauthenticated(self) -> None:
        """Make room for one more client without the token by rejecting the oldest."""
        waiting = [one for one in self._connections if one.server is None and not one.ended.done()]
        for connection in waiting[: max(0, len(waiting) + 1 - MAX_UNAUTHENTICATED)]:
            _reject_without_token(connection, "before too many others connected")


def _reject_without_token(connection: Connection, when: str) -> None:
    if connection.server is None:
        connection.reject(f"no token {when}")


async def _read_until_end(connection: Connection, reader: asyncio.StreamReader) -> None:
    """Pass on what a client sends until its connection ends."""

    async def read() -> None:
        while not connection.ended.done():
            try:
                data = await reader.read(READ_SIZE)
            except OSError:
                data = b""
            connection.receive(data)

    reading = asyncio.get_running_loop().create_task(read())
    reading.add_done_callback(lambda _: connection.end(1))  # whatever made it fail: nothing more is read
    try:
        await connection.ended
    finally:
        reading.cancel()


class BoundedWriter:
    """Output to one client. ``on_overflow`` is called once more than ``max_unsent`` bytes wait for the client."""

    def __init__(self, writer: asyncio.StreamWriter, max_unsent: int = MAX_UNSENT) -> None:
        self._writer, self._max_unsent = writer, max_unsent
        self.on_overflow: Callable[[], None] = lambda: None

    def write(self, data: bytes) -> None:
        """Send it as soon as the client reads. Ignored after the end."""
        if self._writer.is_closing():
            return
        self._writer.write(data)
        unsent = self._writer.transport.get_write_buffer_size()
        if unsent > self._max_unsent:
            log.warning("a client does not read its answers and was disconnected; %d bytes were unsent", unsent)
            self._writer.transport.abort()
            self.on_overflow()

    def close(self) -> None:
        """Send nothing more."""
        self._writer.close()

    async def finish(self) -> None:
        """Close, and give the client a moment to read what is pending."""
        self._writer.close()
        try:
            async with asyncio.timeout(_FLUSH_TIMEOUT):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            pass
        finally:
            self._writer.transport.abort()
