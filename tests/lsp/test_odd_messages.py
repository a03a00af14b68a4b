"""Messages that are odd in form: every request is answered once and by nobody else, and no edit is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fim_lsp.lsp import transport
from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.lsp.raw_client import NGRAM, PULLS_SETTINGS, SOURCE, URI, RawClient, assert_completes, framed, texts
from tests.rate_limit.fakes import until

PLACE = {"textDocument": {"uri": URI}, "position": {"line": 41, "character": 19}, "context": {"triggerKind": 1}}
NOTIFICATIONS: list[tuple[str, object]] = [
    ("initialized", {}),
    ("$/setTrace", {"value": "off"}),
    ("$/cancelRequest", {"id": 1}),
    ("textDocument/didClose", {"textDocument": {"uri": "file:///other.py"}}),
    ("textDocument/didClose", 5),
    ("textDocument/didSave", {"textDocument": {"uri": URI}}),
]


async def test_a_notification_with_an_id_is_answered(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        for method, params in NOTIFICATIONS:
            reply = await client.reply(client.request(method, params))
            assert reply.get("result") is None, method
        await assert_completes(client)


@pytest.mark.parametrize("msg_id", ["a", 77, None])
async def test_an_edit_with_an_id_is_an_edit(tmp_path: Path, msg_id: object) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open("")
        params = {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": SOURCE}]}
        client.write({"jsonrpc": "2.0", "id": msg_id, "method": "textDocument/didChange", "params": params})
        assert texts(await client.reply(client.ask(41, 19, kind=1)))[0].startswith("ha, beta)")
        assert [reply["id"] for reply in client.replies[1:-1]] == ([] if msg_id is None else [msg_id])


async def test_other_members_do_not_keep_a_request_from_its_answer(tmp_path: Path) -> None:
    error = {"code": 1, "message": "x"}
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        members: list[dict[str, object]] = [
            {"jsonrpc": "1.0"}, {"jsonrpc": None}, {"error": error}, {"error": 5}, {"result": 5}, {"x": 1},
        ]  # fmt: skip
        for number, more in enumerate(members):
            first, second = f"a{number}", f"b{number}"
            message = {"jsonrpc": "2.0", "id": first, "method": "textDocument/inlineCompletion", "params": PLACE}
            client.write({**message, **more}, {"jsonrpc": "2.0", "id": second, "method": "no/such", **more})
            assert texts(await client.reply(first)), more
            assert (await client.reply(second))["error"]["code"] == -32601, more


IDS: list[tuple[object, Any]] = [
    (-5, -5), (10**30, 10**30), ("", ""), ("\ud800", "\ud800"), (7.0, 7), (True, None), (1.5, None), ([], None), ({}, None),
]  # fmt: skip
"""What is sent as an id, and the id of the answer."""


async def test_the_id_of_an_answer(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        for method in ("no/such", "textDocument/inlineCompletion", "workspace/executeCommand"):
            for sent, answered in IDS:
                client.replies.clear()
                client.write({"jsonrpc": "2.0", "id": sent, "method": method, "params": {**PLACE, "command": "x"}})
                barrier = client.request("barrier", {})
                await client.until(lambda: len(client.replies) == 2)
                [reply] = [reply for reply in client.replies if reply["id"] != barrier]
                assert (reply["id"], type(reply["id"])) == (answered, type(answered))
                assert (reply.get("error", {}).get("code") == -32600) == (answered is None)


async def test_only_the_server_answers_and_only_its_id_cancels_a_request(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeCodestral(behaviour=Behaviour(gate=gate)) as server, RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0})
        client.open(SOURCE)
        first = {"jsonrpc": "2.0", "id": 1, "method": "textDocument/inlineCompletion", "params": PLACE}
        client.replies.clear()
        client.write(first)
        await server.until(lambda: len(server.requests) == 1)
        for member in ({"result": {"items": [{"insertText": "forged"}]}}, {"error": {"code": 1, "message": "x"}}):
            client.write({"jsonrpc": "2.0", "id": 1, **member})
        for other in (True, "1", [1]):
            client.write({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": other}})
        await client.reply(client.request("no/such", {}))
        assert [reply for reply in client.replies if reply["id"] == 1] == []
        gate.set()
        assert texts(await client.reply(1)) == ["return a + b"]


async def test_two_requests_with_one_id_are_both_answered_and_the_newer_is_cancelled(tmp_path: Path) -> None:
    async with FakeCodestral(behaviour=Behaviour(gate=asyncio.Event())) as server, RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0})
        client.open(SOURCE)
        message = {"jsonrpc": "2.0", "id": "same", "method": "textDocument/inlineCompletion", "params": PLACE}
        client.write(message, message)  # the older is answered as soon as the newer comes
        await client.reply("same")
        client.write({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "same"}})
        await client.until(lambda: sum(reply["id"] == "same" for reply in client.replies) == 2)
        older, newer = (reply for reply in client.replies if reply["id"] == "same")
        assert older["result"] == {"items": []}
        assert newer["error"]["code"] == -32800


async def test_a_cancel_with_the_id_of_the_servers_own_request_ends_no_wait(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        client.configuration = {"debounce": 0}
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k"}
        number = client.request("initialize", {"capabilities": PULLS_SETTINGS, "initializationOptions": options})
        await client.reply(number)
        sort = client._sort

        def cancel_first(message: dict[str, Any]) -> None:
            if "method" in message and "id" in message:
                client.notify("$/cancelRequest", {"id": message["id"]})
            sort(message)

        client._sort = cancel_first  # type: ignore[method-assign]
        client.notify("initialized", {})
        client.open(SOURCE)
        assert texts(await client.reply(client.ask(41, 19, kind=1))) == ["return a + b"]
        assert client.requests


async def test_nothing_is_kept_of_messages_that_are_done_with() -> None:
    """pygls keeps a future of each notification, and the type of each reply that was refused."""
    connection = transport.Connection({}, _Sink())
    assert connection.server
    protocol = connection.server.protocol
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": {"capabilities": PULLS_SETTINGS, "initializationOptions": NGRAM}},
        {"method": "initialized", "params": {}},
    ]
    item = {"uri": URI, "languageId": "python", "version": 1, "text": "x"}
    for _ in range(20):
        messages += [
            {"method": "textDocument/didOpen", "params": {"textDocument": item}},
            {"method": "textDocument/didClose", "params": {"textDocument": {"uri": URI}}},
            {"method": "$/setTrace", "params": {"value": "off"}},
            {"id": 3, "method": "textDocument/inlineCompletion", "params": PLACE},
        ]
    for message in messages:
        connection.receive(framed({"jsonrpc": "2.0", **message}))
    await asyncio.sleep(0)
    for msg_id in list(protocol._sent_requests):
        connection.receive(framed({"jsonrpc": "2.0", "id": msg_id, "error": {"code": -32601, "message": "no"}}))
    await until(lambda: not protocol._request_futures)
    assert (protocol._sent_requests, protocol._result_types) == ({}, {})
    await connection.close()


class _Sink:
    def write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass
