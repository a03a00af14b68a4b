"""Settings of a running server: four sources, live changes, and what a project may not set."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import PULLS_SETTINGS, RawClient, texts, write_config
from tests.needs import link_to_endless_device, make_fifo


async def test_a_change_of_the_config_file_takes_effect_without_a_restart(tmp_path: Path) -> None:
    async with FakeCodestral() as server:
        base = f'backend = "codestral"\nbase_url = "{server.url}"\napi_key = "k"\ndebounce = 0\nfallback = []\n'
        write_config(tmp_path, base + 'model = "first"\n')
        async with RawClient(tmp_path) as client:
            await client.initialize()
            client.open("abc")
            await client.reply(client.ask(0, 3))
            write_config(tmp_path, base + 'model = "second-one"\ntemperature = 0.5\n')
            await client.reply(client.ask(0, 3))
            write_config(tmp_path, "model = \n")
            await client.reply(client.ask(0, 1))
            await client.until(lambda: len(client.messages()) == 1)
            assert "not valid TOML" in client.messages()[0]
    assert [(request.body["model"], request.body.get("temperature")) for request in server.requests[:2]] == [
        ("first", None),
        ("second-one", 0.5),
    ]


async def test_the_environment_overrides_the_file_and_the_editor_overrides_both(tmp_path: Path) -> None:
    async with FakeCodestral() as server:
        write_config(tmp_path, 'model = "file"\nmax_tokens = 1\nrandom_seed = 1\n')
        env = {"FIM_LSP_BASE_URL": server.url, "FIM_LSP_BACKEND": "codestral", "FIM_LSP_API_KEY": "k",
               "FIM_LSP_MAX_TOKENS": "2", "FIM_LSP_RANDOM_SEED": "2"}  # fmt: skip
        async with RawClient(tmp_path, env=env) as client:
            await client.initialize(options={"random_seed": 3, "debounce": 0})
            client.open("abc")
            await client.reply(client.ask(0, 3))
    body = server.requests[0].body
    assert (body["model"], body["max_tokens"], body["random_seed"]) == ("file", 2, 3)


async def test_the_workspace_may_tune_but_not_redirect(tmp_path: Path) -> None:
    async with FakeCodestral() as server, FakeCodestral() as thief, RawClient(tmp_path) as client:
        client.configuration = {
            "max_tokens": 9,
            "base_url": thief.url,
            "api_key_command": ["touch", str(tmp_path / "ran")],
        }
        project = tmp_path / "project"
        project.mkdir()
        (project / ".fim-lsp.toml").write_text(f'base_url = "{thief.url}"\ntop_p = 0.5\nexclude = ["*.gen.py"]\n')
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0}
        await client.initialize(options=options, root=project, capabilities=PULLS_SETTINGS)
        await client.until(lambda: len(client.messages()) >= 3)
        uri = (project / "a.py").as_uri()
        client.open("abc", uri=uri)
        await client.reply(client.ask(0, 3, uri=uri))
        generated = (project / "b.gen.py").as_uri()
        client.open("abc", uri=generated)
        assert texts(await client.reply(client.ask(0, 3, uri=generated))) == []
        told = client.messages()
    body = server.requests[0].body
    assert (body["max_tokens"], body["top_p"]) == (9, 0.5)
    assert len(server.requests) == 1
    assert thief.requests == []
    assert not (tmp_path / "ran").exists()
    assert len([message for message in told if "not taken from a project" in message]) == 3


async def test_pushed_settings(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0}
        await client.initialize(options=options)
        client.open("abc")
        for settings in ({"fim-lsp": {"max_tokens": 5}}, {"max_tokens": 6}, {}, {"max_tokens": -6}):
            client.notify("workspace/didChangeConfiguration", {"settings": settings})
            await client.reply(client.ask(0, 3))
        assert [request.body["max_tokens"] for request in server.requests] == [5, 6, 128]  # 128 again: from the cache
        assert [message for message in client.messages() if "-6" in message and "max_tokens" in message]


async def test_a_typo_is_reported_once(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram", "max_token": 5, "temperature": 7})
        client.notify("workspace/didChangeConfiguration", {"settings": {"top_p": 0.9}})
        client.open("abc")
        await client.reply(client.ask(0, 3))
        told = client.messages()
    assert len(told) == 2
    assert any('did you mean "max_tokens"' in message for message in told)
    assert any("temperature" in message and "7" in message and "1.5" in message for message in told)


async def test_a_push_without_settings_changes_nothing(tmp_path: Path) -> None:
    """vscode-languageclient sends ``{"fim-lsp": null}`` where nothing is set."""
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"})
        client.notify("workspace/didChangeConfiguration", {"settings": {"fim-lsp": None}})
        client.open("abc")
        await client.reply(client.ask(0, 3))
        assert client.messages() == []


@pytest.mark.parametrize("kind", ["zero", "fifo", "digits", "nested"])
async def test_no_project_stops_the_server(tmp_path: Path, kind: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in (".fim-lsp.toml", ".gitignore"):
        match kind:
            case "zero":
                link_to_endless_device(project / name)
            case "fifo":
                make_fifo(project / name)
            case "digits":
                (project / name).write_text("timeout = " + "1" * 5000)
            case _:
                (project / name).write_text("stop = " + "[" * 3000)
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0}
        await client.initialize(options=options, root=project)
        client.open("abc", uri=(project / "a.py").as_uri())
        answer = texts(await client.reply(client.ask(0, 3, uri=(project / "a.py").as_uri())))
        assert answer == []  # what a file of rules or settings restricts is unknown while it cannot be read
        (message,) = client.messages()
    assert ".fim-lsp.toml" in message


async def test_no_value_stops_the_server(tmp_path: Path) -> None:
    env = {"FIM_LSP_TIMEOUT": "9" * 400, "FIM_LSP_STOP": "[" * 5000}
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path, env=env) as client:
        huge = dict.fromkeys(("timeout", "temperature", "prompt_tokens", "requests_per_minute"), 10**400)
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0}
        await client.initialize(options={**options, **huge})
        client.open("abc")
        assert texts(await client.reply(client.ask(0, 3))) == ["x"]
        assert len(client.messages()) == 6


async def test_a_project_does_not_lift_the_quota(tmp_path: Path) -> None:
    (tmp_path / ".fim-lsp.toml").write_text("requests_per_minute = 0\n")
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": []}
        await client.initialize(options={**options, "requests_per_minute": 5}, root=tmp_path)
        client.open("\n" * 20)
        for line in range(20):
            await client.reply(client.ask(line, 0, kind=1))
        assert [message for message in client.messages() if "may only lower" in message]
    assert len(server.requests) <= 5


@pytest.mark.skipif(os.name != "posix", reason="passwd is POSIX")
async def test_a_server_without_a_home_serves(tmp_path: Path) -> None:
    """``docker run --user 12345``: no HOME, and no line in passwd; one sentence says what that means for the quota."""
    homeless = RawClient(tmp_path)
    homeless.env = {k: v for k, v in homeless.env.items() if k != "HOME" and not k.startswith("XDG_")}
    start = "import pwd; pwd.getpwuid = {}.__getitem__; from fim_lsp.cli.main import main; main([])"
    homeless.command = [sys.executable, "-c", start]
    async with FakeCodestral(lambda body: "x") as server, homeless as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "requests_per_minute": 100}
        await client.initialize(options=options)
        client.open("abc")
        assert texts(await client.reply(client.ask(0, 3))) == ["x"]
        assert len(client.messages()) == 1


async def test_the_menu_is_advertised_only_where_it_is_wanted(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        result = await client.initialize(options={"backend": "ngram"})
        assert "completionProvider" not in result["capabilities"]
    async with RawClient(tmp_path) as client:
        result = await client.initialize(options={"backend": "ngram", "menu": "always"})
        assert "completionProvider" in result["capabilities"]
    async with RawClient(tmp_path) as client:
        result = await client.initialize(options={"backend": "ngram", "menu": "never"}, capabilities={})
        assert "completionProvider" not in result["capabilities"]
