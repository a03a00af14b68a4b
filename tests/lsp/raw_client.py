"""An LSP client that sends bytes, so that it can violate the protocol. It waits for conditions; timeouts only prevent hanging."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from tests.lsp.forking import forked

GUARD = 60.0  # seconds
URI = "file:///workspace/demo.py"
NGRAM = {"backend": "ngram"}
SOURCE = "\n".join(["total = compute(alpha, beta)", "print(total)"] * 20) + "\ntotal = compute(alp"
"""A document from which the embedded model knows that ``ha, beta)`` continues its last line, 41, at column 19."""

PULLS_SETTINGS = {"workspace": {"configuration": True}, "textDocument": {"inlineCompletion": {}}}
"""The capabilities of an editor that can be asked for the settings of its workspace."""


class RawClient:
    """A server process and both ends of its pipe. ``replies`` are in the order of their arrival."""

    def __init__(self, home: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.command = [sys.executable, "-m", "fim_lsp", *arguments]
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("FIM_LSP_") and not name.endswith("_API_KEY")
        }
        folders = {f"XDG_{kind.upper()}_HOME": str(home / kind) for kind in ("config", "state", "cache")}
        self.env = {**clean, "HOME": str(home), **folders, **(env or {})}
        self.replies: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.configuration: object = None
        self._changed = asyncio.Condition()
        self._next = 0

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            *(forked(self.command[3:]) if self.command[1:3] == ["-m", "fim_lsp"] else self.command),
            env=self.env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 26,
        )
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self._reading = asyncio.create_task(self._read())
        self._errors = asyncio.create_task(self.process.stderr.read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading
        self.log = (await self._errors).decode("utf-8", "replace")

    async def exit_code(self) -> int:
        """Wait for the server to end."""
        async with asyncio.timeout(GUARD):
            return await self.process.wait()

    def write(self, *messages: dict[str, Any]) -> None:
        """Send messages in one write."""
        self.stdin.write(b"".join(framed(message) for message in messages))

    def request(self, method: str, params: object) -> int:
        """Send a request; its id is returned."""
        self._next += 1
        self.write({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        return self._next

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self.write({"jsonrpc": "2.0", "method": method, "params": params})

    async def reply(self, number: int | str | None) -> dict[str, Any]:
        """Wait for the reply to a request."""
        await self.until(lambda: any(reply["id"] == number for reply in self.replies))
        return next(reply for reply in self.replies if reply["id"] == number)

    async def all_read(self) -> None:
        """Wait until the server has acted on all that was sent: a host's answer may overtake what is still in the pipe."""
        await self.reply(self.request("no/such", {}))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a message has come that makes ``condition`` true."""
        async with asyncio.timeout(GUARD), self._changed:
            await self._changed.wait_for(lambda: condition() or self.stdout.at_eof())
        assert condition(), "the server ended first"

    async def initialize(
        self,
        *,
        options: object = None,
        root: Path | None = None,
        capabilities: dict[str, Any] | None = None,
        **more: object,
    ) -> dict[str, Any]:
        """The handshake, as VS Code's client does it, with ``more`` parameters."""
        default = {
            "general": {"positionEncodings": ["utf-16"]},
            "textDocument": {"inlineCompletion": {"dynamicRegistration": True}},
        }
        number = self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root.as_uri() if root else None,
                "capabilities": default if capabilities is None else capabilities,
                "initializationOptions": options,
                **more,
            },
        )
        reply = await self.reply(number)
        self.notify("initialized", {})
        return reply["result"]

    def open(self, text: str, *, uri: str = URI, language: str = "python") -> None:
        """``didOpen``."""
        document = {"uri": uri, "languageId": language, "version": 0, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def insert(self, line: int, character: int, text: str, *, uri: str = URI, version: int = 1) -> None:
        """``didChange``."""
        place = {"line": line, "character": character}
        change = {"range": {"start": place, "end": place}, "text": text}
        self.notify(
            "textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]}
        )

    def ask(self, line: int, character: int, *, uri: str = URI, kind: int = 2) -> int:
        """``inlineCompletion``; its id is returned."""
        return self.request(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": uri},
                "position": {"line": line, "character": character},
                "context": {"triggerKind": kind},
            },
        )

    def messages(self) -> list[str]:
        """What the user was shown."""
        return [note["params"]["message"] for note in self.notes if note["method"] == "window/showMessage"]

    async def _read(self) -> None:
        while True:
            try:
                header = await self.stdout.readuntil(b"\r\n\r\n")
                length = int(header.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                message = json.loads(await self.stdout.readexactly(length))
            except (asyncio.IncompleteReadError, ConnectionError):
                async with self._changed:
                    self._changed.notify_all()
                return
            async with self._changed:
                self._sort(message)
                self._changed.notify_all()

    def _sort(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            self.replies.append(message)
        elif "id" not in message:
            self.notes.append(message)
        else:
            self.requests.append(message)
            asked = message["method"] == "workspace/configuration"
            self.write({"jsonrpc": "2.0", "id": message["id"], "result": [self.configuration] if asked else None})


def framed(message: object) -> bytes:
    """A message with its header."""
    body = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def texts(reply: dict[str, Any]) -> list[str]:
    """The texts of an inline completion's reply."""
    return [item["insertText"] for item in reply["result"]["items"]]


async def assert_completes(client: RawClient) -> None:
    """The server still completes ``SOURCE``."""
    assert texts(await client.reply(client.ask(41, 19)))[0].startswith("ha, beta)")


async def flood(client: RawClient, size: int = 8 << 20) -> None:
    """Request this many bytes of answers and read none of them: more than the buffers of the system hold."""
    client.stdout._transport.pause_reading()  # type: ignore[attr-defined]
    name = "x" * 100_000
    for number in range(size // len(name)):
        client.write({"jsonrpc": "2.0", "id": number + 1000, "method": f"no/such/{name}", "params": {}})
        with contextlib.suppress(ConnectionError):
            await client.stdin.drain()


def write_config(home: Path, text: str) -> None:
    """Write the user's ``config.toml``."""
    folder = home / "config" / "fim-lsp"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(text)
