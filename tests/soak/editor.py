"""The editor of the soak: it types, asks, cancels what is outdated, and counts replies that nobody has asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.quality.recorded_typing import Step

_GUARD = 120.0  # seconds
_CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {"configuration": True, "workspaceFolders": True},
    "textDocument": {"inlineCompletion": {"dynamicRegistration": False}},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: how long it took in seconds, and the texts of its items."""

    took: float
    texts: tuple[str, ...]


class Editor:
    """One client, on a pipe or a socket. ``unexpected`` counts replies without a request, or to one answered before."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        self._versions: dict[str, int] = {}
        self.unexpected = 0
        self._reading = asyncio.create_task(self._read())

    async def initialize(self, root: Path, **options: object) -> None:
        params = {
            "processId": None,
            "rootUri": root.as_uri(),
            "capabilities": _CAPABILITIES,
            "initializationOptions": options,
        }
        await self.request("initialize", params)
        self.notify("initialized", {})

    async def leave(self) -> None:
        """End the session as the protocol has it."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(10):
                await self.request("shutdown", None)
                self.notify("exit", None)
                await self._reading
        self._reading.cancel()
        self._writer.close()

    # -- documents

    def open(self, uri: str, language: str, text: str) -> None:
        self._versions[uri] = 1
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def close(self, uri: str) -> None:
        del self._versions[uri]
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def edit(self, uri: str, step: Step) -> None:
        self._versions[uri] += 1
        changes = [
            {
                "range": {"start": {"line": a, "character": b}, "end": {"line": c, "character": d}},
                "text": text,
            }
            for a, b, c, d, text in step.changes
        ]
        document = {"uri": uri, "version": self._versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def ask(self, uri: str, caret: tuple[int, int]) -> asyncio.Task[Answer]:
        """Ask for ghost text. Cancelling the task cancels the request, whose answer is still waited for."""
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": caret[0], "character": caret[1]},
            "context": {"triggerKind": 2},
        }
        return asyncio.create_task(self._ask(params))

    async def _ask(self, params: object) -> Answer:
        began = time.monotonic()
        number, reply = self._send("textDocument/inlineCompletion", params)
        try:
            result = await _within(reply)
        except asyncio.CancelledError:
            self.notify("$/cancelRequest", {"id": number})
            result = await _within(reply)
        items = result["items"] if isinstance(result, dict) and "items" in result else []
        return Answer(time.monotonic() - began, tuple(item["insertText"] for item in items))

    async def ping(self) -> float:
        """Seconds that a command takes which computes nothing."""
        began = time.monotonic()
        await self.request("workspace/executeCommand", {"command": "fim-lsp.status", "arguments": [{"quiet": True}]})
        return time.monotonic() - began

    # -- messages

    def notify(self, method: str, params: object) -> None:
        self.write({"jsonrpc": "2.0", "method": method, "params": params})

    async def request(self, method: str, params: object) -> Any:
        return await _within(self._send(method, params)[1])

    def _send(self, method: str, params: object) -> tuple[int, asyncio.Future[Any]]:
        self._next += 1
        reply = self._pending[self._next] = asyncio.get_running_loop().create_future()
        self.write({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        return self._next, reply

    def write(self, message: dict[str, object]) -> None:
        body = json.dumps(message, ensure_ascii=False).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _read(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split()[0])
                self._receive(json.loads(await self._reader.readexactly(length)))
        for reply in self._pending.values():
            if not reply.done():
                reply.set_exception(ConnectionResetError("the server has ended"))

    def _receive(self, message: dict[str, Any]) -> None:
        if "method" in message:
            if "id" in message:
                items = message["params"]["items"] if message["method"] == "workspace/configuration" else []
                self.write({"jsonrpc": "2.0", "id": message["id"], "result": [None] * len(items)})
            return
        reply = self._pending.pop(message["id"], None)
        if reply is None:
            self.unexpected += 1
        else:
            reply.set_result(message.get("result"))


async def _within(reply: asyncio.Future[Any]) -> Any:
    """The reply; a task that is cancelled meanwhile leaves it alone."""
    async with asyncio.timeout(_GUARD):
        return await asyncio.shield(reply)
