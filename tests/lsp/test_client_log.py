"""What the editor's own log and trace get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.lsp.raw_client import RawClient

SECRET = "secret_text"
INFO, WARNING = 3, 2


def settings(server: FakeCodestral, **more: object) -> dict[str, object]:
    return {"backend": "codestral", "base_url": server.url, "api_key": "k-secret", "debounce": 0, **more}


def sent(client: RawClient, method: str) -> list[dict[str, Any]]:
    return [note["params"] for note in client.notes if note["method"] == method]


async def type_keys(client: RawClient, text: str, first_column: int = 0) -> None:
    for column, key in enumerate(text, first_column):
        client.insert(0, column, key, version=column + 2)
        await client.reply(client.ask(0, column + 1))


async def test_the_log_tells_the_start_and_what_changes_but_not_keys(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: SECRET) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, top_p=7))
        client.open("")
        await type_keys(client, "x = y")
        server.behaviour = Behaviour(status=503)
        await type_keys(client, "qqqq", 5)
        await client.reply(client.ask(0, 9, kind=1))
        server.behaviour = Behaviour()
        await client.reply(client.ask(0, 9, kind=1))
        logged = sent(client, "window/logMessage")
    start, failure, recovery = logged
    assert start["type"] == INFO
    assert start["message"].startswith("fim-lsp ")
    assert "settings from initializationOptions: idle (codestral · codestral-latest · " in start["message"]
    assert failure["type"] == WARNING
    assert failure["message"].startswith("failing (codestral · ")
    assert recovery["message"].startswith("idle (codestral · ")
    assert SECRET not in str(logged)
    assert "k-secret" not in str(logged)


@pytest.mark.parametrize(("editor", "copies"), [("Neovim", 1), ("Eglot", 0)])
async def test_what_is_shown_is_logged_where_the_editor_does_not_do_so_itself(
    tmp_path: Path, editor: str, copies: int
) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"}, clientInfo={"name": editor})
        client.notify("workspace/didChangeConfiguration", {"settings": {"fim-lsp": {"top_p": 7}}})
        await client.until(lambda: bool(client.messages()))
        await client.reply(client.request("workspace/executeCommand", {"command": "fim-lsp.why"}))
        logged = [params for params in sent(client, "window/logMessage") if "top_p" in params["message"]]
    assert [params["type"] for params in logged] == [WARNING] * copies


async def test_each_request_is_traced_if_the_editor_asks_for_that(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: SECRET) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("a = \n")
        await client.reply(client.ask(0, 4))
        for value in ("messages", "verbose", "off"):
            client.notify("$/setTrace", {"value": value})
            await client.reply(client.ask(0, 4, kind=1))
        await client.reply(client.ask(0, 4))
        brief, detailed = sent(client, "$/logTrace")
    assert brief == {"message": "request 2 at demo.py:1:5 (asked for): from the cache (codestral), 1 line"}
    assert detailed["verbose"] == f"shown: 1 line, {len(SECRET)} characters"
    assert SECRET not in str(brief) + str(detailed)


async def test_a_trace_may_be_asked_for_at_the_start(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"}, trace="messages")
        client.open("KEY=1\n", uri="file:///w/.env")
        await client.reply(client.ask(0, 2, uri="file:///w/.env"))
        [traced] = sent(client, "$/logTrace")
    assert "excluded" in traced["message"]
