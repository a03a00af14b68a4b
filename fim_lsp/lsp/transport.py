"""One editor's connection, and the server on stdio. ``shared_server.py`` serves many editors on TCP or a Unix socket.

The loops of pygls take three thread hops a message, share one protocol between all TCP clients, hang on SIGINT, always
exit with 0, and freeze when the editor stops reading. Here, one thread reads, the event loop handles messages, and one
thread writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Protocol

from fim_lsp.errors import UsageError
from fim_lsp.lsp.access_token import MAX_FIRST_MESSAGE, TokenCheck, rejection
from fim_lsp.lsp.framing import MAX_BODY, Framing, FramingError
from fim_lsp.lsp.handlers import register_handlers
from fim_lsp.lsp.server import Server

log = logging.getLogger(__name__)

MAX_UNSENT = 16 << 20
"""Bytes that may wait for a client that does not read. With more it is disconnected."""

READ_SIZE = 1 << 16
"""Bytes that are read or written at once."""

_PARENT_CHECK_INTERVAL = 2.0  # seconds


def serve_stdio(environment: Mapping[str, str]) -> int:
    """Serve one editor on stdin and stdout until it leaves. Returns the exit code."""
    if sys.stdin is None or sys.stdout is None:
        raise UsageError(f"standard {'output' if sys.stdin else 'input'} is closed, and LSP needs both")
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a stray print must not break the protocol

    async def main() -> int:
        with without_details():
            return await _serve_stdio(environment, stdin, stdout)

    return asyncio.run(main())


async def _serve_stdio(environment: Mapping[str, str], stdin: BinaryIO, stdout: BinaryIO) -> int:
    loop = asyncio.get_running_loop()
    connection: Connection | None = None

    def from_thread(call: Callable[..., object], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server ends
            loop.call_soon_threadsafe(call, *args)

    def on_broken() -> None:
        if connection is not None:
            from_thread(connection.end, 1)

    writer = ThreadWriter(stdout, on_broken)
    connection = Connection(environment, writer)
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, connection.end, 128 + number)

    def read() -> None:
        descriptor = stdin.fileno()
        while True:
            try:
                data = os.read(descriptor, READ_SIZE)
            except OSError:
                data = b""
            connection.put(data)
            from_thread(connection.receive_next)
            if not data:
                return

    threading.Thread(target=read, name="read", daemon=True).start()
    watch = loop.create_task(connection.watch_parent())
    try:
        return await connection.ended
    finally:  # on Windows, Ctrl-C cancels this task
        watch.cancel()
        await connection.close()
        writer.close()


class Writer(Protocol):
    """Where a server's output goes. The methods neither block nor raise."""

    def write(self, data: bytes) -> None: ...  # noqa: D102

    def close(self) -> None: ...  # noqa: D102


