"""A server's wire, written down: ``tap.py LOG PROGRAM ARGUMENT…`` runs the program and logs what both sides say.

One line of JSON a message: ``{"from": "client" | "server", "message": …}``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO, TextIO


def main(log: str, *command: str) -> None:
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin
    assert child.stdout
    with Path(log).open("a", encoding="utf-8") as lines:
        taps = [
            threading.Thread(target=_pass_on, args=(sys.stdin.buffer, child.stdin, "client", lines), daemon=True),
            threading.Thread(target=_pass_on, args=(child.stdout, sys.stdout.buffer, "server", lines)),
        ]
        for tap in taps:
            tap.start()
        taps[1].join()
        os._exit(abs(child.wait()))  # the other thread may still hold standard input, which Python's end would wait for


def _pass_on(source: BinaryIO, target: BinaryIO, side: str, lines: TextIO) -> None:
    """Message by message, each logged before it is passed on: who sees its effect finds it in the log."""
    while head := source.readline():
        length = 0
        frame = head
        while head.strip():
            name, _, value = head.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
            head = source.readline()
            frame += head
        body = source.read(length)
        line = json.dumps({"from": side, "message": json.loads(body or b"null")})
        print(line, file=lines, flush=True)
        target.write(frame + body)
        target.flush()
    target.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
