"""Clients that violate the protocol: every request is answered, and nothing else is lost."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from fim_lsp.lsp import protocol, transport
from fim_lsp.lsp.protocol import Protocol
from tests.lsp.raw_client import NGRAM, SOURCE, RawClient, assert_completes, framed, texts

DEEP = b"[" * 100_000 + b"]" * 100_000


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
        await assert_completes(client)
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
        await assert_completes(client)


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
    assert "MethodNotFound" not in client.log, "editors ask for what the server does not have after every change"


async def test_messages_that_are_not_json(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        client.stdin.write(b"Content-Length: 3\r\n\r\n{a}")
        await client.until(lambda: any("error" in reply for reply in client.replies))
        assert client.replies[0]["error"]["code"] == -32700
        client.stdin.write(framed([1, 2]))
        await client.until(lambda: len(client.replies) == 2)
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        await assert_completes(client)


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


async def test_lone_surrogates_pass(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open("a = '\ud800'\n" + SOURCE)
        assert "result" in await client.reply(client.ask(0, 6))
        assert texts(await client.reply(client.ask(42, 19)))


def with_header(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b'{"jsonrpc": "2.0", "id": 77, "method": "textDocument/inlineCompletion", "params": ', (77, -32603)),
        (b'{"jsonrpc":"2.0","id":"a","method":"workspace/executeCommand","params":', ("a", -32603)),
        (b'{"jsonrpc":"2.0","method":"workspace/didChangeConfiguration","params":', None),
        (b'{"params":', (None, -32700)),
    ],
)
async def test_json_nested_too_deeply(tmp_path: Path, head: bytes, answer: tuple[object, int] | None) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        client.stdin.write(with_header(head + DEEP + b"}"))
        await assert_completes(client)
        answers = [(reply["id"], reply["error"]["code"]) for reply in client.replies if "error" in reply]
        assert answers == ([answer] if answer else [])
    assert "Traceback" not in client.log


@pytest.mark.parametrize(
    "message",
    [
        {"method": "$/cancelRequest", "params": {"id": [1]}},
        {"method": "$/cancelRequest", "params": {"id": {}}},
        {"method": ["x"], "params": {}},
        {"id": [1], "result": 5},
        {"id": {"a": 1}, "error": {}},
        {"method": "textDocument/didOpen",
         "params": {"textDocument": {"uri": "file:///%00", "languageId": "p", "version": 1, "text": "x"}}},
    ],
)  # fmt: skip
async def test_invalid_messages_get_no_answer_and_do_no_harm(tmp_path: Path, message: dict[str, Any]) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        client.write({"jsonrpc": "2.0", **message})
        reply = await client.reply(client.ask(41, 19))
        assert reply["result"]["items"] is not None
        assert [reply for reply in client.replies if "error" in reply] == []
        assert client.messages() == []
    assert "Traceback" not in client.log


@pytest.mark.parametrize(
    "message",
    [{"id": [1], "method": "textDocument/inlineCompletion"}, {"id": 7, "method": ["x"]}, {"id": 8, "method": 5}],
)
async def test_invalid_requests_get_an_error(tmp_path: Path, message: dict[str, Any]) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        client.write({"jsonrpc": "2.0", **message})
        await assert_completes(client)
        [error] = [reply for reply in client.replies if "error" in reply]
        assert error["id"] == (None if message["id"] == [1] else message["id"])
    assert "Traceback" not in client.log


async def test_a_bug_of_ours_is_an_internal_error_for_requests_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("hunter2")

    sent: list[Any] = []
    connection = transport.Connection({}, _Sink())
    monkeypatch.setattr(Protocol, "handle_message", fail)
    monkeypatch.setattr(Protocol, "_send_data", lambda _self, data: sent.append(data))
    for message in (
        {"id": 3, "method": "initialize", "params": {"capabilities": {}}},
        {"method": "initialized", "params": {}},
    ):
        connection.receive(framed({"jsonrpc": "2.0", **message}))
    assert sent == [{"jsonrpc": "2.0", "id": 3, "error": {"code": -32603, "message": "Internal error"}}]
    assert not connection.ended.done()
    assert "ValueError" in caplog.text
    assert "hunter2" not in caplog.text
    await connection.close()


class _Sink:
    def write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass


def test_the_private_parts_of_pygls_have_not_moved() -> None:
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


def test_only_one_file_uses_private_parts_of_pygls() -> None:
    folder = Path(protocol.__file__).parent
    for file in folder.glob("*.py"):
        if file.name != "protocol.py":
            assert "protocol._" not in file.read_text("utf-8"), file.name
