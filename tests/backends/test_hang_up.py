"""Hanging up: at once for the caller, soon for the server, and without losing anything, at whatever moment."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.errors import Paused
from fim_lsp.http.client import Transport
from tests.backends.helpers import PROMPT, ask, ask_text
from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.fakes.fixtures import Connect
from tests.fakes.proxy import FakeProxy

SLOTS = 4


def small(backend: HttpBackend) -> HttpBackend:
    """``backend`` with so few connections that a lost one is noticed."""
    backend._transport = Transport(backend._profile.base_url, timeout=30, connections=SLOTS)
    return backend


async def test_while_waiting_for_headers(server: FakeCodestral, connect: Connect) -> None:
    server.behaviour = Behaviour(gate=asyncio.Event())
    backend = connect(server.url)
    for count in range(1, 4):
        asking = asyncio.create_task(ask(backend))
        await server.until(lambda count=count: len(server.requests) == count)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await server.until(lambda count=count: server.hangups == count)
    await server.until(lambda: server.open_connections == 0)


async def test_in_the_middle_of_an_answer(server: FakeCodestral, connect: Connect) -> None:
    server.behaviour = Behaviour(stall_after=2)
    chunks = connect(server.url).stream(PROMPT)
    assert (await anext(chunks)).text
    await chunks.aclose()
    await server.until(lambda: server.hangups == 1)


async def test_a_generator_that_is_dropped(server: FakeCodestral, connect: Connect) -> None:
    server.behaviour = Behaviour(stall_after=2)
    async for chunk in connect(server.url).stream(PROMPT):
        if chunk.text:
            break
    await server.until(lambda: server.hangups == 1)


async def test_closing_waits_for_no_event(server: FakeCodestral, connect: Connect) -> None:
    """A caller that hangs up gets its turn back without one round of the event loop."""
    server.behaviour = Behaviour(stall_after=1)
    chunks = connect(server.url).stream(PROMPT)
    await anext(chunks)
    closing = chunks.aclose()
    with pytest.raises(StopIteration):
        closing.send(None)


async def test_closing_the_back_end_ends_calls(server: FakeCodestral, connect: Connect) -> None:
    server.behaviour = Behaviour(gate=asyncio.Event())
    backend = connect(server.url)
    asking = asyncio.create_task(ask(backend))
    await server.until(lambda: len(server.requests) == 1)
    await backend.close()
    with pytest.raises(Paused, match="other settings"):
        await asking
    await server.until(lambda: server.open_connections == 0)


async def supersede(server: FakeCodestral, backend: HttpBackend, seed: int, count: int, longest: float) -> None:
    """Ask ``count`` times and hang up after up to ``longest`` seconds each time; then nothing may be lost."""
    moments = random.Random(seed)  # not a secret
    await backend.warm_up()
    for _ in range(count):
        asking = asyncio.create_task(ask(backend))
        await asyncio.sleep(moments.uniform(0, longest))
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
    texts = await asyncio.gather(*(ask_text(backend) for _ in range(SLOTS)))
    assert texts == ["return a + b"] * SLOTS
    while backend._transport._calls:
        await asyncio.wait(backend._transport._calls)
    await server.until(lambda: server.open_connections <= SLOTS)
    await backend.close()
    await server.until(lambda: server.open_connections == 0)


SPEEDS = {
    "slow": Behaviour(ttft=0.004, per_token=0.002),
    "as long as the caller waits": Behaviour(ttft=0.002),
    "fast": Behaviour(),
}


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("seed", range(2))
async def test_superseded_calls_lose_no_connection(
    server: FakeCodestral, connect: Connect, seed: int, speed: str
) -> None:
    """With httpx alone, some hundred of these end in PoolTimeout for ever (encode/httpcore#1093)."""
    server.behaviour = SPEEDS[speed]
    await supersede(server, small(connect(server.url)), seed, 400, 0.010)


@pytest.fixture
async def tunnelled(
    connect: Connect, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[FakeCodestral, HttpBackend]]:
    """TLS through a proxy: the longest way to a connection, with the most places to be cancelled at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with FakeCodestral(tls=context, behaviour=Behaviour(ttft=0.002)) as fake, FakeProxy(fake.port) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        yield fake, small(connect("https://codestral.test"))


@pytest.mark.parametrize("seed", range(2))
async def test_superseded_calls_through_a_tunnel(tunnelled: tuple[FakeCodestral, HttpBackend], seed: int) -> None:
    server, backend = tunnelled
    await supersede(server, backend, seed, 150, 0.030)
