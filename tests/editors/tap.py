"""Stands between an editor and the server, passes every byte on, and writes each message down as it goes by.

``python tap.py WIRE COMMAND...`` runs the command. WIRE gets one line of JSON a message: ``at`` (seconds), ``from``
(``editor`` or ``server``) and ``message``; and one with ``exit``, the server's exit code, at the end.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from typing import BinaryIO, TextIO


class Tap:
    """One connection; both directions write into the same file."""

    def __init__(self, wire: TextIO) -> None:
        self._wire = wire
        self._lock = threading.Lock()

    def write(self, **entry: object) -> None:
        """Add one line; it is on disk when this returns."""
        with self._lock:
            self._wire.write(json.dumps({"at": round(time.time(), 4), **entry}, ensure_ascii=False) + "\n")
            self._wire.flush()

    def follow(self, side: str, source: BinaryIO, sink: BinaryIO) -> None:
        """Pass messages on until the source ends, then close the sink."""
        try:
            while head := _head(source):
                length = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length"))
                body = source.read(length)
                self.write(**{"from": side, "message": json.loads(body)})
                sink.write(b"\r\n".join([*head, b"", b""]) + body)
                sink.flush()
            sink.close()
        except (BrokenPipeError, ValueError):
            pass  # the other side has gone


def _head(source: BinaryIO) -> list[bytes]:
    lines: list[bytes] = []
    while line := source.readline().strip():
        lines.append(line)
    return lines


def main() -> int:
    """Run the server behind the tap."""
    path, *command = sys.argv[1:]
    with open(path, "a", encoding="utf-8") as wire:
        tap = Tap(wire)
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert server.stdin
        assert server.stdout
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        editor = threading.Thread(target=tap.follow, args=("editor", sys.stdin.buffer.raw, server.stdin), daemon=True)
        editor.start()
        tap.follow("server", server.stdout, sys.stdout.buffer)
        code = server.wait()
        tap.write(exit=code)
    return code


if __name__ == "__main__":
    sys.exit(main())
