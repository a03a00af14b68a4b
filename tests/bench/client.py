"""An LSP client that takes the time of each answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.bench.servers import Server

_GUARD = 60.0  # seconds
_CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {"configuration": True, "workspaceFolders": True},
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": False}},
        "inlineCompletion": {"dynamicRegistration": False},
    },
}
Change = tuple[int, int, int, int, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """``texts`` are the suggestions, as they would be displayed after the cursor."""

    at: float
    texts: Sequence[str]


class Client:
    """A server process and one open document. Everything that the server reads or writes of the user's is in ``home``."""

    def __init__(self, server: Server, home: Path) -> None:
        self._server, self._home = server, home
        self._pending: dict[int, asyncio.Future[tuple[float, Any]]] = {}
        self._next = self._version = 0
        for name, content in server.files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(content)

    async def __aenter__(self) -> Self:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL"}}
        folders = {f"XDG_{kind}_HOME": str(self._home / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE", "DATA")}
        self._process = await asyncio.create_subprocess_exec(
            *self._server.command,
            env={**kept, **folders, "HOME": str(self._home), **self._server.environment},
            cwd=self._home,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=1 << 26,
        )
        self.pid = self._process.pid
        self._reading = asyncio.create_task(self._read())
        root = {"uri": self._home.as_uri(), "name": "bench"}
        params = {
            "processId": os.getpid(),
            "rootUri": root["uri"],
            "workspaceFolders": [root],
            "capabilities": _CAPABILITIES,
        }
        _, initialized = await self._result(self._request("initialize", params))
        sync = initialized["capabilities"]["textDocumentSync"]
        self._incremental = (sync["change"] if isinstance(sync, dict) else sync) == 2
        self._notify("initialized", {})
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, TimeoutError, ConnectionError):
            async with asyncio.timeout(5):
                await self._result(self._request("shutdown", None))
                self._notify("exit", None)
                await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    async def open(self, name: str, language: str, text: str) -> None:
        """Open a document, which the following calls are about."""
        path = self._home / name
        path.write_text(text)
        self.document = Document(text, Encoding.UTF16)
        self._uri, self._version = path.as_uri(), 1
        item = {"uri": self._uri, "languageId": language, "version": 1, "text": text}
        self._notify("textDocument/didOpen", {"textDocument": item})

    def edit(self, changes: Sequence[Change]) -> None:
        """Change the document."""
        sent: list[dict[str, object]] = []
        for line, character, end_line, end_character, text in changes:
            self.document.replace((line, character), (end_line, end_character), text)
            start, end = {"line": line, "character": character}, {"line": end_line, "character": end_character}
            sent.append({"range": {"start": start, "end": end}, "text": text})
        self._version += 1
        document = {"uri": self._uri, "version": self._version}
        whole = [{"text": "".join(self.document.lines)}]
        self._notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": sent if self._incremental else whole}
        )

    def ask(self, caret: tuple[int, int]) -> asyncio.Task[Answer]:
        """Request suggestions; cancelling the task sends ``$/cancelRequest``, and the answer is still waited for."""
        line = self.document.split(*caret, before=4000, after=0).prefix.rpartition("\n")[2]
        position = {"line": caret[0], "character": caret[1]}
        context = {"triggerKind": 2 if self._server.method.endswith("inlineCompletion") else 1}
        params = {"textDocument": {"uri": self._uri}, "position": position, "context": context}
        return asyncio.create_task(self._answer(self._request(self._server.method, params), line, caret))

    async def _answer(self, number: int, line: str, caret: tuple[int, int]) -> Answer:
        try:
            at, result = await self._result(number)
        except asyncio.CancelledError:
            self._notify("$/cancelRequest", {"id": number})
            at, result = await self._result(number)
        items = result.get("items", []) if isinstance(result, dict) else result or []
        return Answer(at, [text for item in items if (text := _displayed(item, line, caret))])

    def _request(self, method: str, params: object) -> int:
        self._next += 1
        self._pending[self._next] = asyncio.get_running_loop().create_future()
        self._write({"id": self._next, "method": method, "params": params})
        return self._next

    def _notify(self, method: str, params: object) -> None:
        self._write({"method": method, "params": params})

    async def _result(self, number: int) -> tuple[float, Any]:
        async with asyncio.timeout(_GUARD):
            return await asyncio.shield(self._pending[number])

    def _write(self, message: dict[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def _read(self) -> None:
        assert self._process.stdout
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = (await self._process.stdout.readuntil(b"\r\n\r\n")).lower()
                body = await self._process.stdout.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
                self._receive(json.loads(body), time.monotonic())

    def _receive(self, message: dict[str, Any], at: float) -> None:
        if "method" in message and "id" in message:
            items = message["params"]["items"] if message["method"] == "workspace/configuration" else []
            self._write({"id": message["id"], "result": [None] * len(items)})
        elif "method" not in message:
            self._pending[message["id"]].set_result((at, message.get("result")))


def _displayed(item: dict[str, Any], line: str, caret: tuple[int, int]) -> str:
    """What an item would display after the cursor; ``line`` is what precedes the cursor in its line."""
    edit = item.get("textEdit") or item
    text = edit.get("newText") or item.get("insertText") or item.get("label", "")
    text = text["value"] if isinstance(text, dict) else text
    start = (edit.get("range") or edit.get("insert") or {"start": {"line": -1, "character": 0}})["start"]
    if start["line"] != caret[0]:
        return str(text)
    replaced = line.encode("utf-16-le")[2 * start["character"] :].decode("utf-16-le")
    return str(text).removeprefix(replaced)
