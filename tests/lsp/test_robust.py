"""Messages and moments that broke a server: none may end it, leave a request unanswered, or show the user's text."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from fim_lsp.lsp import listener, transport
from fim_lsp.lsp.protocol import Protocol
from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw import URI, RawClient, framed, texts
from tests.lsp.shared import shared_server
from tests.rate_limit.fakes import until

NGRAM = {"backend": "ngram"}
SOURCE = "\n".join(["total = compute(alpha, beta)", "print(total)"] * 20) + "\ntotal = compute(alp"
DEEP = b"[" * 100_000 + b"]" * 100_000


def with_header(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


async def still_works(client: RawClient) -> None:
    assert texts(await client.reply(client.ask(41, 19)))[0].startswith("ha, beta)")


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
        await still_works(client)
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
async def test_odd_messages_get_no_answer_and_do_no_harm(tmp_path: Path, message: dict[str, Any]) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        client.write({"jsonrpc": "2.0", **message})
        reply = await client.reply(client.ask(41, 19))
        assert reply["result"]["items"] is not None
        assert [reply for reply in client.replies if "error" in reply] == []
        assert client.messages() == []
    assert "Traceback" not in client.log


async def test_a_folder_that_cannot_be_costs_no_answer(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        change = {"added": [{"uri": "file:///%00", "name": "x"}], "removed": []}
        client.notify("workspace/didChangeWorkspaceFolders", {"event": change})
        for _ in range(2):
            assert "result" in await client.reply(client.ask(41, 19))


@pytest.mark.parametrize(
    "message",
    [{"id": [1], "method": "textDocument/inlineCompletion"}, {"id": 7, "method": ["x"]}, {"id": 8, "method": 5}],
)
async def test_odd_requests_get_an_error(tmp_path: Path, message: dict[str, Any]) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        client.write({"jsonrpc": "2.0", **message})
        await still_works(client)
        [error] = [reply for reply in client.replies if "error" in reply]
        assert error["id"] == (None if message["id"] == [1] else message["id"])
    assert "Traceback" not in client.log


async def test_a_fault_of_ours_is_an_internal_error_for_a_request_and_silence_else(
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


async def test_a_length_of_thousands_of_digits_is_not_lsp(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        client.stdin.write(b"Content-Length: " + b"0" * 5000 + b"9\r\n\r\n")
        assert await client.exit_code() == 1
    assert "Traceback" not in client.log


# -- nothing of the user's on stderr


async def test_asyncios_debug_mode_shows_no_text(tmp_path: Path) -> None:
    client = RawClient(tmp_path, "--log-level", "debug", env={"PYTHONASYNCIODEBUG": "1"})
    async with FakeCodestral(lambda body: "ANSWERED") as server, client:
        await client.initialize(options={"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0})
        client.open("print('hunter2')\n" * 100_000)  # so much is slow, which this mode tells
        assert texts(await client.reply(client.ask(100_000, 0))) == ["ANSWERED"]
        await client.reply(client.request("shutdown", None))
        client.notify("exit", None)
        assert await client.exit_code() == 0
    for text in ("hunter2", "ANSWERED", "Content-Length", "receive(b"):
        assert text not in client.log


async def test_what_fails_in_the_loop_is_told_by_its_class_only(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_text: str) -> None:
        raise ValueError("hunter2")

    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    with transport.discreet():
        loop.call_soon(fail, "hunter2")
        await until(lambda: "ValueError" in caplog.text)
        loop.call_exception_handler({"message": "hunter2"})
    assert loop.get_exception_handler() is before
    assert "hunter2" not in caplog.text + "".join(capfd.readouterr())


# -- TCP


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
async def test_a_tcp_server_hears_on_after_deep_json_and_leaves_quietly(tmp_path: Path) -> None:
    async with shared_server(tmp_path, "--tcp", "127.0.0.1:0") as server, server.connect() as client:
        await client.initialize(options={"token": server.token})
        client.stdin.write(with_header(b'{"jsonrpc":"2.0","id":7,"method":"x","params":' + DEEP + b"}"))
        assert (await client.reply(7))["error"]["code"] == -32603
        assert (await client.reply(client.request("no/such", {})))["error"]["code"] == -32601
        server.process.send_signal(signal.SIGTERM)
        assert await server.exit_code() == 128 + signal.SIGTERM
        await client.ended()
    assert "Traceback" not in server.log


async def test_a_connection_that_cannot_be_read_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise ValueError("hunter2")

    monkeypatch.setattr(transport.Connection, "receive", fail)
    clients = listener.Clients({}, trusted=True, gate=None)
    with transport.discreet():
        server = await asyncio.start_unix_server(clients.client, tmp_path / "s")
        async with asyncio.timeout(60):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
            writer.write(b"x")
            assert await reader.read() == b""
            writer.close()
        server.close()


# -- the menu, switched while the server runs


def completion(client: RawClient) -> int:
    place = {"textDocument": {"uri": URI}, "position": {"line": 41, "character": 19}}
    return client.request("textDocument/completion", place)


async def test_the_menu_answers_once_it_is_switched_on(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        result = await client.initialize(options=NGRAM)
        assert "completionProvider" not in result["capabilities"]
        client.open(SOURCE)
        assert (await client.reply(completion(client)))["result"]["items"] == []
        client.notify("workspace/didChangeConfiguration", {"settings": {"menu": "always"}})
        [item] = (await client.reply(completion(client)))["result"]["items"]
        assert item["textEdit"]["newText"].startswith("alpha, beta)")
        assert client.requests == []


@pytest.mark.parametrize("by", ["editor", "file"])
async def test_the_menu_is_registered_and_unregistered_where_the_editor_can(tmp_path: Path, by: str) -> None:
    capabilities = {"textDocument": {"inlineCompletion": {}, "completion": {"dynamicRegistration": True}}}
    file = tmp_path / "config" / "fim-lsp" / "config.toml"
    file.parent.mkdir(parents=True)
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM, capabilities=capabilities)
        client.open(SOURCE)
        for number, menu in enumerate(("always", "never", "always"), 1):
            for _ in range(2):  # once is enough
                if by == "file":
                    file.write_text(f'menu = "{menu}"\n' + "#" * number)
                    await client.reply(client.ask(41, 19))
                else:
                    client.notify("workspace/didChangeConfiguration", {"settings": {"menu": menu}})
            await client.until(lambda number=number: len(client.requests) == number)
            assert bool((await client.reply(completion(client)))["result"]["items"]) == (menu == "always")
        asked = client.requests
    assert [request["method"] for request in asked] == [
        "client/registerCapability", "client/unregisterCapability", "client/registerCapability",
    ]  # fmt: skip
    [registration] = asked[0]["params"]["registrations"]
    assert registration["method"] == "textDocument/completion"
    assert "." in registration["registerOptions"]["triggerCharacters"]
    [unregistration] = asked[1]["params"]["unregisterations"]
    assert unregistration == {"id": registration["id"], "method": "textDocument/completion"}


async def test_what_was_advertised_is_not_registered_as_well(tmp_path: Path) -> None:
    capabilities = {"textDocument": {"completion": {"dynamicRegistration": True}}}
    async with RawClient(tmp_path) as client:
        result = await client.initialize(options=NGRAM, capabilities=capabilities)
        assert "completionProvider" in result["capabilities"]
        client.open(SOURCE)
        for menu, items in (("always", 1), ("never", 0), ("auto", 1)):
            client.notify("workspace/didChangeConfiguration", {"settings": {"menu": menu}})
            assert len((await client.reply(completion(client)))["result"]["items"]) == items
        assert client.requests == []
