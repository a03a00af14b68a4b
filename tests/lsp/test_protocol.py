"""The base protocol where clients are wrong or rude: every request is answered, nothing else is lost."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import os
import signal
import sys
from pathlib import Path

import pytest
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from fim_lsp.lsp import protocol
from tests.lsp.raw import RawClient, framed, texts

NGRAM = {"backend": "ngram"}
SOURCE = "\n".join(["total = compute(alpha, beta)", "print(total)"] * 20) + "\ntotal = compute(alp"


async def still_works(client: RawClient) -> None:
    assert texts(await client.reply(client.ask(41, 19)))[0].startswith("ha, beta)")


@pytest.mark.parametrize(
    "params",
    [
        {"textDocument": {"uri": "file:///workspace/demo.py"}},
        {"textDocument": {"uri": "file:///workspace/demo.py"}, "position": {"line": "one", "character": 0}},
        {"position": {"line": 0, "character": 0}, "context": {"triggerKind": 1}},
        [],
        None,
        "text",
    ],
)
async def test_parameters_that_cannot_be_read_get_an_error_and_no_message(tmp_path: Path, params: object) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        reply = await client.reply(client.request("textDocument/inlineCompletion", params))
        assert reply["error"]["code"] == -32602
        await still_works(client)
        assert client.messages() == []


@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        {"triggerKind": 0},
        {"triggerKind": 7},
        {"triggerKind": [1]},
        {"triggerKind": {}},
        {"triggerKind": 1, "selectedCompletionInfo": {"text": "a", "range": [{"line": 0, "character": 0}] * 2}},
    ],
)
async def test_contexts_of_older_clients_are_understood(tmp_path: Path, context: object) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        place = {"textDocument": {"uri": "file:///workspace/demo.py"}, "position": {"line": 41, "character": 19}}
        params = place if context is None else {**place, "context": context}
        assert texts(await client.reply(client.request("textDocument/inlineCompletion", params)))


async def test_a_nested_jsonrpc_key_is_only_a_key(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.notify("workspace/didChangeConfiguration", {"settings": {"jsonrpc": "2.0", "id": 1, "method": "x"}})
        client.open(SOURCE)
        await still_works(client)


async def test_documents_that_are_not_open(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.insert(0, 0, "x", uri="file:///nowhere.py")
        client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///nowhere.py"}})
        assert (await client.reply(client.ask(0, 0, uri="file:///nowhere.py")))["result"] == {"items": []}
        assert client.messages() == []


async def test_order_of_the_handshake(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        assert (await client.reply(client.ask(0, 0)))["error"]["code"] == -32002
        client.notify("textDocument/didOpen", {})
        await client.initialize(options=NGRAM)
        assert (await client.reply(client.request("initialize", {"capabilities": {}})))["error"]["code"] == -32600
        assert (await client.reply(client.request("no/such", {})))["error"]["code"] == -32601
        client.notify("no/such", {})
        assert (await client.reply(client.request("shutdown", None)))["result"] is None
        assert (await client.reply(client.ask(0, 0)))["error"]["code"] == -32600
        client.notify("exit", None)
        assert await client.exit_code() == 0


async def test_exit_without_shutdown_is_1(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.notify("exit", None)
        assert await client.exit_code() == 1


async def test_the_end_of_input_ends_the_server(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.stdin.close()
        assert await client.exit_code() == 1


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_end_the_server(tmp_path: Path, number: int) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.process.send_signal(number)
        assert await client.exit_code() == 128 + number


@pytest.mark.skipif(os.name != "posix", reason="process ids are looked up as POSIX has them")
async def test_the_end_of_the_editors_process_ends_the_server(tmp_path: Path) -> None:
    """Though the pipe is still open: another process may hold it."""
    editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    async with RawClient(tmp_path) as client:
        number = client.request("initialize", {"processId": editor.pid, "capabilities": {}})
        await client.reply(number)
        editor.kill()
        await editor.wait()
        assert await client.exit_code() == 1


async def test_messages_that_are_not_json(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        client.stdin.write(b"Content-Length: 3\r\n\r\n{a}")
        await client.until(lambda: any("error" in reply for reply in client.replies))
        assert client.replies[0]["error"]["code"] == -32700
        client.stdin.write(framed([1, 2]))
        await client.until(lambda: len(client.replies) == 2)
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        await still_works(client)


async def test_headers_in_any_case_and_with_a_content_type(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        body = json.dumps({"jsonrpc": "2.0", "id": "h", "method": "shutdown"}).encode()
        header = b"content-type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length: %d\r\n\r\n" % len(body)
        for piece in (header[:9], header[9:], body[:4], body[4:]):
            client.stdin.write(piece)
            await client.stdin.drain()
            await asyncio.sleep(0)
        assert (await client.reply("h"))["result"] is None


async def test_a_stream_that_is_not_lsp_ends_the_server(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        client.stdin.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.exit_code() == 1


async def test_lone_surrogates_pass(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open("a = '\ud800'\n" + SOURCE)
        assert "result" in await client.reply(client.ask(0, 6))
        assert texts(await client.reply(client.ask(42, 19)))


async def test_an_editor_that_does_not_read_holds_up_nothing(tmp_path: Path) -> None:
    """Some 4 MB of answers wait to be read, more than any pipe holds, and later edits and requests still count."""
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        client.stdout._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(20_000):
            client.request("no/such/" + "x" * 100, {})
        last = client.request("shutdown", None)
        await client.stdin.drain()
        client.stdout._transport.resume_reading()  # type: ignore[attr-defined]
        assert (await client.reply(last))["result"] is None


def test_the_private_parts_of_pygls_are_where_they_were() -> None:
    """Used in ``lsp/protocol.py`` alone; pygls is pinned to its minor version, and this notices what a patch moves."""
    own = {
        "__init__",
        "_execute_handler",
        "_handle_response",
        "_send_response",
        "_send_data",
        "_register_builtin_features",
    }
    assert own <= set(dir(LanguageServerProtocol))
    assert {"lsp_exit", "lsp_text_document__did_change", "lsp_initialize"} <= set(dir(LanguageServerProtocol))
    made = LanguageServer("x", "1").protocol
    assert {"_request_futures", "_shutdown", "_workspace"} <= set(vars(made))
    assert list(inspect.signature(LanguageServerProtocol._execute_handler).parameters) == [
        "self", "msg_id", "handler", "callback", "args", "kwargs",
    ]  # fmt: skip
    assert callable(lsp_method("x"))
    for name in ("pygls.protocol.json_rpc", "pygls.protocol.language_server", "pygls.server", "pygls.feature_manager"):
        assert logging.getLogger(name).disabled
        assert hasattr(importlib.import_module(name), "logger")


def test_only_one_file_touches_them() -> None:
    folder = Path(protocol.__file__).parent
    for file in folder.glob("*.py"):
        if file.name != "protocol.py":
            assert "protocol._" not in file.read_text("utf-8"), file.name
