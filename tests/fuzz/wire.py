"""A server process and its pipe, for a client that may send anything: it counts replies, and answers the server's requests."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.lsp.forking import forked
from tests.lsp.raw_client import RawClient, framed

GUARD = 60.0  # seconds: whatever takes longer hangs


def key_of(msg_id: object) -> str:
    """An id in a form that tells 1 from true, 1.0 and "1"."""
    return json.dumps(msg_id, sort_keys=True)


class Wire:
    """``expected`` counts the replies that are due, ``replies`` those that came, by :func:`key_of` their ids.

    ``answer`` is called with each request of the server's; it returns the reply without its id, or None for no reply.
    """

    def __init__(self, home: Path) -> None:
        raw = RawClient(home)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - until kill()
        self.process = subprocess.Popen(
            forked(raw.command[3:]),
            env={**raw.env, "FIM_LSP_LIMITS_STORE": "process", "FIM_LSP_STATS": "false"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self.expected: collections.Counter[str] = collections.Counter()
        self.replies: collections.Counter[str] = collections.Counter()
        self.bodies: dict[str, dict[str, Any]] = {}  # the latest reply by the key of its id
        self.requests: list[dict[str, Any]] = []
        self.messages: list[str] = []
        self.answer: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda _request: {"result": None}
        self._changed = threading.Condition()
        self._writing = threading.Lock()  # the thread that reads writes too
        self._is_at_end = False
        self._barriers = 0
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    # -- sending

    def write(self, *pieces: bytes) -> None:
        """Send bytes, in one write for each piece. A server that has ended reads no more."""
        assert self.process.stdin
        with self._writing, contextlib.suppress(BrokenPipeError):
            for piece in pieces:
                view = memoryview(piece)
                while view:
                    view = view[os.write(self.process.stdin.fileno(), view[: 1 << 16]) :]

    def send(self, message: object) -> None:
        self.write(framed(message))

    def notify(self, method: str, params: object) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, msg_id: object, method: object, params: object, *, replied_as: object = ...) -> str:
        """Send a request; the key of the id that its reply must have is returned."""
        key = key_of(msg_id if replied_as is ... else replied_as)
        self.expected[key] += 1
        self.send({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params})
        return key

    def close_input(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    # -- waiting

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + GUARD
        with self._changed:
            while not condition():
                assert not self._is_at_end, f"the server ended before {what}\n{self.log()}"
                assert self._changed.wait(deadline - time.monotonic()) or condition(), f"no {what}\n{self.log()}"

    def reply(self, key: str) -> dict[str, Any]:
        """The latest reply, when there are as many as are due."""
        self.until(lambda: self.replies[key] >= self.expected[key], f"reply to {key[:80]}")
        return self.bodies[key]

    def barrier(self) -> None:
        """Wait until the server has read everything that was sent."""
        self._barriers += 1
        self.reply(self.request(f"barrier {self._barriers}", "no/such/method", {}))

    def settle(self) -> None:
        """Wait for all replies that are due; there must be no others."""
        self.barrier()
        self.until(lambda: not self.expected - self.replies, f"replies to {self._missing()}")
        self.barrier()
        assert not (extra := self.replies - self.expected), f"unasked replies: {extra} {self._extra(extra)}"

    def _missing(self) -> list[str]:
        return [key[:80] for key in self.expected - self.replies]

    def _extra(self, keys: collections.Counter[str]) -> list[str]:
        return [json.dumps(self.bodies[key])[:300] for key in keys]

    def exit_code(self) -> int:
        return self.process.wait(GUARD)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def log(self) -> str:
        """What the server has written to stderr."""
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace")

    def kill(self) -> None:
        if self.is_alive():
            self.process.kill()
        self.process.wait()
        self._reading.join()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            assert stream
            stream.close()

    # -- reading

    def _read(self) -> None:
        assert self.process.stdout
        while header := self.process.stdout.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                header = self.process.stdout.readline()
            body = self.process.stdout.read(length)
            if len(body) < length:
                break
            with self._changed:
                self._receive(json.loads(body))
                self._changed.notify_all()
        with self._changed:
            self._is_at_end = True
            self._changed.notify_all()

    def _receive(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            key = key_of(message.get("id", "missing"))
            self.replies[key] += 1
            self.bodies[key] = message
        elif "id" in message:
            self.requests.append(message)
            if (reply := self.answer(message)) is not None:
                self.send({"jsonrpc": "2.0", "id": message["id"], **reply})
        elif message["method"] == "window/showMessage":
            self.messages.append(message["params"]["message"])
