"""Proxies, certificates, and every exception of the libraries below us."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpcore
import httpx
import pytest

from fim_lsp.errors import BackendError, BadReply, Unreachable
from fim_lsp.http.network_errors import FAILURES, ConnectionDropped, map_exception
from tests.backends.helpers import ask, ask_text
from tests.fakes.codestral import FakeCodestral
from tests.fakes.fixtures import KEY, Connect
from tests.fakes.proxy import FakeProxy


def tree(root: type[BaseException]) -> Iterator[type[BaseException]]:
    yield root
    for below in root.__subclasses__():
        yield from tree(below)


ROOTS = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError, OSError)
FOREIGN = sorted({kind for root in ROOTS for kind in tree(root)}, key=lambda kind: kind.__qualname__)


def test_the_roots_are_all_that_httpx_has() -> None:
    """``http.py`` catches these roots; an exception of httpx' outside of them would get through."""
    named = [getattr(httpx, name) for name in httpx.__all__]
    kinds = [kind for kind in named if isinstance(kind, type) and issubclass(kind, BaseException)]
    assert [kind for kind in kinds if not issubclass(kind, ROOTS)] == []


def test_httpx_maps_all_of_httpcore() -> None:
    """httpcore's exceptions don't reach us, as long as httpx knows each of them."""
    kinds = [kind for kind in vars(httpcore).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    unknown = [kind.__name__ for kind in kinds if not hasattr(httpx, kind.__name__)]
    assert unknown == ["ConnectionNotAvailable"]  # for httpcore's own use: its pool tries again


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: kind.__qualname__)
def test_no_foreign_exception_is_unmapped(kind: type[BaseException]) -> None:
    error = kind.__new__(kind)
    for reused in (False, True):
        mapped = map_exception(error, "h.example.org", begun=False, reused=reused)
        assert isinstance(mapped, BackendError)
        assert mapped.host == "h.example.org"
        assert "{" not in str(mapped)
        assert isinstance(mapped, ConnectionDropped) <= reused
    assert type(map_exception(error, "h.example.org", begun=True, reused=True)) is BadReply


def test_every_row_names_an_exception() -> None:
    assert [name for name in FAILURES if not (hasattr(httpx, name) or name == "OSError")] == []


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (ssl.SSLCertVerificationError(), "certificate is not trusted"),
        (ssl.SSLError(), "TLS fails"),
        (socket.gaierror(), "name is not known"),
        (ConnectionRefusedError(), "nothing listens"),
        (OSError(), "no way there"),
    ],
)
def test_why_there_is_no_connection(cause: Exception, words: str) -> None:
    error = httpx.ConnectError("[Errno -2] with details")
    error.__cause__ = httpcore.ConnectError()
    error.__cause__.__context__ = cause
    assert words in str(map_exception(error, "h", begun=False, reused=False))


async def test_a_proxy_of_the_environments(
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


async def test_a_tunnel_does_not_see_the_key(
    certificate: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with FakeCodestral(tls=context) as server, FakeProxy(server.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await ask_text(connect("https://codestral.test")) == "return a + b"
        assert proxy.asked == ["CONNECT codestral.test:443"]
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_certificates(
    server: FakeCodestral, certificate: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with FakeCodestral(tls=context) as trusted:
        with pytest.raises(Unreachable, match="not trusted"):
            await ask(connect(trusted.url))
        assert trusted.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await ask_text(connect(trusted.url)) == "return a + b"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SSL_CERT_FILE", "/no/such/file", "SSL_CERT_FILE"),
        ("ALL_PROXY", "gopher://127.0.0.1", "proxy"),
        ("HTTPS_PROXY", "http://127.0.0.1:1", "nothing listens"),
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


async def test_https_to_a_port_of_plain_http_is_known_at_once(connect: Connect) -> None:
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
    with pytest.raises(Unreachable, match=r"does not answer in TLS.*http://") as caught:
        await ask(connect(server.url.replace("http:", "https:")))
    assert not caught.value.transient
    assert server.connections == 1


async def test_http_to_a_port_of_tls_says_so(connect: Connect, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with FakeCodestral(tls=context) as server:
        with pytest.raises(Unreachable, match="https://"):
            await ask(connect(server.url.replace("https:", "http:")))
