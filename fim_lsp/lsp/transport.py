"""The server on stdio or TCP.

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
from fim_lsp.lsp.framing import Framing, FramingError
from fim_lsp.lsp.server import Server

log = logging.getLogger(__name__)

_CHUNK = 1 << 16  # bytes read at once
_PARENT_EVERY = 2.0  # seconds between looks whether the editor is still there


class _Writer(Protocol):
    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class Connection:
    """One editor: its server, its framing, and the exit code that it asks for."""

    def __init__(self, environment: Mapping[str, str], writer: _Writer) -> None:
        self.server = Server(environment)
        self.server.protocol.set_writer(writer)
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.server.protocol.on_exit = self.end
        self._framing = Framing()
        self._arrived: deque[bytes] = deque()

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
            self.end(0 if self.server.protocol.is_shut_down else 1)
            return
        try:
            for body in self._framing.feed(data):
                if self.ended.done():
                    return
                self.server.protocol.receive(body)
        except FramingError as error:
            log.error("the editor's stream is not LSP: %s", error)
            self.end(1)
        except Exception as error:  # noqa: BLE001 - the boundary: nothing more can be read after this
            log.error("%s while reading from the editor", type(error).__name__)
            self.end(1)

    def end(self, code: int) -> None:
        """The connection is over; the first code stands."""
        if not self.ended.done():
            self.ended.set_result(code)

    async def close(self) -> None:
        """Let go of everything that belongs to the connection."""
        await self.server.session.close()

    async def watch_parent(self) -> None:
        """End when the editor's process is gone, though its pipe may be held open by another."""
        while not self.ended.done():
            await asyncio.sleep(_PARENT_EVERY)
            parent = self.server.process_id
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


class _ThreadWriter:
    """Writes in a thread, so that an editor that doesn't read holds up nothing but its own answers."""

    def __init__(self, stream: BinaryIO, on_broken: Callable[[], None]) -> None:
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stream = stream
        self._on_broken = on_broken
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        self._queue.put(data)

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            try:
                self._stream.write(data)
                self._stream.flush()
            except (OSError, ValueError):  # the editor closed its end, or we did
                self._on_broken()
                return


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

    writer = _ThreadWriter(stdout, broken)
    connection = Connection(environment, writer)
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, connection.end, 128 + number)

    def read() -> None:
        descriptor = stdin.fileno()
        while True:
            try:
                data = os.read(descriptor, _CHUNK)
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


def serve_tcp(environment: Mapping[str, str], host: str, port: int, ready: Callable[[str], None]) -> int:
    """Serve any number of editors, each with a session of its own, until interrupted. ``ready`` is told the address."""

    async def main() -> int:
        with discreet():
            return await _tcp(environment, host, port, ready)

    return asyncio.run(main())


async def _tcp(environment: Mapping[str, str], host: str, port: int, ready: Callable[[str], None]) -> int:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(number: int) -> None:
        if not stopped.done():
            stopped.set_result(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop, number)
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for mypy: this is a task's coroutine
        connections.add(task)
        try:
            await _tcp_connection(environment, reader, writer)
        except asyncio.CancelledError:  # below; in 3.11 asyncio's streams take it for an error
            log.info("a connection was ended")
        finally:
            connections.discard(task)

    server = await asyncio.start_server(serve, host, port)
    ready(", ".join(f"{name[0]}:{name[1]}" for name in (socket.getsockname() for socket in server.sockets)))
    code = await stopped
    server.close()
    for task in connections:
        task.cancel()
    await asyncio.gather(*connections, return_exceptions=True)
    return code


async def _tcp_connection(
    environment: Mapping[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    connection = Connection(environment, writer)

    async def read() -> None:
        while not connection.ended.done():
            try:
                data = await reader.read(_CHUNK)
            except OSError:
                data = b""
            connection.receive(data)

    reading = asyncio.get_running_loop().create_task(read())
    reading.add_done_callback(lambda _: connection.end(1))  # whatever it failed of: an editor is not left unheard
    try:
        await connection.ended
    finally:
        reading.cancel()
        await connection.close()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
