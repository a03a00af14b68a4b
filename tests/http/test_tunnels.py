"""Tunnels through a proxy that fail, or are not wanted any more: none may keep a connection, or lose one for good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fim_lsp.errors import Unreachable
from fim_lsp.http.client import CONNECTIONS
from tests.fakes.codestral import FakeCodestral
from tests.fakes.fixtures import Connect, ask, ask_text, server_context
from tests.faults.host import DyingProxy


@pytest.fixture
async def proxy(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DyingProxy]:
    """Leads to a Codestral server whose certificate is trusted."""
    async with FakeCodestral(tls=server_context(certificate)) as server, DyingProxy(server.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield proxy


async def test_any_number_of_them_leaves_connections_for_the_next_call(proxy: DyingProxy, connect: Connect) -> None:
    backend = connect("https://codestral.test")
    proxy.reply = b"HTTP/1.1 200 OK\r\n\r\nno handshake"
    for _ in range(2 * CONNECTIONS):
        with pytest.raises(Unreachable, match="TLS"):
            await ask(backend)
    proxy.reply = None
    texts = await asyncio.gather(*(ask_text(backend) for _ in range(CONNECTIONS)))
    assert texts == ["return a + b"] * CONNECTIONS
    await proxy.until(lambda: proxy.open_connections <= CONNECTIONS)


@pytest.mark.parametrize("answers", [False, True])
async def test_a_call_that_is_hung_up_while_a_proxy_is_silent_keeps_no_connection(
    proxy: DyingProxy, connect: Connect, answers: bool
) -> None:
    """``answers``: the proxy does, just when the calls are hung up."""
    backend = connect("https://codestral.test", timeout=600)
    for round_ in range(1, 4):
        proxy.reply = b""
        calls = [asyncio.create_task(ask(backend)) for _ in range(CONNECTIONS)]
        await proxy.until(lambda wanted=round_ * CONNECTIONS: proxy.hits >= wanted)
        if answers:
            proxy.reset_all()
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        await proxy.until(lambda: proxy.open_connections == 0)
        proxy.reply = None
        texts = await asyncio.gather(*(ask_text(backend) for _ in range(CONNECTIONS)))
        assert texts == ["return a + b"] * CONNECTIONS
        proxy.reset_all()
