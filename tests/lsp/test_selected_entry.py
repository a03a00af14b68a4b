"""Beside an entry that is highlighted in the editor's menu, only what continues it is shown, and no call is made for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import URI, RawClient, texts

LINE = "é = os.pa"


def entry(text: str, start: int = 7) -> dict[str, Any]:
    return {
        "range": {"start": {"line": 0, "character": start}, "end": {"line": 0, "character": len(LINE)}},
        "text": text,
    }


async def answered(client: RawClient, selected: object = None) -> dict[str, Any]:
    context = {"triggerKind": 2} | ({"selectedCompletionInfo": selected} if selected is not None else {})
    place = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": len(LINE)}}
    reply: dict[str, Any] = await client.reply(
        client.request("textDocument/inlineCompletion", {**place, "context": context})
    )
    return reply


async def begin(client: RawClient, server: FakeCodestral) -> None:
    await client.initialize(
        options={"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": []}
    )
    client.open(f"{LINE}\n")


@pytest.mark.parametrize(
    ("selected", "is_shown"),
    [
        (entry("path"), True),
        (entry("path.join(a, b)"), True),
        (entry("pardir"), False),
        (entry("Path"), False),
        (entry("os.path", 4), True),
        ({**entry("path"), "range": [{"line": 0, "character": 7}, {"line": 0, "character": 9}]}, True),
        ({**entry("pardir"), "range": [{"line": 0, "character": 7}, {"line": 0, "character": 9}]}, False),
        ({**entry("path"), "range": [1, 2]}, True),
        (
            {**entry("pardir"), "range": {"start": {"line": 9, "character": 7}, "end": {"line": 9, "character": 7}}},
            True,
        ),
        ({"text": "pardir"}, True),
        ("pardir", True),
        ([], True),
    ],
)
async def test_only_what_continues_the_entry_is_shown(tmp_path: Path, selected: object, *, is_shown: bool) -> None:
    async with FakeCodestral(lambda body: "th.join(a, b)") as server, RawClient(tmp_path) as client:
        await begin(client, server)
        assert texts(await answered(client, selected)) == (["th.join(a, b)"] if is_shown else [])
        assert len(server.requests) == 1


async def test_what_is_not_shown_is_not_counted_and_is_there_when_the_menu_closes(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "th.join(a, b)") as server, RawClient(tmp_path) as client:
        await begin(client, server)
        assert texts(await answered(client, entry("pardir"))) == []
        reply = await client.reply(client.request("workspace/executeCommand", {"command": "fim-lsp.why"}))
        assert any("does not continue the entry" in line for line in reply["result"])
        items = (await answered(client))["result"]["items"]
        assert [item["insertText"] for item in items] == ["th.join(a, b)"]
        assert items[0]["command"]["arguments"] == [1]
        assert len(server.requests) == 1
