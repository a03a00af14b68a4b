"""Requests for ghost text over the wire, against a fake Codestral: order, cancellation, positions, failures, logs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.lsp.raw_client import URI, RawClient, texts


def settings(server: FakeCodestral, **more: object) -> dict[str, object]:
    return {
        "backend": "codestral",
        "base_url": server.url,
        "api_key": "k-123",
        "debounce": 1000,
        "fallback": [],
        **more,
    }


async def test_thirty_edits_make_one_call_and_get_thirty_answers_in_order(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "rint(1)") as server, RawClient(tmp_path) as client:
        result = await client.initialize(options=settings(server))
        assert result["capabilities"]["inlineCompletionProvider"] == {}
        client.open("")
        numbers = []
        for column in range(30):
            client.insert(0, column, "p")
            numbers.append(client.ask(0, column + 1))
            if column:  # the one before is answered as soon as this one supersedes it
                await client.reply(numbers[-2])
        last = await client.reply(numbers[-1])
        assert texts(last) == ["rint(1)"]
        place = {"line": 0, "character": 30}
        assert last["result"]["items"][0]["range"] == {"start": place, "end": place}
        answered = [reply["id"] for reply in client.replies if reply["id"] in numbers]
        assert answered == numbers
        assert all(texts(reply) == [] for reply in client.replies if reply["id"] in numbers[:-1])
        assert [request.body["prompt"] for request in server.requests] == ["p" * 30]


async def test_a_superseded_call_is_aborted(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeCodestral(lambda body: "one") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, debounce=0))
        client.open("abc \n")
        server.next.append(Behaviour(gate=gate))  # never opened: the first call gets no byte
        first = client.ask(0, 4)
        await server.until(lambda: len(server.requests) == 1)
        client.insert(0, 0, "x")  # not at the cursor: whatever the call says, it is about another text
        second = client.ask(0, 5)
        await server.until(lambda: server.hangups == 1)
        assert texts(await client.reply(second)) == ["one"]
        assert [reply["id"] for reply in client.replies][-2:] == [first, second]


async def test_a_cancelled_request_gets_error_32800_and_its_call_is_aborted(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, debounce=0))
        server.behaviour = Behaviour(gate=asyncio.Event())
        client.open("abc")
        number = client.ask(0, 3)
        await server.until(lambda: len(server.requests) == 1)
        client.notify("$/cancelRequest", {"id": number})
        assert (await client.reply(number))["error"]["code"] == -32800
        await server.until(lambda: server.hangups == 1)
        client.notify("$/cancelRequest", {"id": number})  # again, and with an unknown id: no harm
        client.notify("$/cancelRequest", {"id": "nobody"})
        server.behaviour = Behaviour()
        assert texts(await client.reply(client.ask(0, 3))) == ["return a + b"]


async def test_cancel_in_the_same_write_as_the_request(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("abc")
        params = {"textDocument": {"uri": "file:///workspace/demo.py"}, "position": {"line": 0, "character": 3},
                  "context": {"triggerKind": 2}}  # fmt: skip
        client.write(
            {"jsonrpc": "2.0", "id": "x", "method": "textDocument/inlineCompletion", "params": params},
            {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "x"}},
        )
        assert (await client.reply("x"))["error"]["code"] == -32800
        assert texts(await client.reply(client.ask(0, 3, kind=1))) == ["return a + b"]
        assert len(server.requests) == 1


async def test_the_snapshot_is_taken_in_message_order(tmp_path: Path) -> None:
    """A request and five later edits in one write: the request sees none of them."""
    async with FakeCodestral(lambda body: "!") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, debounce=0))
        client.open("start")
        params = {"textDocument": {"uri": "file:///workspace/demo.py"}, "position": {"line": 0, "character": 5},
                  "context": {"triggerKind": 1}}  # fmt: skip
        edits = [
            {"jsonrpc": "2.0", "method": "textDocument/didChange",
             "params": {"textDocument": {"uri": "file:///workspace/demo.py", "version": n},
                        "contentChanges": [{"text": f"changed {n}"}]}}
            for n in range(1, 6)
        ]  # fmt: skip
        client.write({"jsonrpc": "2.0", "id": 77, "method": "textDocument/inlineCompletion", "params": params}, *edits)
        await client.reply(77)
        assert [request.body["prompt"] for request in server.requests] == ["start"]


@pytest.mark.parametrize(
    ("encoding", "character"), [("utf-8", 11), ("utf-16", 9), ("utf-32", 8)], ids=["utf-8", "utf-16", "utf-32"]
)
async def test_columns_in_every_encoding(tmp_path: Path, encoding: str, character: int) -> None:
    capabilities = {"general": {"positionEncodings": [encoding]}, "textDocument": {"inlineCompletion": {}}}
    async with FakeCodestral(lambda body: "!") as server, RawClient(tmp_path) as client:
        result = await client.initialize(options=settings(server, debounce=0), capabilities=capabilities)
        assert result["capabilities"]["positionEncoding"] == encoding
        client.open("x = '😀abc'\n")
        reply = await client.reply(client.ask(0, character, kind=1))
        assert [(request.body["prompt"], request.body["suffix"]) for request in server.requests] == [
            ("x = '😀ab", "c'\n")
        ]
        assert reply["result"]["items"][0]["range"]["start"] == {"line": 0, "character": character}


async def test_a_position_past_the_end_is_the_end(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "!") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, debounce=0))
        client.open("ab\ncd")
        reply = await client.reply(client.ask(7, 99, kind=1))
        assert server.requests[0].body["prompt"] == "ab\ncd"
        assert reply["result"]["items"][0]["range"]["end"] == {"line": 1, "character": 2}


async def test_a_wrong_key_is_reported_once(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, debounce=0))
        server.behaviour = Behaviour(status=401, raw=b'{"detail":"Unauthorized"}')
        client.open("abc")
        for column in (3, 2, 1):
            reply = await client.reply(client.ask(0, column))
            assert reply["result"] == {"items": []}
        assert len(client.messages()) == 1
        assert "k-123" not in client.messages()[0]


async def test_an_unreachable_host_is_reported_once_and_the_fallback_answers(tmp_path: Path) -> None:
    source = "\n".join(["total = compute(alpha, beta)", "print(total)"] * 20) + "\n"
    async with RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": "http://127.0.0.1:9", "api_key": "k", "debounce": 0}
        await client.initialize(options=options)
        client.open(source + "total = compute(alp")
        assert texts(await client.reply(client.ask(40, 19)))[0].startswith("ha, beta)")
        await client.reply(client.ask(40, 18))
        assert len(client.messages()) == 1
        assert "127.0.0.1:9" in client.messages()[0]


async def test_an_excluded_file_is_never_sent(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, debounce=0))
        client.open("PASSWORD=hun", uri="file:///workspace/.env", language="properties")
        reply = await client.reply(client.ask(0, 12, uri="file:///workspace/.env"))
        assert reply["result"] == {"items": []}
        assert server.requests == []


async def test_no_log_level_shows_text_prompt_or_key(tmp_path: Path) -> None:
    client = RawClient(tmp_path, "--log-level", "debug")
    async with FakeCodestral(lambda body: "ANSWERED") as server, client:
        await client.initialize(options=settings(server, debounce=0, api_key="KEYKEYKEY"))
        client.open("PROMPTED = ")
        assert texts(await client.reply(client.ask(0, 11))) == ["ANSWERED"]
        client.request("textDocument/inlineCompletion", {"textDocument": "PROMPTED"})
        client.notify("textDocument/didChange", {"textDocument": {"uri": "PROMPTED"}, "contentChanges": 5})
        server.behaviour = Behaviour(status=500, raw=b"ANSWERED PROMPTED")
        await client.reply(client.ask(0, 3))
        await client.reply(client.request("shutdown", None))
        client.notify("exit", None)
        await client.exit_code()
    assert "127.0.0.1" in client.log
    for secret in ("PROMPTED", "ANSWERED", "KEYKEYKEY"):
        assert secret not in client.log


@pytest.mark.parametrize(("texts_put_in", "asked"), [(("x", "x", "x"), True), (("x", "y", "x"), False)])
async def test_typing_with_several_cursors_makes_a_call(
    tmp_path: Path, texts_put_in: tuple[str, ...], asked: bool
) -> None:
    async with FakeCodestral(lambda body: " + y") as server, RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": []}
        await client.initialize(options=options)
        client.open("a = \nb = \nc = \n")
        places = [{"line": line, "character": 4} for line in (2, 1, 0)]
        changes = [
            {"range": {"start": place, "end": place}, "text": text}
            for place, text in zip(places, texts_put_in, strict=True)
        ]
        document = {"uri": URI, "version": 1}
        client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
        assert bool(texts(await client.reply(client.ask(2, 5)))) is asked
    assert len(server.requests) == asked
