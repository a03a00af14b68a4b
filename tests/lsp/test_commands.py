"""The commands over the wire: what they answer and show, what they do to suggestions, and arguments of all kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.lsp.raw_client import RawClient, texts, write_config

OFF = "Suggestions are off in this editor until you turn them on again."
ON = "Suggestions are on."


async def run(client: RawClient, name: str, *arguments: object) -> Any:
    """The result of a command."""
    command = {"command": f"fim-lsp.{name}", "arguments": list(arguments)}
    return (await client.reply(client.request("workspace/executeCommand", command)))["result"]


def settings(server: FakeCodestral, **more: object) -> dict[str, object]:
    return {
        "backend": "codestral",
        "base_url": server.url,
        "api_key": "k-123",
        "debounce": 0,
        "fallback": [],
        **more,
    }


async def test_the_editor_is_turned_off_and_on(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        capabilities = (await client.initialize(options=settings(server)))["capabilities"]
        names = {f"fim-lsp.{name}" for name in ("toggle", "toggleLanguage", "snooze", "clearCache", "restart")}
        assert names <= set(capabilities["executeCommandProvider"]["commands"])
        client.open("x = ")
        assert (await run(client, "toggle"))["message"] == OFF
        assert client.messages() == [f"fim-lsp: {OFF}"]
        assert texts(await client.reply(client.ask(0, 4))) == []
        assert server.requests == []
        assert texts(await client.reply(client.ask(0, 4, kind=1))) == ["return a + b"]
        answer = await run(client, "toggle", {"quiet": True})
        assert answer["message"] == ON
        assert {"state", "reason", "backend", "model", "host"} <= answer["status"].keys()
        assert len(client.messages()) == 1
        assert texts(await client.reply(client.ask(0, 4))) == ["return a + b"]


async def test_what_a_command_turned_off_survives_a_change_of_the_settings(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = ")
        await run(client, "toggleLanguage", "python")
        client.notify("workspace/didChangeConfiguration", {"settings": {"fim-lsp": {"max_tokens": 17}}})
        assert texts(await client.reply(client.ask(0, 4))) == []
        await run(client, "toggleLanguage", "python", True)
        assert texts(await client.reply(client.ask(0, 4))) == ["return a + b"]
        assert [request.body["max_tokens"] for request in server.requests] == [17]


async def test_a_project_turns_off_what_no_command_turns_on(tmp_path: Path) -> None:
    write_config(tmp_path, "languages = { markdown = false }\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / ".fim-lsp.toml").write_text('trigger = "manual"\nlanguages = { python = false, markdown = true }\n')
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), root=project)
        for name, language in ("a.py", "python"), ("b.md", "markdown"), ("c.rs", "rust"):
            client.open("x = ", uri=(project / name).as_uri(), language=language)
            assert texts(await client.reply(client.ask(0, 4, uri=(project / name).as_uri()))) == []
        assert "as this project's settings say" in (await run(client, "toggle", True))["message"]
        assert "as this project's settings say" in (await run(client, "toggleLanguage", "python", True))["message"]
        assert "ask for one, as this project's" in (await run(client, "toggleLanguage", "markdown", True))["message"]
        for name in ("a.py", "b.md", "c.rs"):
            assert texts(await client.reply(client.ask(0, 4, uri=(project / name).as_uri()))) == []
        assert server.requests == []
        assert texts(await client.reply(client.ask(0, 4, uri=(project / "a.py").as_uri(), kind=1))) != []


async def test_manual_in_the_users_settings_makes_no_call_and_no_other_preparation(tmp_path: Path) -> None:
    write_config(tmp_path, 'trigger = "manual"\n')
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = ")
        assert texts(await client.reply(client.ask(0, 4))) == []
        assert server.requests == []
        assert "as you type, until this session ends" in (await run(client, "toggle"))["message"]
        assert texts(await client.reply(client.ask(0, 4))) == ["return a + b"]


async def test_an_excluded_file_is_not_turned_on(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("KEY=", uri="file:///workspace/.env", language="dotenv")
        await run(client, "toggle", True)
        await run(client, "toggleLanguage", "dotenv", True)
        assert texts(await client.reply(client.ask(0, 4, uri="file:///workspace/.env", kind=1))) == []
        assert server.requests == []


async def test_clearing_the_cache_makes_the_next_request_a_call(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("x = ")
        for _ in range(2):
            assert texts(await client.reply(client.ask(0, 4))) == ["return a + b"]
        assert len(server.requests) == 1
        assert "forgotten" in (await run(client, "clearCache"))["message"]
        assert texts(await client.reply(client.ask(0, 4))) == ["return a + b"]
        assert len(server.requests) == 2


async def test_a_restart_after_a_failure(tmp_path: Path) -> None:
    """A refused key is asked for again only every few minutes, and reported once. A restart does both at once."""
    key = tmp_path / "key"
    key.write_text("wrong")
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        refused = Behaviour(status=401, raw=b'{"detail": "Unauthorized"}')
        server.behaviour = refused
        options = settings(server, api_key_command=["cat", str(key)])
        del options["api_key"]
        await client.initialize(options=options)
        client.open("x = ")
        for _ in range(3):
            assert texts(await client.reply(client.ask(0, 4))) == []
        reported, asked = len(client.messages()), len(server.requests)
        assert reported == 1
        answer = await run(client, "restart", {"quiet": True})
        assert (
            answer["message"]
            == "The next suggestion comes over a new connection to codestral, with its key read again."
        )
        assert texts(await client.reply(client.ask(0, 4))) == []
        assert len(client.messages()) == 2
        assert len(server.requests) > asked
        key.write_text("right")
        server.behaviour = Behaviour()
        await run(client, "restart", {"quiet": True})
        assert texts(await client.reply(client.ask(0, 4))) == ["return a + b"]
        assert server.requests[-1].headers["authorization"] == "Bearer right"
        assert server.requests[-1].connection != server.requests[0].connection


async def test_restarting_the_embedded_model_has_no_effect(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"})
        assert (await run(client, "restart"))["message"].startswith("There is nothing to restart")


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("toggle", ["off"], "fim-lsp.toggle takes no argument, or true or false"),
        ("toggle", [True, False], "fim-lsp.toggle takes no argument, or true or false"),
        ("toggleLanguage", [], "fim-lsp.toggleLanguage takes a language id"),
        ("toggleLanguage", [""], "fim-lsp.toggleLanguage takes a language id"),
        ("toggleLanguage", [7], "fim-lsp.toggleLanguage takes a language id"),
        ("toggleLanguage", ["python", "on"], "fim-lsp.toggleLanguage takes a language id"),
        ("snooze", [], "fim-lsp.snooze takes a number of minutes from 0 to 720"),
        ("snooze", [-1], "fim-lsp.snooze takes a number of minutes from 0 to 720"),
        ("snooze", [True], "fim-lsp.snooze takes a number of minutes from 0 to 720"),
        ("snooze", ["5x"], "fim-lsp.snooze takes a number of minutes from 0 to 720"),
        ("snooze", ["721"], "fim-lsp.snooze takes a number of minutes from 0 to 720"),
        ("snooze", ["5"], "Snoozed until "),
        ("snooze", [1e9], "fim-lsp.snooze takes a number of minutes from 0 to 720"),
        ("clearCache", [1], "fim-lsp.clearCache takes no argument"),
        ("restart", [[]], "fim-lsp.restart takes no argument"),
        ("toggle", [None], OFF),
        ("toggle", [False, {"quiet": False}], OFF),
        ("snooze", [0, {}], ON),
        ("snooze", [0.5], "Snoozed until "),
    ],
)
async def test_arguments(tmp_path: Path, name: str, arguments: list[object], sentence: str) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"})
        answer = await run(client, name, *arguments)
        assert answer["message"].startswith(sentence)
        assert client.messages() == [f"fim-lsp: {answer['message']}"]
