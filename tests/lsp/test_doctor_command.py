"""``fim-lsp.doctor``: the same checks in a running server, with what only it knows, while other requests are answered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import jsonschema

from tests.cli.test_doctor import SCHEMA
from tests.fakes.api_host import KEY, ApiHost
from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.fakes.http import FakeServer, Reply
from tests.lsp.raw_client import NGRAM, PULLS_SETTINGS, SOURCE, RawClient, assert_completes

COMMAND = "fim-lsp.doctor"


def start(client: RawClient, *arguments: object) -> int:
    return client.request("workspace/executeCommand", {"command": COMMAND, "arguments": list(arguments)})


async def doctor(client: RawClient, **options: object) -> dict[str, Any]:
    result: dict[str, Any] = (await client.reply(start(client, {"quiet": True, **options})))["result"]
    jsonschema.validate(result, SCHEMA)
    return result


def checks_of(result: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in reversed(result["checks"])}


async def test_the_command_is_advertised_and_examines_the_running_back_end(tmp_path: Path) -> None:
    async with FakeServer(ApiHost()) as server, RawClient(tmp_path) as client:
        options = {"backend": "mistral", "base_url": server.url, "api_key": KEY, "debounce": 0}
        capabilities = await client.initialize(options=options, root=tmp_path)
        assert COMMAND in capabilities["capabilities"]["executeCommandProvider"]["commands"]
        result = await doctor(client)
        assert result["ok"] is True
        checks = checks_of(result)
        assert checks["settings"]["message"].startswith('initializationOptions: backend = "mistral"')
        assert checks["back end"]["message"] == f"mistral at 127.0.0.1:{server.port} (the setting backend)"
        assert checks["key"]["message"] == f"from the setting api_key, for 127.0.0.1:{server.port} only; accepted"
        assert checks["completion"]["state"] == "ok"
        assert checks["now"]["state"] == "ok"
        assert checks["index"]["state"] in ("ok", "info")
        assert client.messages() == []
        assert KEY not in str(result)


async def test_no_completion_and_no_contact_if_the_editor_says_so(tmp_path: Path) -> None:
    async with FakeServer(ApiHost()) as server, RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "mistral", "base_url": server.url, "api_key": KEY})
        assert checks_of(await doctor(client, call=False))["completion"]["state"] == "info"
        assert {request.method for request in server.requests} == {"GET"}


async def test_other_requests_are_answered_meanwhile_and_runs_follow_each_other(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeCodestral(behaviour=Behaviour(gate=gate)) as server, RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": KEY}
        await client.initialize(options={**options, "local_only": ["*.py"]})
        client.open(SOURCE)
        server.next.append(Behaviour())  # for the request that shows that the host is reached
        first, second = start(client, {"quiet": True}), start(client, {"quiet": True})
        await server.until(lambda: len(server.requests) >= 2)
        await assert_completes(client)
        gate.set()
        for number in (first, second):
            jsonschema.validate((await client.reply(number))["result"], SCHEMA)
    with_key = ["authorization" in request.headers for request in server.requests]
    assert with_key.index(False, 1) > with_key.index(True)  # the second run has waited for the first


async def test_what_only_a_running_server_knows(tmp_path: Path) -> None:
    """A pause after a 429, a snooze, and a settings file that was damaged while the server ran."""
    refusal = Reply(status=429, body={"message": "Requests rate limit exceeded"}, headers={"retry-after": "300"})
    async with FakeServer(ApiHost(models=None, refusal=refusal)) as server, RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "mistral", "base_url": server.url, "api_key": KEY, "debounce": 0})
        client.open(SOURCE)
        await client.reply(client.ask(41, 19, kind=1))
        checks = checks_of(await doctor(client))
        assert checks["now"]["state"] == "warning"
        assert "limited" in checks["now"]["message"]
        assert "none is made until" in checks["paused"]["message"]
        assert "fim-lsp.restart" in checks["paused"]["remedy"]
        assert "full until" in checks["completion"]["message"]
        await client.reply(client.request("workspace/executeCommand", {"command": "fim-lsp.snooze", "arguments": [5]}))
        snoozed = checks_of(await doctor(client))["now"]
        assert snoozed["message"].startswith("snoozed until")
        assert "fim-lsp.snooze" in snoozed["remedy"]


async def test_damaged_settings_send_nothing(tmp_path: Path) -> None:
    async with FakeServer(ApiHost()) as server, RawClient(tmp_path) as client:
        options = {"backend": "mistral", "base_url": server.url, "api_key": KEY, "exclude": 5}
        await client.initialize(options=options)
        result = await doctor(client)
        assert result["ok"] is False
        settings = [check["message"] for check in result["checks"] if check["name"] == "settings"]
        assert "nothing leaves this machine" in settings[-1]
        assert not any("all are defaults" in message for message in settings)
        assert server.connections == 0


async def test_the_settings_of_the_workspace_are_waited_for(tmp_path: Path) -> None:
    """They may restrict, and the editor has not sent them yet when the command comes."""
    async with FakeServer(ApiHost()) as server, RawClient(tmp_path) as client:
        client.configuration = {"exclude": 5}
        options = {"backend": "mistral", "base_url": server.url, "api_key": KEY}
        await client.initialize(options=options, capabilities=PULLS_SETTINGS)
        assert (await doctor(client))["ok"] is False
        assert server.connections == 0


async def test_the_server_ends_in_the_middle_of_a_run(tmp_path: Path) -> None:
    async with FakeCodestral(behaviour=Behaviour(gate=asyncio.Event())) as server, RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "codestral", "base_url": server.url, "api_key": KEY})
        start(client, {"quiet": True})
        await server.until(lambda: len(server.requests) == 1)
        await client.reply(client.request("shutdown", None))
        client.notify("exit", None)
        assert await client.exit_code() == 0
    assert "Traceback" not in client.log


async def test_a_document_is_judged_by_its_file(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("secret/\n")
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM, root=tmp_path)
        uri = (tmp_path / "secret" / "a.py").as_uri()
        client.open("x = 1\n", uri=uri)
        check = checks_of(await doctor(client, uri=uri))["file"]
        assert check["state"] == "warning"
        assert f'the rule "secret/" in line 1 of {tmp_path}/.gitignore' in check["message"]
        unsaved = "untitled:.env"
        client.open("x = 1\n", uri=unsaved)
        assert "built-in list" in checks_of(await doctor(client, uri=unsaved))["file"]["message"]


async def test_failures_are_shown_unless_quiet(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "codestral", "base_url": "http://127.0.0.1:9", "api_key": KEY})
        await client.reply(start(client))
        await client.until(lambda: len(client.messages()) > 0)
        shown = client.messages()[-1]
    assert shown.startswith("fim-lsp doctor: 1 error")
    assert "nothing listens there → start the server" in shown
