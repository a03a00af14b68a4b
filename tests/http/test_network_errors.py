"""Every exception of the libraries becomes an error of our own."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpcore
import httpx
import pytest

from fim_lsp.errors import BackendError, BadReply, Unreachable
from fim_lsp.http.network_errors import FAILURES, ConnectionDropped, map_exception


def tree(root: type[BaseException]) -> Iterator[type[BaseException]]:
    yield root
    for below in root.__subclasses__():
        yield from tree(below)


ROOTS = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError, OSError)
FOREIGN = sorted({kind for root in ROOTS for kind in tree(root)}, key=lambda kind: kind.__qualname__)


def test_the_roots_are_all_that_httpx_has() -> None:
    """``client.py`` catches these roots; an exception of httpx' outside of them would get through."""
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
        mapped = map_exception(error, "h.example.org", head_received=False, connection_reused=reused)
        assert isinstance(mapped, BackendError)
        assert mapped.host == "h.example.org"
        assert "{" not in str(mapped)
        assert isinstance(mapped, ConnectionDropped) <= reused
    assert type(map_exception(error, "h.example.org", head_received=True, connection_reused=True)) is BadReply


def test_every_row_names_an_exception() -> None:
    assert [name for name in FAILURES if not (hasattr(httpx, name) or name == "OSError")] == []


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (ssl.SSLCertVerificationError(), "certificate is not trusted"),
        (ssl.SSLError(), "TLS fails"),
        (socket.gaierror(), "name is unknown"),
        (ConnectionRefusedError(), "nothing listens"),
        (OSError(), "no route"),
    ],
)
def test_the_reason_for_a_failed_connection(cause: Exception, words: str) -> None:
    error = httpx.ConnectError("[Errno -2] with details")
    error.__cause__ = httpcore.ConnectError()
    error.__cause__.__context__ = cause
    assert words in str(map_exception(error, "h", head_received=False, connection_reused=False))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (httpx.ConnectError, "can't connect to the proxy p:3128, through which h is reached: nothing listens there"),
        (httpx.ConnectTimeout, "the proxy p:3128 does not accept the connection to h in time"),
    ],
)
def test_a_proxy_that_cannot_be_reached_is_named(kind: type[Exception], sentence: str) -> None:
    error = kind("secret")
    error.__cause__ = ConnectionRefusedError()
    found = map_exception(error, "h", head_received=False, connection_reused=False, proxy="p:3128")
    assert (type(found), str(found)) == (Unreachable, sentence)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            "407 Proxy Authentication Required",
            "the proxy refuses to connect to h (407), because it requires a login: put it into its URL",
        ),
        ("403 Forbidden, secret", "the proxy refuses to connect to h (403)"),
        ("secret", "the proxy refuses to connect to h"),
    ],
)
def test_the_status_of_a_proxys_refusal_is_shown(message: str, sentence: str) -> None:
    error = httpx.ProxyError(message)
    assert str(map_exception(error, "h", head_received=False, connection_reused=False)) == sentence
