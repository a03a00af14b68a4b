"""Answers that come after the client has cancelled: it is told, if it wants to be, and asks again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.lsp.raw_client import URI, RawClient, texts

READY: dict[str, object] = {"experimental": {"fimLspSuggestionReady": True, "fimLspStatus": True}}


def settings(server: FakeCodestral) -> dict[str, object]:
    return {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": []}


@asynccontextmanager
async def held_back(
    folder: Path, text: str = "b + c", capabilities: dict[str, object] = READY
) -> AsyncIterator[tuple[FakeCodestral, RawClient, asyncio.Event]]:
    """A server that answers ``text`` once the event is set, and a client with a document, for whose line it may be asked."""
    gate = asyncio.Event()
    async with FakeCodestral(lambda body: text) as server, RawClient(folder) as client:
        await client.initialize(options=settings(server), capabilities=capabilities)
        client.open("a = \n")
        server.behaviour = Behaviour(gate=gate)
        yield server, client, gate


def notes(client: RawClient, name: str) -> list[dict[str, Any]]:
    return [note["params"] for note in client.notes if note["method"] == f"fim-lsp/{name}"]


async def asked_and_cancelled(client: RawClient, server: FakeCodestral, *, position: int = 4) -> None:
    number = client.ask(0, position)
    await server.until(lambda: len(server.requests) == 1)
    client.notify("$/cancelRequest", {"id": number})
    assert (await client.reply(number))["error"]["code"] == -32800


async def test_a_client_is_told_when_the_answer_is_there_and_asks_again(tmp_path: Path) -> None:
    async with held_back(tmp_path) as (server, client, gate):
        await asked_and_cancelled(client, server)
        await client.until(lambda: notes(client, "status")[-1]["state"] == "calling")
        assert notes(client, "suggestionReady") == []
        gate.set()
        await client.until(lambda: bool(notes(client, "suggestionReady")))
        place = {"line": 0, "character": 4}
        assert notes(client, "suggestionReady") == [{"textDocument": {"uri": URI}, "position": place, "version": 0}]
        await client.until(lambda: notes(client, "status")[-1]["state"] == "idle")
        assert texts(await client.reply(client.ask(0, 4))) == ["b + c"]
        assert (len(server.requests), server.hangups) == (1, 0)


async def test_no_word_of_an_answer_for_a_text_that_has_changed(tmp_path: Path) -> None:
    async with held_back(tmp_path) as (server, client, gate):
        await asked_and_cancelled(client, server)
        client.insert(0, 4, "b", version=2)  # as the call will say
        await client.all_read()
        gate.set()
        assert texts(await client.reply(client.ask(0, 5))) == [" + c"]
        assert notes(client, "suggestionReady") == []
        assert len(server.requests) == 1


async def test_no_word_of_an_empty_answer(tmp_path: Path) -> None:
    async with held_back(tmp_path, "") as (server, client, gate):
        await asked_and_cancelled(client, server)
        gate.set()
        assert texts(await client.reply(client.ask(0, 4))) == []
        assert notes(client, "suggestionReady") == []


@pytest.mark.parametrize("capabilities", [{}, {"experimental": {"fimLspSuggestionReady": False}}], ids=str)
async def test_other_clients_find_the_answer_when_they_ask_again(
    tmp_path: Path, capabilities: dict[str, object]
) -> None:
    async with held_back(tmp_path, capabilities=capabilities) as (server, client, gate):
        await asked_and_cancelled(client, server)
        gate.set()
        await server.until(lambda: server.served == 1)
        assert texts(await client.reply(client.ask(0, 4))) == ["b + c"]
        assert notes(client, "suggestionReady") == []
        assert (len(server.requests), server.hangups) == (1, 0)


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_no_word_after_shutdown(tmp_path: Path, *, is_cancelled: bool) -> None:
    async with held_back(tmp_path) as (server, client, gate):
        if is_cancelled:
            await asked_and_cancelled(client, server)
        else:
            client.ask(0, 4)
            await server.until(lambda: len(server.requests) == 1)
        await client.reply(client.request("shutdown", None))
        gate.set()
        if is_cancelled:
            await server.until(lambda: server.served == 1)
        assert (await client.reply(client.request("after", None)))["error"]["code"] == -32600
        client.notify("exit", None)
        assert await client.exit_code() == 0
        assert notes(client, "suggestionReady") == []
