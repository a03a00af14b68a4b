"""Servers that start several times as fast: forked from a process that has already imported fim_lsp.

``stand_in.py`` is a small program, run by :func:`forked`'s command, that takes the place of the server's process: its
standard streams, environment, working directory, signals and exit code are the server's. Only its process id differs.
Tests of the start itself use ``python -m fim_lsp``.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import marshal
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
_STAND_IN = str(Path(__file__).with_name("stand_in.py"))
_TIME_TO_END = 30.0
"""Seconds for a server whose coverage is measured, on a busy machine."""


def forked(arguments: Sequence[str], *, also: str = "") -> list[str]:
    """The command of a server with these arguments. Elsewhere than on Linux, it starts a Python.

    ``also`` is a module that is imported in the server's process before it starts.
    """
    if sys.platform != "linux":
        return [sys.executable, "-m", "fim_lsp", *arguments] if not also else unforked(arguments, also=also)
    return [sys.executable, "-S", "-E", _STAND_IN, _forking_process(), also, *arguments]


def unforked(arguments: Sequence[str], *, also: str) -> list[str]:
    """The same in a Python of its own, which imports ``also`` before everything else."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {also}; from fim_lsp.cli.main import main; sys.exit(main())"
    return [sys.executable, "-c", code, *arguments]


@functools.cache
def _forking_process() -> str:
    """Start the process that forks; its address. It ends with this process, whose end closes its standard input."""
    folder = tempfile.TemporaryDirectory(prefix="fork-")
    atexit.register(folder.cleanup)
    address = str(Path(folder.name, "socket"))
    code = f"from tests.lsp.forking import serve; serve({address!r})"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(process.kill)
    assert process.stdout
    process.stdout.readline()
    return address


def serve(address: str) -> None:
    """Import everything, and fork a server for each connection until the standard input is closed."""
    import selectors

    import fim_lsp

    for module in pkgutil.walk_packages(fim_lsp.__path__, "fim_lsp."):
        if not module.name.endswith(("__main__", "redis_store")):
            __import__(module.name)
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(address)
        listener.listen(16)
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # leaves no zombies
        while all(key.fileobj is listener for key, _ in selector.select()):
            connection, _ = listener.accept()
            if os.fork() == 0:
                break  # out of everything that was opened here
            connection.close()
        else:
            return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection:
        _watch(connection)
    raise SystemExit(_main())


def _watch(connection: socket.socket) -> None:
    """Fork the server, and return in it. This process, one for each server, reports the server's id and exit code, and kills it
    when the connection is closed."""
    message, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    size, _, body = message.partition(b"\n")
    while len(body) < int(size):
        body += connection.recv(1 << 20)
    also, arguments, environment, folder = marshal.loads(body)  # noqa: S302 - written by this test run
    server = os.fork()
    if server:
        connection.sendall(b"%d\n" % server)
        for stream in (*streams, 0, 1, 2):
            os.close(stream)
        _end_with(server, connection)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if also:
        importlib.import_module(also)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["fim-lsp", *arguments]


def _end_with(server: int, connection: socket.socket) -> None:
    import threading

    def kill_when_closed() -> None:
        with contextlib.suppress(OSError):
            if not connection.recv(1):
                if "COVERAGE_PROCESS_CONFIG" in os.environ:  # what it has run is saved when it ends by itself
                    os.kill(server, signal.SIGTERM)
                    time.sleep(_TIME_TO_END)
                os.kill(server, signal.SIGKILL)

    threading.Thread(target=kill_when_closed, daemon=True).start()
    _, status = os.waitpid(server, 0)
    with contextlib.suppress(OSError):
        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _main() -> int:
    from fim_lsp.cli.main import main

    return main()