class Connection:
    """One editor: its server, its input, and its exit code.

    A ``trusted`` client is known to be the user, and may set everything. With a ``token_check``, nothing is created
    before the first message has shown the token: no server, hence no session, no back end and no index.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        writer: Writer,
        *,
        trusted: bool = True,
        token_check: TokenCheck | None = None,
    ) -> None:
        self._environment, self._writer, self._trusted, self._token_check = environment, writer, trusted, token_check
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.server = None if token_check else self._create_server()
        self._framing = Framing(MAX_FIRST_MESSAGE if token_check else MAX_BODY)
        self._inbox: deque[bytes] = deque()

    def _create_server(self) -> Server:
        server = Server(self._environment, trusted=self._trusted)
        register_handlers(server)
        server.protocol.set_writer(self._writer)
        server.protocol.on_exit = self.end
        return server

    def put(self, data: bytes) -> None:
        """Store input, from any thread, for one :meth:`receive_next` in the event loop.

        It is not passed as an argument through the event loop: asyncio prints arguments when a call fails or is slow.
        """
        self._inbox.append(data)

    def receive_next(self) -> None:
        """Handle the oldest input that :meth:`put` has stored."""
        self.receive(self._inbox.popleft())

    def receive(self, data: bytes) -> None:
        """Handle input. ``b""`` is its end."""
        if self.ended.done():
            return
        if not data:
            self.end(0 if self.server and self.server.protocol.is_shut_down else 1)
            return
        try:
            for body in self._framing.feed(data):
                if self.ended.done():
                    return
                if server := self.server or self._admit(body):
                    server.protocol.receive(body)
        except FramingError as error:
            if self.server:
                log.error("the editor's stream is not LSP: %s", error)
                self.end(1)
            else:
                self.reject(f"its stream is not LSP: {error}")
        except Exception as error:  # noqa: BLE001 - the boundary: nothing more can be read after this
            log.error("%s while reading from the editor", type(error).__name__)
            self.end(1)

    def _admit(self, body: bytes) -> Server | None:
        """Create the server if the first message shows the token. Otherwise reply once and end."""
        if self._token_check is None or not self._token_check.admits(body, self._framing.token):
            self._writer.write(rejection(body))
            self.reject("without the right token")
            return None
        self._framing.max_body = MAX_BODY
        self.server = self._create_server()
        return self.server

    def reject(self, reason: str) -> None:
        """End a connection that has not been admitted."""
        if self._token_check and not self.ended.done() and self._token_check.count_rejection():
            log.warning("a client was rejected: %s", reason)
        self.end(1)

    def end(self, code: int) -> None:
        """The connection is over. The first code counts."""
        if not self.ended.done():
            self.ended.set_result(code)

    async def close(self) -> None:
        """Release everything that belongs to the connection."""
        if self.server:
            await self.server.session.close()

    async def watch_parent(self) -> None:
        """End when the editor's process has gone, even if another process holds its pipe open."""
        while not self.ended.done():
            await asyncio.sleep(_PARENT_CHECK_INTERVAL)
            parent = self.server.process_id if self.server else None
            if parent and os.name == "posix" and not _is_alive(parent):
                log.warning("the editor's process has gone")
                self.end(1)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class ThreadWriter:
    """Writes in a thread, so that an editor that does not read only delays its own answers.

    ``on_broken`` is called, in any thread, when the editor has closed its end or more than ``max_unsent`` bytes wait for
    it.
    """

    def __init__(self, stream: BinaryIO, on_broken: Callable[[], None], max_unsent: int = MAX_UNSENT) -> None:
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._descriptor = stream.fileno()
        self._on_broken = on_broken
        self._max_unsent = max_unsent
        self._queued = self._written = 0  # bytes; each is changed by one thread only
        self._has_overflowed = False
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue output for the editor. Ignored after an overflow."""
        if self._has_overflowed:
            return
        self._queued += len(data)
        self._queue.put(data)
        if self._queued - self._written > self._max_unsent:
            self._has_overflowed = True
            log.error("the editor does not read its answers; %d bytes are unsent", self._queued - self._written)
            self._on_broken()

    def close(self) -> None:
        """Wait until everything is written, for up to 2 s: the editor may not read."""
        self._queue.put(None)
        self._thread.join(timeout=2)

    def _run(self) -> None:
        """Write to the descriptor itself: a thread that holds the lock of a buffered stream makes Python abort at exit."""
        while (data := self._queue.get()) is not None:
            unsent = memoryview(data)
            while unsent:
                try:
                    written = os.write(self._descriptor, unsent[:READ_SIZE])
                except OSError:  # either end was closed
                    self._on_broken()
                    return
                self._written += written
                unsent = unsent[written:]


@contextlib.contextmanager
def without_details() -> Iterator[None]:
    """Make asyncio report errors by their class only. Its own reports contain arguments and results, which are the user's
    text; so does its log, in which debug mode reports slow calls."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(_log_class_only)
    loggers = [logging.getLogger(name) for name in ("asyncio", "concurrent.futures")]
    for logger in loggers:
        logger.addFilter(_drop)
    try:
        yield
    finally:
        loop.set_exception_handler(before)
        for logger in loggers:
            logger.removeFilter(_drop)


def _log_class_only(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    log.error("%s in the event loop", type(error).__name__ if error else "an error")


def _drop(_record: logging.LogRecord) -> bool:
    return False
