"""The network: hanging up at any moment, proxies and certificates, and responses that are too much."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.errors import BackendError, BadReply, Intercepted, Paused, Unreachable
from fim_lsp.http.client import BODY_LIMIT, HEADERS_LIMIT, Transport
from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.fakes.fixtures import KEY, PROMPT, Connect, ask, ask_text, server_context
from tests.fakes.http import RawServer
from tests.fakes.proxy import FakeProxy

SLOTS = 4


def with_few_connections(backend: HttpBackend) -> HttpBackend:
    """``backend`` with so few connections that losing one is noticed."""
    backend._transport = Transport(backend._profile.base_url, timeout=30, connections=SLOTS)
    return backend


async def test_hanging_up_while_waiting_for_the_head(server: FakeCodestral, connect: Connect) -> None:
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


async def test_hanging_up_in_the_middle_of_a_response(server: FakeCodestral, connect: Connect) -> None:
    server.behaviour = Behaviour(stall_after=2)
    chunks = connect(server.url).stream(PROMPT)
    assert (await anext(chunks)).text
    await chunks.aclose()
    await server.until(lambda: server.hangups == 1)


async def test_hanging_up_by_dropping_the_generator(server: FakeCodestral, connect: Connect) -> None:
    server.behaviour = Behaviour(stall_after=2)
    async for chunk in connect(server.url).stream(PROMPT):
        if chunk.text:
            break
    await server.until(lambda: server.hangups == 1)


async def test_hanging_up_returns_at_once(server: FakeCodestral, connect: Connect) -> None:
    """Without a single turn of the event loop."""
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


async def supersede_calls(server: FakeCodestral, backend: HttpBackend, seed: int, count: int, longest: float) -> None:
    """Ask ``count`` times and hang up after up to ``longest`` seconds each time; no connection may be lost."""
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
    """With httpx alone, some hundred of these lead to a permanent PoolTimeout (encode/httpcore#1093)."""
    server.behaviour = SPEEDS[speed]
    await supersede_calls(server, with_few_connections(connect(server.url)), seed, 400, 0.010)


@pytest.fixture
async def tunnelled(
    connect: Connect, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[FakeCodestral, HttpBackend]]:
    """TLS through a proxy: the most steps to a connection, and so the most places to be cancelled at."""
    async with (
        FakeCodestral(tls=server_context(certificate), behaviour=Behaviour(ttft=0.002)) as fake,
        FakeProxy(fake.port) as proxy,
    ):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        yield fake, with_few_connections(connect("https://codestral.test"))


@pytest.mark.parametrize("seed", range(2))
async def test_superseded_calls_through_a_tunnel(tunnelled: tuple[FakeCodestral, HttpBackend], seed: int) -> None:
    server, backend = tunnelled
    await supersede_calls(server, backend, seed, 150, 0.030)


async def test_a_proxy_from_the_environment(
    server: FakeCodestral, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeProxy(server.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert await ask_text(connect("http://codestral.test")) == "return a + b"
        assert proxy.asked == ["POST http://codestral.test/v1/fim/completions"]


async def test_no_proxy_and_loopback_go_straight(
    server: FakeCodestral, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeProxy(server.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert await ask_text(connect(server.url)) == "return a + b"
        assert await ask_text(connect(f"http://localhost:{server.port}")) == "return a + b"
        monkeypatch.setenv("NO_PROXY", "0.0.0.0")  # noqa: S104  # an address of this machine that isn't loopback by name
        assert await ask_text(connect(f"http://0.0.0.0:{server.port}")) == "return a + b"
        assert proxy.asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_requires_a_login(connect: Connect, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with RawServer(refusal) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
        with pytest.raises(Unreachable, match=r"\(407\).*: put it into its URL"):
            await ask(connect(f"{scheme}://codestral.test"))


async def test_a_tunnel_does_not_see_the_key(
    certificate: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeCodestral(tls=server_context(certificate)) as server, FakeProxy(server.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await ask_text(connect("https://codestral.test")) == "return a + b"
        assert proxy.asked == ["CONNECT codestral.test:443"]
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_certificates(
    server: FakeCodestral, certificate: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeCodestral(tls=server_context(certificate)) as trusted:
        with pytest.raises(Unreachable, match="not trusted"):
            await ask(connect(trusted.url))
        assert trusted.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await ask_text(connect(trusted.url)) == "return a + b"


async def test_a_certificate_for_another_name(
    certificate: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with FakeCodestral(tls=server_context(certificate)) as server:
        with pytest.raises(Unreachable, match="its certificate is for another name"):
            await ask(connect(f"https://localhost:{server.port}"))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SSL_CERT_FILE", "/no/such/file", "SSL_CERT_FILE"),
        ("ALL_PROXY", "gopher://127.0.0.1", "proxy"),
        ("HTTPS_PROXY", "http://127.0.0.1:1", "the proxy 127.0.0.1:1, through which codestral.test .* nothing listens"),
    ],
)
async def test_an_unusable_environment_is_a_sentence(
    server: FakeCodestral, connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    backend = connect("https://codestral.test")
    for _ in range(2):
        with pytest.raises(Unreachable, match=words):
            await ask(backend)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("kind", ["missing", "broken", "folder", "unreadable"])
async def test_certificates_are_for_https_only(
    server: FakeCodestral, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, kind: str
) -> None:
    place = tmp_path / "ca"
    if kind == "broken":
        place.write_text("-----BEGIN CERTIFICATE-----\nno base64\n-----END CERTIFICATE-----\n")
    elif kind == "folder":
        place.mkdir()
    elif kind == "unreadable":
        place.touch(mode=0)
    monkeypatch.setenv(name, str(place))
    assert await ask_text(connect(server.url)) == "return a + b"
    if name == "SSL_CERT_FILE":
        with pytest.raises(Unreachable, match=name):
            await ask(connect("https://codestral.test"))


async def test_https_to_a_port_of_plain_http_fails_at_once(connect: Connect) -> None:
    """One that answers the handshake with a page, and one that waits for more of it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unreachable, match=r"does not speak TLS.*http://") as caught:
        await ask(connect(f"https://127.0.0.1:{port}"))
    assert not caught.value.transient
    server.close()


async def test_https_to_a_port_that_waits_for_plain_http(server: FakeCodestral, connect: Connect) -> None:
    with pytest.raises(Unreachable, match=r"does not respond in TLS.*http://") as caught:
        await ask(connect(server.url.replace("http:", "https:")))
    assert not caught.value.transient
    assert server.connections == 1


async def test_http_to_a_port_of_tls_says_so(connect: Connect, certificate: Path) -> None:
    async with FakeCodestral(tls=server_context(certificate)) as server:
        with pytest.raises(Unreachable, match="https://"):
            await ask(connect(server.url.replace("https:", "http:")))


EVENT = b'data: {"choices":[{"text":"a"}]}\n\n'
DONE = b'data: {"choices":[{"text":"","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def head(*headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: text/event-stream", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    "coding", ["gzip", "gzip, gzip", "X-GZIP", "br", "zstd", "deflate", "identity, gzip", "snappy"]
)
async def test_a_compressed_response_is_rejected_unread(connect: Connect, coding: str) -> None:
    bomb = gzip.compress(gzip.compress(b" " * (200 << 20), 1), 9)
    async with RawServer(head(f"Content-Encoding: {coding}", f"Content-Length: {len(bomb)}"), bomb) as server:
        backend = connect(server.url)
        await backend.warm_up()
        tracemalloc.start()
        try:
            with pytest.raises(BadReply, match="compressed"):
                await ask(backend)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()
        assert b"accept-encoding: identity\r\n" in server.requests[0]
        assert server.requests[0].count(b"accept-encoding") == 1


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
async def test_an_identity_coding_is_no_compression(connect: Connect, coding: str) -> None:
    async with RawServer(head(f"Content-Encoding: {coding}"), EVENT, DONE) as server:
        assert await ask_text(connect(server.url)) == "a"


async def test_a_compressed_error_is_recognized_by_its_status(connect: Connect) -> None:
    body = gzip.compress(b'{"message": "who are you"}')
    async with RawServer(
        head("Content-Encoding: gzip", f"Content-Length: {len(body)}", status="401 No"), body
    ) as server:
        with pytest.raises(Intercepted, match="401"):
            await ask(connect(server.url))


@pytest.mark.parametrize(
    ("pieces", "endless", "error"),
    [
        ((b"HTTP/1.1 200 OK\r\n",), b"a: " + b"b" * 1000 + b"\r\n", Unreachable),
        ((b"HTTP/1.1 200 OK\r\na: ",), b"b" * 1000, Unreachable),
        ((head(*[f"a{n}: b" for n in range(HEADERS_LIMIT)]), DONE), b"", BadReply),
        ((head(),), b": nothing\n" * 100, BadReply),
        ((head(),), b"\n" * 1000, BadReply),
        ((head(),), b"data:\n" * 100, BadReply),
        ((head(), b"data: "), b"a" * 1000, BadReply),
        ((head(), b'{"choices": "'), b"a" * 1000, BadReply),
        ((head(), b"{"), b"[" * 1000, BadReply),
    ],
    ids=["headers", "a header", "many headers", "comments", "line ends", "empty data", "an event", "a string", "brackets"],
)  # fmt: skip
async def test_a_response_that_does_not_end_is_aborted(
    connect: Connect, pieces: tuple[bytes, ...], endless: bytes, error: type[BackendError]
) -> None:
    async with RawServer(*pieces, endless=endless) as server:
        with pytest.raises(error):
            await ask(connect(server.url))
        assert server.sent < BODY_LIMIT + (16 << 20)  # what the kernel holds comes on top


async def test_little_is_drained_after_the_end(connect: Connect) -> None:
    async with RawServer(head("Transfer-Encoding: chunked"), b"%x\r\n%b\r\n" % (len(DONE), DONE)) as server:
        server.endless = b"5\r\n: no\n\r\n" * 100
        backend = connect(server.url)
        async for chunk in backend.stream(PROMPT):
            if chunk.finish:
                break
        while backend._transport._calls:
            await asyncio.wait(backend._transport._calls)
        assert server.sent < 16 << 20
