"""Alternatives over the wire: a second request by a key, cycling, what each call contains, and the command."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.lsp.raw_client import URI, RawClient, texts
from tests.lsp.test_commands import run, settings

REPLIES = {None: "one(1)", 1: "two(2)", 2: "three(3)"}


def by_seed(body: dict[str, Any]) -> str:
    """A reply for each seed."""
    return REPLIES[body.get("random_seed")]


async def test_asking_again_brings_three_suggestions(tmp_path: Path) -> None:
    async with FakeCodestral(by_seed) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = \n")
        assert texts(await client.reply(client.ask(0, 4, kind=1))) == ["one(1)"]
        assert len(server.requests) == 1
        reply = await client.reply(client.ask(0, 4, kind=1))
        assert texts(reply) == ["one(1)", "two(2)", "three(3)"]
        numbers = [item["command"]["arguments"][0] for item in reply["result"]["items"]]
        assert len(set(numbers)) == 3
        assert {item["command"]["command"] for item in reply["result"]["items"]} == {"fim-lsp.accepted"}
        sampling = [(it.body.get("random_seed"), it.body.get("temperature")) for it in server.requests]
        assert sorted(sampling[1:]) == [(1, 0.4), (2, 0.8)]
        assert len({(it.body["prompt"], it.body["suffix"]) for it in server.requests}) == 1
        for kind in (1, 2, 1):
            again = await client.reply(client.ask(0, 4, kind=kind))
            assert [item["command"]["arguments"][0] for item in again["result"]["items"]] == numbers
        client.insert(0, 4, "t")
        assert texts(await client.reply(client.ask(0, 5))) == ["wo(2)", "hree(3)"]
        assert len(server.requests) == 3
        assert client.messages() == []


async def test_an_accepted_alternative_is_followed(tmp_path: Path) -> None:
    """All of it is inserted at once, which is no paste: the next suggestion comes by itself."""
    long = "three(\n    3,\n)"
    replies = {None: "one(1)", 1: long, 2: long}
    async with FakeCodestral(lambda body: replies[body.get("random_seed")]) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, multiline="always"))
        client.open("x = \n")
        await client.reply(client.ask(0, 4, kind=1))
        reply = await client.reply(client.ask(0, 4, kind=1))
        assert texts(reply) == ["one(1)", long]
        client.insert(0, 4, long)
        await run(client, "accepted", reply["result"]["items"][1]["command"]["arguments"][0])
        calls = len(server.requests)
        await client.reply(client.ask(2, 1))
        assert len(server.requests) == calls + 1


async def test_failing_alternatives_show_no_error(tmp_path: Path) -> None:
    async with FakeCodestral(by_seed) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = \n")
        await client.reply(client.ask(0, 4, kind=1))
        server.behaviour = Behaviour(status=500)
        assert texts(await client.reply(client.ask(0, 4, kind=1))) == ["one(1)"]
        status = await run(client, "status", {"quiet": True})
        assert (client.messages(), status["state"]) == ([], "idle")


async def test_an_excluded_file_has_none(tmp_path: Path) -> None:
    async with FakeCodestral(by_seed) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = ", uri="file:///workspace/.env", language="dotenv")
        answer = await run(client, "alternatives", "file:///workspace/.env", {"line": 0, "character": 4})
        assert (answer["items"], server.requests) == ([], [])
        assert "excluded" in answer["message"]


async def test_the_command_does_it_at_once(tmp_path: Path) -> None:
    async with FakeCodestral(by_seed) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = \n")
        place = {"line": 0, "character": 4}
        answer = await run(client, "alternatives", URI, place, {"quiet": True})
        assert [item["insertText"] for item in answer["items"]] == ["one(1)", "two(2)", "three(3)"]
        assert answer["items"][2]["range"] == {"start": place, "end": place}
        assert answer["items"][2]["command"]["command"] == "fim-lsp.accepted"
        assert (answer["message"], client.messages()) == ("3 suggestions.", [])
        again = await run(client, "alternatives", URI, place)
        assert again == answer
        assert client.messages() == ["fim-lsp: 3 suggestions."]
        assert texts(await client.reply(client.ask(0, 4, kind=1))) == ["one(1)", "two(2)", "three(3)"]
        assert len(server.requests) == 3


async def test_the_command_says_if_there_is_no_other(tmp_path: Path) -> None:
    async with FakeCodestral(lambda _: "same") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = \n")
        answer = await run(client, "alternatives", URI, {"line": 0, "character": 4})
        assert (len(answer["items"]), answer["message"]) == (1, "There is no other suggestion here.")
        server.answer = lambda _: ""
        answer = await run(client, "alternatives", URI, {"line": 1, "character": 0})
        assert (answer["items"], answer["message"]) == ([], "Nothing to show: codestral had no suggestion here.")


async def test_the_command_says_what_failed(tmp_path: Path) -> None:
    async with FakeCodestral(by_seed) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = \n")
        await client.reply(client.ask(0, 4, kind=1))
        server.behaviour = Behaviour(status=429, headers={"Retry-After": "30"})
        for cause in "allows no more requests or tokens for now (429)", "is used up":
            answer = await run(client, "alternatives", URI, {"line": 0, "character": 4})
            assert len(answer["items"]) == 1
            assert answer["message"].startswith("There is no other suggestion for now, because ")
            assert cause in answer["message"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "fim-lsp.alternatives takes a document's URI and a position in it."),
        ([URI], "fim-lsp.alternatives takes a document's URI and a position in it."),
        ([URI, {"line": -1, "character": 0}], "fim-lsp.alternatives takes a document's URI and a position in it."),
        ([URI, {"line": "1", "character": 0}], "fim-lsp.alternatives takes a document's URI and a position in it."),
        ([7, {"line": 0, "character": 0}], "fim-lsp.alternatives takes a document's URI and a position in it."),
        (["file:///other.py", {"line": 0, "character": 0}], "This document is not open."),
    ],
)
async def test_arguments_of_the_command(tmp_path: Path, arguments: list[object], sentence: str) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"})
        client.open("x = \n")
        assert await run(client, "alternatives", *arguments) == {"items": [], "message": sentence}


async def test_cancelling_the_command_hangs_up(tmp_path: Path) -> None:
    async with FakeCodestral(by_seed) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = \n")
        await client.reply(client.ask(0, 4, kind=1))
        server.behaviour = Behaviour(gate=asyncio.Event())
        arguments = [URI, {"line": 0, "character": 4}]
        number = client.request("workspace/executeCommand", {"command": "fim-lsp.alternatives", "arguments": arguments})
        await server.until(lambda: len(server.requests) == 3)
        client.notify("$/cancelRequest", {"id": number})
        assert (await client.reply(number))["error"]["code"] == -32800
        await server.until(lambda: server.hangups == 2)
