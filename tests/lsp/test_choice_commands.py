"""The commands that choose a model or a trigger for one session, and the numbers that a status line may show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.api_host import CODESTRAL, KEY, LARGE, ApiHost
from tests.fakes.codestral import FakeCodestral
from tests.fakes.http import FakeServer, Request
from tests.lsp.raw_client import RawClient, texts, write_config
from tests.lsp.shared_process import shared_server

UNTIL = "until this session ends; then your settings apply again."
ON_REQUEST = f"Suggestions appear only when you ask for one, {UNTIL}"
BUSINESS = {**CODESTRAL, "id": "codestral-business", "aliases": []}


async def run(client: RawClient, name: str, *arguments: object) -> Any:
    """The result of a command."""
    command = {"command": f"fim-lsp.{name}", "arguments": [*arguments, {"quiet": True}]}
    return (await client.reply(client.request("workspace/executeCommand", command)))["result"]


def settings(server: FakeServer | FakeCodestral, **more: object) -> dict[str, object]:
    return {"backend": "codestral", "base_url": server.url, "api_key": KEY, "debounce": 0, "fallback": [], **more}


def asked_for(requests: list[Request]) -> list[str]:
    """The models of the completions."""
    return [request.body["model"] for request in requests if request.method == "POST"]


async def test_another_model_for_this_session(tmp_path: Path) -> None:
    async with FakeServer(ApiHost(models=[CODESTRAL, BUSINESS, LARGE])) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), capabilities={"experimental": {"fimLspStatus": True}})
        host = server.url.removeprefix("http://")
        told = await run(client, "model")
        able = ["codestral-2508", "codestral-latest", "codestral-business"]
        assert (told["model"], told["models"]) == ("codestral-latest", able)
        assert told["message"] == f"codestral-latest on {host} is used. It offers {', '.join(able)}."
        client.open("x = ")
        assert texts(await client.reply(client.ask(0, 4, kind=1)))
        chosen = await run(client, "model", "codestral-business")
        assert chosen["message"] == f"codestral-business on {host} is used, {UNTIL}"
        assert (chosen["model"], chosen["status"]["model"]) == ("codestral-business", "codestral-business")
        assert texts(await client.reply(client.ask(0, 4, kind=1)))  # asked again, as the cache is another model's
        client.notify("workspace/didChangeConfiguration", {"settings": {"fim-lsp": {"max_tokens": 17}}})
        await run(client, "restart")
        assert (await run(client, "model"))["model"] == "codestral-business"
        back = await run(client, "model", None)
        assert (back["message"], back["model"]) == (f"codestral-latest on {host} is used.", "codestral-latest")
        assert texts(await client.reply(client.ask(0, 4, kind=1)))
        states = [note["params"]["model"] for note in client.notes if note["method"] == "fim-lsp/status"]
    assert asked_for(server.requests) == ["codestral-latest", "codestral-business", "codestral-latest"]
    assert "codestral-business" in states


async def test_a_model_that_the_host_does_not_have_changes_nothing(tmp_path: Path) -> None:
    async with FakeServer(ApiHost()) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, model="codestral-2508"))
        host = server.url.removeprefix("http://")
        for name in ("mistral-large-2411", "gone"):
            refused = await run(client, "model", name)
            assert refused["message"] == (
                f"{host} has no model {name} that can fill in, so codestral-2508 stays. "
                "It offers codestral-2508, codestral-latest."
            )
            assert refused["model"] == "codestral-2508"
        for wrong in ([7], [""], ["x" * 300], ["a", "b"]):
            assert (await run(client, "model", *wrong))["message"].startswith("fim-lsp.model takes a model's id, null")
        told = await run(client, "model", None)
        assert told["message"] == f"codestral-2508 on {host} is used, as your settings say."


async def test_without_a_list_any_model_is_tried(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = ")
        chosen = await run(client, "model", "codestral-3000")
        assert (chosen["model"], chosen["models"]) == ("codestral-3000", [])
        assert texts(await client.reply(client.ask(0, 4))) == ["return a + b"]
        client.notify("workspace/didChangeConfiguration", {"settings": {"fim-lsp": {"model": "codestral-2"}}})
        assert (await run(client, "model"))["model"] == "codestral-3000"
    assert asked_for(server.requests) == ["codestral-3000"]


async def test_the_embedded_model_is_the_only_one(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"})
        for arguments in ([], ["x"], [None]):
            told = await run(client, "model", *arguments)
            assert told["message"] == "Suggestions are made inside fim-lsp (ngram), which has no other model."
            assert told["models"] == []


async def test_suggestions_only_when_asked_for(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = ")
        told = await run(client, "trigger")
        assert (told["message"], told["trigger"]) == (ON_REQUEST, "manual")
        assert texts(await client.reply(client.ask(0, 4))) == []
        why = await run(client, "why", {"quiet": True, "uri": "file:///workspace/demo.py"})
        assert why[0] == (
            "Suggestions appear only when you ask for one in this session; the command fim-lsp.trigger changes that."
        )
        assert texts(await client.reply(client.ask(0, 4, kind=1))) == ["return a + b"]
        await run(client, "toggle", False)
        told = await run(client, "trigger", "manual")
        assert told["message"] == (
            f"{ON_REQUEST.removesuffix('.')}, but for now: suggestions are off in this editor until you turn them on again."
        )
        for arguments, sentence in (
            ([], "but for now"),
            (["manual"], "but for now"),
            ([None], "but for now"),
            (["often"], 'fim-lsp.trigger takes "auto", "manual", null for the setting, or no argument'),
        ):
            assert sentence in (await run(client, "trigger", *arguments))["message"]
        assert (await run(client, "toggle", True))["message"] == "Suggestions are on."
        assert texts(await client.reply(client.ask(0, 4))) == ["return a + b"]


async def test_the_users_editor_may_choose_what_the_users_settings_do_not(tmp_path: Path) -> None:
    write_config(tmp_path, 'trigger = "manual"\n')
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"})
        told = await run(client, "trigger", "auto")
        assert (told["message"], told["trigger"]) == (f"Suggestions appear as you type, {UNTIL}", "auto")
        assert (await run(client, "trigger", None))["trigger"] == "manual"


async def test_no_choice_overrides_a_project(tmp_path: Path) -> None:
    (tmp_path / ".fim-lsp.toml").write_text('trigger = "manual"\n')
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"}, root=tmp_path)
        told = await run(client, "trigger", "auto")
        assert "only when you ask for one, as this project's settings say" in told["message"]
        assert told["trigger"] == "manual"


async def test_a_client_on_tcp_turns_nothing_on_that_the_servers_user_has_turned_off(tmp_path: Path) -> None:
    write_config(tmp_path, 'backend = "ngram"\ntrigger = "manual"\nlanguages = { python = false }\n')
    async with shared_server(tmp_path, "--tcp", "127.0.0.1:0") as server, server.connect() as client:
        await client.initialize(options={"token": server.token})
        for name, arguments in (("trigger", ["auto"]), ("toggle", [True]), ("toggleLanguage", ["python", True])):
            assert "as this server's settings say" in (await run(client, name, *arguments))["message"]
        assert (await run(client, "trigger", "auto"))["trigger"] == "manual"


@pytest.mark.parametrize("stats", [True, False])
async def test_todays_numbers_for_a_status_line(tmp_path: Path, stats: bool) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, stats=stats, limits_store="process"))
        command = {"command": "fim-lsp.status", "arguments": [{"quiet": True, "usage": True}]}

        async def usage() -> Any:
            return (await client.reply(client.request("workspace/executeCommand", command)))["result"]["usage"]

        assert await usage() == {"latency": None, "tokens": 0, "calls": 0, "accepted": 0}
        client.open("x = ")
        reply = await client.reply(client.ask(0, 4))
        accept = reply["result"]["items"][0]["command"]
        await client.reply(client.request("workspace/executeCommand", accept))
        while (found := await usage())["calls"] == 0:  # the call ends after its answer
            pass
        tokens = [request.body for request in server.requests]
        assert len(tokens) == 1
        assert (found["calls"], found["accepted"]) == (1, 1)
        assert found["tokens"] > 0
        assert found["latency"] >= 0
        plain = await run(client, "status")
        assert "usage" not in plain
