"""Stands between an editor and the server, forwards every byte, and records each message before it is forwarded.

``python wire_recorder.py WIRE COMMAND...`` runs the command. WIRE gets one line of JSON for each message: ``at`` (seconds),
``from`` (``editor`` or ``server``) and ``message``; at the end, one line with the server's exit code, ``exit``.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from typing import IO, TextIO


class Recorder:
    """One connection; both directions are written into the same file."""

    def __init__(self, wire: TextIO) -> None:
        self._wire = wire
        self._lock = threading.Lock()

    def write(self, **entry: object) -> None:
        """Add one line; it is on disk when this returns."""
        with self._lock:
            self._wire.write(json.dumps({"at": round(time.time(), 4), **entry}, ensure_ascii=False) + "\n")
            self._wire.flush()

    def forward(self, side: str, source: IO[bytes], sink: IO[bytes]) -> None:
        """Forward messages until the source ends, then close the sink."""
        try:
            while head := _head(source):
                length = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length"))
                body = _exactly(length, source)
                self.write(**{"from": side, "message": json.loads(body)})
                sink.write(b"\r\n".join([*head, b"", b""]) + body)
                sink.flush()
            sink.close()
        except (BrokenPipeError, ValueError):
            pass  # the other side has gone


def _head(source: IO[bytes]) -> list[bytes]:
    lines: list[bytes] = []
    while line := source.readline().strip():
        lines.append(line)
    return lines


def _exactly(length: int, source: IO[bytes]) -> bytes:
    body = b""
    while len(body) < length and (piece := source.read(length - len(body))):
        body += piece
    return body


def main() -> int:
    """Run the server behind the recorder."""
    path, *command = sys.argv[1:]
    if "key" in command:  # the server's program as a command, which an editor may run too: no messages
        return subprocess.call(command)
    with open(path, "a", encoding="utf-8") as wire:
        recorder = Recorder(wire)
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert server.stdin
        assert server.stdout
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        # Unbuffered: at exit, Python would wait for the lock of a buffer that a thread still reads from.
        editor = threading.Thread(
            target=recorder.forward, args=("editor", sys.stdin.buffer.raw, server.stdin), daemon=True
        )
        editor.start()
        recorder.forward("server", server.stdout, sys.stdout.buffer)
        code = server.wait()
        recorder.write(exit=code)
    return code


if __name__ == "__main__":
    sys.exit(main())
