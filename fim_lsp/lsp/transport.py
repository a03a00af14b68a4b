"""One editor's connection, and the server on stdio; ``listener.py`` serves many editors on TCP or a Unix socket.

pygls' own loops take three thread hops a message, share one protocol between all TCP clients, hang on SIGINT, always
exit with 0, and freeze when the editor stops reading. These don't: a thread reads, the loop works, a thread writes.
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
from fim_lsp.lsp.framing import MAX_BODY, Framing, FramingError
from fim_lsp.lsp.gate import MAX_FIRST_MESSAGE, Gate, refusal
from fim_lsp.lsp.server import Server

log = logging.getLogger(__name__)

MAX_UNSENT = 16 << 20
"""Bytes that may wait for a client that does not read; with more it is disconnected."""

CHUNK = 1 << 16
"""Bytes read at once."""

_PARENT_EVERY = 2.0  # seconds between looks whether the editor is still there


class Writer(Protocol):
    """What a server writes to. Neither method waits or raises."""

    def write(self, data: bytes) -> None: ...  # noqa: D102

    def close(self) -> None: ...  # noqa: D102


class Connection:
    """One editor: its server, its framing, and the exit code that it asks for.

    ``trusted`` is whether its client is known to be the user, who may set everything. With a ``gate`` there is no
    server, and so no session, no back end and no index, before the first message has been let in.
    """

    def __init__(
        self, environment: Mapping[str, str], writer: Writer, *, trusted: bool = True, gate: Gate | None = None
    ) -> None:
        self._environment, self._writer, self._trusted, self._gate = environment, writer, trusted, gate
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.server = None if gate else self._make_server()
        self._framing = Framing(MAX_FIRST_MESSAGE if gate else MAX_BODY)
        self._arrived: deque[bytes] = deque()

    def _make_server(self) -> Server:
        server = Server(self._environment, trusted=self._trusted)
        server.protocol.set_writer(self._writer)
        server.protocol.on_exit = self.end
        return server

    def arrived(self, data: bytes) -> None:
        """Lay down what arrived, in any thread, for a :meth:`wake` of its own.

        It is no argument of a call that the loop is to make: asyncio prints those when a call fails or is slow.
        """
        self._arrived.append(data)

    def wake(self) -> None:
        """Handle what was laid down first."""
        self.receive(self._arrived.popleft())

    def receive(self, data: bytes) -> None:
        """Handle what arrived; nothing (``b""``) is the end."""
        if not data:
            self.end(0 if self.server and self.server.protocol.is_shut_down else 1)
            return
        try:
            for body in self._framing.feed(data):
                if self.ended.done():
                    return
                if server := self.server or self._let_in(body):
                    server.protocol.receive(body)
        except FramingError as error:
            if self.server:
                log.error("the editor's stream is not LSP: %s", error)
                self.end(1)
            else:
                self.turn_away(f"its stream is not LSP: {error}")
        except Exception as error:  # noqa: BLE001 - the boundary: nothing more can be read after this
            log.error("%s while reading from the editor", type(error).__name__)
            self.end(1)

    def _let_in(self, body: bytes) -> Server | None:
        """Make the server if the first message shows the token; else answer once and end."""
        if self._gate is None or not self._gate.admits(body, self._framing.token):
            self._writer.write(refusal(body))
            self.turn_away("without the right token")
            return None
        self._framing.max_body = MAX_BODY
        self.server = self._make_server()
        return self.server

    def turn_away(self, reason: str) -> None:
        """End a connection that has not been let in."""
        if self._gate and not self.ended.done() and self._gate.count_refusal():
            log.warning("a client was turned away: %s", reason)
        self.end(1)

    def end(self, code: int) -> None:
        """The connection is over; the first code stands."""
        if not self.ended.done():
            self.ended.set_result(code)

    async def close(self) -> None:
        """Let go of everything that belongs to the connection."""
        if self.server:
            await self.server.session.close()

    async def watch_parent(self) -> None:
        """End when the editor's process is gone, though its pipe may be held open by another."""
        while not self.ended.done():
            await asyncio.sleep(_PARENT_EVERY)
            parent = self.server.process_id if self.server else None
            if parent and os.name == "posix" and not _alive(parent):
                log.warning("the editor's process is gone")
                self.end(1)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class ThreadWriter:
    """Writes in a thread, so that an editor that doesn't read holds up nothing but its own answers.

    ``broken`` is called, in any thread, when the editor has closed its end or more than ``max_unsent`` bytes wait for it.
    """

    def __init__(self, stream: BinaryIO, broken: Callable[[], None], max_unsent: int = MAX_UNSENT) -> None:
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._descriptor = stream.fileno()
        self._broken = broken
        self._max_unsent = max_unsent
        self._queued = self._written = 0  # bytes; each is changed by one thread only
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue it for the editor; after an overflow nothing is sent."""
        if self._is_over:
            return
        self._queued += len(data)
        self._queue.put(data)
        if self._queued - self._written > self._max_unsent:
            self._is_over = True
            log.error("the editor does not read its answers; %d bytes wait", self._queued - self._written)
            self._broken()

    def close(self) -> None:
        """Wait until all is written, up to 2 s: the editor may not read."""
        self._queue.put(None)
        self._thread.join(timeout=2)

    def _run(self) -> None:
        """Write straight to the descriptor: a buffered stream's lock, held here for ever, would abort Python's end."""
        while (data := self._queue.get()) is not None:
            rest = memoryview(data)
            while rest:
                try:
                    written = os.write(self._descriptor, rest[:CHUNK])
                except OSError:  # the editor closed its end, or we did
                    self._broken()
                    return
                self._written += written
                rest = rest[written:]


@contextlib.contextmanager
def discreet() -> Iterator[None]:
    """Let asyncio tell of troubles by their class only: its own reports hold the arguments of calls and the results of
    tasks, which are the user's text. Its log, where slow calls are told in debug mode, is shut."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(_tell_the_class)
    loggers = [logging.getLogger(name) for name in ("asyncio", "concurrent.futures")]
    for logger in loggers:
        logger.addFilter(_nothing)
    try:
        yield
    finally:
        loop.set_exception_handler(before)
        for logger in loggers:
            logger.removeFilter(_nothing)


def _tell_the_class(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    log.error("%s in the event loop", type(error).__name__ if error else "trouble")


def _nothing(_record: logging.LogRecord) -> bool:
    return False


def serve_stdio(environment: Mapping[str, str]) -> int:
    """Serve one editor on stdin and stdout until it leaves. Returns the exit code."""
    if sys.stdin is None or sys.stdout is None:
        raise UsageError(f"standard {'output' if sys.stdin else 'input'} is closed, and LSP needs both")
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a stray print must not break the protocol

    async def main() -> int:
        with discreet():
            return await _stdio(environment, stdin, stdout)

    return asyncio.run(main())


async def _stdio(environment: Mapping[str, str], stdin: BinaryIO, stdout: BinaryIO) -> int:
    loop = asyncio.get_running_loop()
    connection: Connection | None = None

    def from_thread(call: Callable[..., object], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: we are leaving
            loop.call_soon_threadsafe(call, *args)

    def broken() -> None:
        if connection is not None:
            from_thread(connection.end, 1)

    writer = ThreadWriter(stdout, broken)
    connection = Connection(environment, writer)
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, connection.end, 128 + number)

    def read() -> None:
        descriptor = stdin.fileno()
        while True:
            try:
                data = os.read(descriptor, CHUNK)
            except OSError:
                data = b""
            connection.arrived(data)
            from_thread(connection.wake)
            if not data:
                return

    threading.Thread(target=read, name="read", daemon=True).start()
    watch = loop.create_task(connection.watch_parent())
    code = await connection.ended
    watch.cancel()
    await connection.close()
    writer.close()
    return code
