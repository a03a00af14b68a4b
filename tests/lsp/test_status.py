"""The status of the server, and the reasons why no suggestion appeared."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from fim_lsp.lsp.status import status, why
from fim_lsp.session.explanation import Explanation
from fim_lsp.session.status_tracker import Status, StatusState
from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.lsp.raw_client import URI, RawClient


def settings(server: FakeCodestral, **more: object) -> dict[str, object]:
    return {"backend": "codestral", "base_url": server.url, "api_key": "secret-key", "debounce": 0, **more}


def states(client: RawClient) -> list[dict[str, Any]]:
    return [note["params"] for note in client.notes if note["method"] == "fim-lsp/status"]


async def command(client: RawClient, name: str, *arguments: object) -> Any:
    return (
        await client.reply(client.request("workspace/executeCommand", {"command": name, "arguments": list(arguments)}))
    )["result"]


async def test_a_client_that_asks_for_the_status_gets_each_state(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), capabilities={"experimental": {"fimLspStatus": True}})
        client.open("a = \n")
        gate = asyncio.Event()
        server.behaviour = Behaviour(gate=gate)
        number = client.ask(0, 4)
        await client.until(lambda: "calling" in [state["state"] for state in states(client)])
        gate.set()
        await client.reply(number)
        server.behaviour = Behaviour(status=503)
        client.open("b = \n")
        await client.reply(client.ask(0, 4, kind=1))
        server.behaviour = Behaviour(status=429, headers={"retry-after": "300"})
        client.open("c = \n")
        await client.reply(client.ask(0, 4, kind=1))
    seen = states(client)
    assert [state["state"] for state in seen[:3]] == ["idle", "calling", "idle"]
    lasting = [
        state for state in seen if state["state"] not in ("calling", "waiting")
    ]  # on a busy machine there are more
    failing, limited = lasting[-2:]
    assert [failing["state"], limited["state"]] == ["failing", "limited"]
    assert {state["reason"] for state in lasting[:-2]} == {""}
    assert seen[0]["host"] == server.url.removeprefix("http://")
    assert "meanwhile suggestions come from your own files (ngram)" in failing["reason"]
    assert {state["until"] for state in lasting[:-1]} == {None}
    assert 0 < limited["until"] - time.time() < 302
    assert "secret-key" not in str(states(client))


async def test_a_refused_key_is_known_from_other_failures(tmp_path: Path) -> None:
    """So that an editor can offer to set one."""
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(
            options=settings(server, fallback=[]), capabilities={"experimental": {"fimLspStatus": True}}
        )
        client.open("a = \n")
        server.behaviour = Behaviour(status=401, raw=b'{"detail":"Unauthorized"}')
        await client.reply(client.ask(0, 4, kind=1))
        refused = await command(client, "fim-lsp.status", {"quiet": True})
        server.behaviour = Behaviour(status=503)
        await command(client, "fim-lsp.restart")
        await client.reply(client.ask(0, 4, kind=1))
        unavailable = await command(client, "fim-lsp.status", {"quiet": True})
    assert (refused["state"], refused["needsKey"]) == ("failing", True)
    assert unavailable["state"] == "failing"
    assert "needsKey" not in unavailable
    assert [state for state in states(client) if state.get("needsKey")]


async def test_typing_is_no_news(tmp_path: Path) -> None:
    """Answers, what remains of them as they are typed, and empty ones."""

    def answer(body: dict[str, Any]) -> str:
        return "alpha(beta)" if body["prompt"].endswith("=") else ""

    async with FakeCodestral(answer) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), capabilities={"experimental": {"fimLspStatus": True}})
        client.open("")
        for column, key in enumerate("x=alpha(beta)y=qqqq" * 10):
            client.insert(0, column, key, version=column + 2)
            await client.reply(client.ask(0, column + 1))
    assert len(server.requests) > 3  # empty answers hold for a while
    shown = [state["state"] for state in states(client)]
    assert set(shown) <= {"idle", "calling", "waiting"}
    assert len(shown) < 20  # one, but for answers that take half a second on a busy machine


async def test_other_clients_get_no_status(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("a = \n")
        await client.reply(client.ask(0, 4))
    assert states(client) == []


async def test_why_explains_the_latest_requests(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "hidden_text") as server, RawClient(tmp_path) as client:
        reply = await client.initialize(options=settings(server))
        assert {"fim-lsp.why", "fim-lsp.status"} <= set(reply["capabilities"]["executeCommandProvider"]["commands"])
        client.open("a = \n")
        await client.reply(client.ask(0, 4))
        client.open("KEY=1\n", uri="file:///w/.env")
        await client.reply(client.ask(0, 2, uri="file:///w/.env"))
        lines = await command(client, "fim-lsp.why", {"quiet": True})
        assert client.messages() == []
        assert "excluded" in lines[1]
        assert "codestral, " in lines[2]
        assert "tokens, 1 line" in lines[2]
        assert "hidden_text" not in str(lines)
        assert (await command(client, "fim-lsp.status", {"quiet": True}))["backend"] == "codestral"
        assert await command(client, "fim-lsp.why") == lines
        verbose = await command(client, "fim-lsp.why", {"quiet": True, "verbose": True, "uri": "file:///w/.env"})
        assert verbose[0] == '.env is never sent: it is excluded by the rule ".env" in the built-in list.'
        assert any("codestral-latest at" in line for line in verbose)
        (message,) = client.messages()
        assert message.startswith("fim-lsp is idle (codestral")
    assert URI not in client.log


def test_no_message_contains_invisible_characters() -> None:
    """A server's words and a path may hold anything."""
    said: list[str] = []
    bad = "\x00\x1b[31m\u202e\U000e0100\u3164"
    current = Status(state=StatusState.IDLE, reason=bad, model=bad, host=bad)
    told = [*why(Explanation(status=bad), said.append), *map(str, status(current, said.append).values()), *said]
    assert len(said) == 2
    assert all(not set("\x00\x1b\u202e\U000e0100\u3164") & set(text) for text in told)
    assert "\\u202e" in said[0]
