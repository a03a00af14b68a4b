"""Servers on this machine are found, and nothing else is ever asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from fim_lsp.backends import discovery
from fim_lsp.backends.discovery import USUAL_PORTS, LocalServer, LoopbackPort, find_local_servers
from fim_lsp.http.urls import host_of, is_local, is_loopback
from tests.fakes import llamacpp as recorded
from tests.fakes.http import FakeServer, Reply, Request
from tests.fakes.ollama import Ollama

TIMEOUT = 20  # seconds; only a guard where somebody answers
PROPS = {"default_generation_settings": {"n_ctx": 4096}, "build_info": "b11669-x"}


def llama(request: Request) -> Reply | None:
    if request.path == "/props":
        return Reply(body=PROPS)
    return Reply(status=400, body=recorded.TOO_LONG) if request.path == "/infill" else None


def llama_without_tokens(request: Request) -> Reply | None:
    return Reply(status=501, body=recorded.NO_TOKENS) if request.path == "/infill" else llama(request)


def port_of(name: str, server: FakeServer) -> LoopbackPort:
    return LoopbackPort(name=name, port=server.port)


@contextlib.asynccontextmanager
async def nobody() -> AsyncIterator[LoopbackPort]:
    """A port on which nothing listens."""
    async with FakeServer(lambda request: None) as gone:
        pass
    yield port_of("llamacpp", gone)


def test_the_usual_ports_are_on_this_machine() -> None:
    assert [(row.name, row.port) for row in USUAL_PORTS] == [("llamacpp", 8012), ("llamacpp", 8080), ("ollama", 11434)]
    assert all(is_loopback(row.url) for row in USUAL_PORTS)


async def test_servers_are_found_in_order_of_preference() -> None:
    async with FakeServer(llama) as one, FakeServer(Ollama()) as other, nobody() as empty:
        first, second = port_of("llamacpp", one), port_of("ollama", other)
        assert await find_local_servers((empty, first, second), within=TIMEOUT) == (
            LocalServer(name="llamacpp", base_url=one.url),
            LocalServer(name="ollama", base_url=other.url, model="qwen2.5-coder:1.5b"),
        )
        found, *_ = await find_local_servers((empty, second, first), within=TIMEOUT)
        assert found == LocalServer(name="ollama", base_url=other.url, model="qwen2.5-coder:1.5b")
        assert await find_local_servers((empty,), within=TIMEOUT) == ()


async def test_a_llama_server_whose_model_cannot_fill_in_is_ignored() -> None:
    async with FakeServer(llama_without_tokens) as one, FakeServer(Ollama()) as other:
        found, *_ = await find_local_servers((port_of("llamacpp", one), port_of("ollama", other)), within=TIMEOUT)
        assert found is not None
        assert found.name == "ollama"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>some application</html>"),
        Reply(body={"hello": 1}),
        Reply(body=[1]),
        Reply(status=500),
        Reply(status=302, headers={"Location": "http://192.0.2.1/props"}),
    ],
    ids=["html", "json", "list", "error", "redirect"],
)
async def test_another_application_on_the_port_is_asked_once(reply: Reply) -> None:
    async with FakeServer(lambda request: reply) as server:
        assert await find_local_servers((port_of("llamacpp", server),), within=TIMEOUT) == ()
        assert [(request.method, request.path) for request in server.requests] == [("GET", "/props")]
        assert await find_local_servers((port_of("ollama", server),), within=TIMEOUT) == ()
        assert {request.method for request in server.requests} == {"GET"}


CODER, LLAMA = "qwen2.5-coder:1.5b", "codellama:7b-code"
OLLAMAS = {
    "the one that inserts": (Ollama(models={"llama3": ["completion"], CODER: ["completion", "insert"]}), CODER),
    "the loaded one first": (Ollama(models={"a": ["insert"], "b": ["insert"]}, loaded=("b",)), "b"),
    "one whose family is known": (Ollama(models={"llama3": ["completion"], LLAMA: ["completion"]}), LLAMA),
    "none": (Ollama(models={"llama3": ["completion"]}), None),
    "empty": (Ollama(models={}), None),
    "old, without capabilities": (Ollama(models={"starcoder2:3b": None}), "starcoder2:3b"),
}  # fmt: skip


@pytest.mark.parametrize("case", OLLAMAS)
async def test_which_ollama_model_is_used(case: str) -> None:
    behaviour, model = OLLAMAS[case]
    async with FakeServer(behaviour) as server:
        found = await find_local_servers((port_of("ollama", server),), within=TIMEOUT)
    assert [local.model for local in found] == ([] if model is None else [model])


async def test_a_server_that_does_not_respond_is_ignored() -> None:
    silent = await asyncio.start_server(lambda reader, writer: asyncio.Event().wait(), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    try:
        assert await find_local_servers((LoopbackPort(name="ollama", port=port),), within=0.1) == ()
    finally:
        silent.close()


async def test_a_busy_llama_server_counts() -> None:
    """It is a llama-server; whether its model can fill in will be known with the first completion."""
    async with FakeServer(lambda request: llama(request) if request.path == "/props" else Reply(status=500)) as server:
        found, *_ = await find_local_servers((port_of("llamacpp", server),), within=TIMEOUT)
    assert found == LocalServer(name="llamacpp", base_url=server.url)


async def test_nothing_but_loopback_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:3128")
    async with FakeServer(llama) as server:
        assert await find_local_servers((port_of("llamacpp", server),), within=TIMEOUT) != ()

    class Elsewhere(LoopbackPort):
        @property
        def url(self) -> str:
            return f"http://192.0.2.1:{self.port}"

    async def never(*_: object, **__: object) -> bool:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(discovery, "listens", never)
    with pytest.raises(ValueError, match="only this machine"):
        await find_local_servers((Elsewhere(name="llamacpp", port=8012),))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8012", "http://localhost:1", "http://[::1]:8012/x", "http://127.9.9.9"]
)
def test_this_machine_has_several_names(url: str) -> None:
    assert is_loopback(url)
    assert is_local(host_of(url))


async def test_a_known_server_only_has_to_listen() -> None:
    async with FakeServer(lambda _request: None) as server:
        known = LocalServer(name="llamacpp", base_url=server.url)
        assert await find_local_servers((port_of("llamacpp", server),), known=(known,), within=TIMEOUT) == (known,)
        assert server.requests == []
    assert await find_local_servers((port_of("llamacpp", server),), known=(known,), within=TIMEOUT) == ()
