"""Editors report over the wire what the user took; what was counted is in the file for ``fim-lsp stats``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fim_lsp.stats.counts import SuggestionCounts
from fim_lsp.stats.recorder import FILE_NAME
from fim_lsp.stats.store import StatsStore
from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import RawClient

MENU: dict[str, Any] = {"general": {"positionEncodings": ["utf-16"]}}


def settings(server: FakeCodestral) -> dict[str, object]:
    return {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": []}


async def execute(client: RawClient, command: str, *arguments: object) -> dict[str, Any]:
    """The reply to a command."""
    params = {"command": command, "arguments": list(arguments)}
    return await client.reply(client.request("workspace/executeCommand", params))


async def counted(client: RawClient, home: Path) -> SuggestionCounts:
    """End the server; what it has counted."""
    await client.reply(client.request("shutdown", None))
    client.notify("exit", None)
    assert await client.exit_code() == 0
    with StatsStore(home / "state" / "fim-lsp" / FILE_NAME).reading() as db:
        assert db is not None
        columns = ("shown", "accepted", "accepted_characters", "whole", "words", "typed", "dismissed")
        row = db.execute(f"SELECT {', '.join(f'SUM({column})' for column in columns)} FROM suggestions").fetchone()  # noqa: S608
    return SuggestionCounts(**dict(zip(columns, row, strict=True)))


async def test_each_item_has_its_number_and_is_counted_once(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "compute(a)") as server, RawClient(tmp_path) as client:
        capabilities = (await client.initialize(options=settings(server)))["capabilities"]
        assert {"fim-lsp.accepted", "fim-lsp.acceptedPart"} <= set(capabilities["executeCommandProvider"]["commands"])
        client.open("x = \n")
        [item] = (await client.reply(client.ask(0, 4)))["result"]["items"]
        assert item["command"] == {"title": "Accepted", "command": "fim-lsp.accepted", "arguments": [1]}
        client.insert(0, 4, "c")
        [item] = (await client.reply(client.ask(0, 5)))["result"]["items"]
        assert (item["insertText"], item["command"]["arguments"]) == ("ompute(a)", [1])
        client.insert(0, 5, "ompute")
        assert (await execute(client, "fim-lsp.acceptedPart", 1, 6))["result"] is None
        assert (await execute(client, "fim-lsp.accepted", 1))["result"] is None
        client.insert(0, 11, "(a)")
        assert (await execute(client, "fim-lsp.accepted", 1))["result"] is None
        counts = await counted(client, tmp_path)
        assert client.messages() == []
    assert counts == SuggestionCounts(shown=1, accepted=1, accepted_characters=9, words=1, whole=1)


NONSENSE: list[list[object]] = [
    [], [2], [0], [-1], [10**40], [True], [None], ["1"], [1.5], [[1]], [{"quiet": True}], [{"number": 1}, 1],
]  # fmt: skip


@pytest.mark.parametrize("command", ["fim-lsp.accepted", "fim-lsp.acceptedPart"])
async def test_other_arguments_are_ignored_quietly(tmp_path: Path, command: str) -> None:
    async with FakeCodestral(lambda body: "compute(a)") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        assert (await execute(client, command, 1))["result"] is None
        client.open("x = \n")
        await client.reply(client.ask(0, 4))
        for arguments in NONSENSE:
            reply = await execute(client, command, *arguments)
            assert reply.get("result", reply) is None, reply
        if command == "fim-lsp.acceptedPart":
            for units in ([0], [-5], ["3"], [None], []):
                assert (await execute(client, command, 1, *units))["result"] is None
        counts = await counted(client, tmp_path)
        assert client.messages() == []
    assert counts == SuggestionCounts(shown=1, dismissed=1)


async def test_menu_items_report_the_whole_or_the_first_line(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "f('😀',\n    1)\n") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), capabilities=MENU)
        client.open("x = \n")
        params = {"textDocument": {"uri": "file:///workspace/demo.py"}, "position": {"line": 0, "character": 4}}
        number = client.request("textDocument/completion", params)
        items = (await client.reply(number))["result"]["items"]
        commands = [(item["command"]["command"], item["command"]["arguments"]) for item in items]
        assert commands == [("fim-lsp.accepted", [1]), ("fim-lsp.acceptedPart", [1, 7])]
