"""A server process, driven from outside as by an editor: from its start to its first answers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import SOURCE, framed

ROOT = Path(__file__).parents[3]
OURS = (sys.executable, "-m", "fim_lsp")
URI = "file:///workspace/demo.py"
LINE, CHARACTER = 41, 19  # the end of SOURCE, which ngram can continue

STOCK = (
    sys.executable,
    "-c",
    """
from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("stock", "1")

@server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION)
def complete(params: types.InlineCompletionParams) -> types.InlineCompletionList:
    return types.InlineCompletionList(items=[types.InlineCompletionItem("x")])

server.start_io()
""",
)
"""A server as pygls' first page has it: what any server in Python costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Seconds from the start of the process to an answer, seconds of CPU until its end, and its largest size in bytes."""

    initialized: float
    shown: float
    cpu: float
    memory: int


def start(command: tuple[str, ...], home: Path, options: Mapping[str, object]) -> Start:
    """Start a server, open a document, request one suggestion and end it, as fast as it answers."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    wire = _Wire(process)
    wire.request("initialize", {"processId": None, "rootUri": None, "capabilities": _CAPABILITIES,
                                "initializationOptions": options})  # fmt: skip
    initialized = time.perf_counter() - began
    wire.send(method="initialized", params={})
    document = {"uri": URI, "languageId": "python", "version": 0, "text": SOURCE}
    wire.send(method="textDocument/didOpen", params={"textDocument": document})
    answer = wire.request(
        "textDocument/inlineCompletion",
        {
            "textDocument": {"uri": URI},
            "position": {"line": LINE, "character": CHARACTER},
            "context": {"triggerKind": 1},
        },
    )
    shown = time.perf_counter() - began
    if not answer["items"]:
        raise AssertionError("nothing was suggested")
    wire.request("shutdown", None)
    wire.send(method="exit")
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0  # it has been waited for
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    return Start(initialized=initialized, shown=shown, cpu=used.ru_utime + used.ru_stime, memory=used.ru_maxrss * 1024)


_CAPABILITIES = {"general": {"positionEncodings": ["utf-16"]}, "textDocument": {"inlineCompletion": {}}}


class _Wire:
    """Both ends of a server's pipe, without an event loop, whose turns would be measured too."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self._stdin, self._stdout = process.stdin, process.stdout
        self._last = 0

    def send(self, **message: object) -> None:
        self._stdin.write(framed({"jsonrpc": "2.0", **message}))
        self._stdin.flush()

    def request(self, method: str, params: object) -> Any:
        """The result; messages that the server sends by itself are skipped."""
        self._last += 1
        self.send(id=self._last, method=method, params=params)
        while True:
            message = self._receive()
            if message.get("id") == self._last and "method" not in message:
                return message["result"]

    def _receive(self) -> dict[str, Any]:
        length = 0
        while (line := self._stdout.readline()) != b"\r\n":
            if not line:
                raise AssertionError("the server ended")
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: dict[str, Any] = json.loads(self._stdout.read(length))
        return message


@contextmanager
def fake_codestral() -> Iterator[str]:
    """The address of a fake Codestral that answers at once, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    fake = FakeCodestral(lambda _body: "ha, beta)")

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    run(fake.__aenter__())
    try:
        yield fake.url
    finally:
        run(fake.__aexit__())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
