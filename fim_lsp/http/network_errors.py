"""Maps network failures to fim-lsp's errors: one table for the exceptions of httpx and of Python.

httpx is slow to import, so exceptions are recognized by their class names.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from fim_lsp.errors import BackendError, BadReply, Rejected, Unreachable


class ConnectionDropped(Unreachable):
    """The server closed a kept-alive connection just as it was used again: worth a second attempt."""


class ConnectionRefused(Unreachable):
    """The machine is reachable but refuses the connection: nothing listens at the address."""


FAILURES: Final[Mapping[str, tuple[type[BackendError], str]]] = MappingProxyType(
    {
        "ConnectTimeout": (Unreachable, "{host} does not accept the connection in time"),
        "PoolTimeout": (Unreachable, "{host} is busy with earlier calls"),
        "TimeoutException": (Unreachable, "{host} does not respond in time"),
        "ConnectError": (Unreachable, "can't connect to {host}: {reason}"),
        "ProxyError": (Unreachable, "the proxy refuses to connect to {host}"),
        "NetworkError": (Unreachable, "the connection to {host} broke"),
        "RemoteProtocolError": (
            Unreachable,
            "{host} closed the connection, or does not speak HTTP (as a port for https:// if base_url says http://)",
        ),
        "LocalProtocolError": (
            Rejected,
            "the request to {host} can't be sent: check the settings base_url and api_key",
        ),
        "ProtocolError": (Unreachable, "{host} does not speak HTTP"),
        "UnsupportedProtocol": (Rejected, "base_url must begin with http:// or https://"),
        "InvalidURL": (Rejected, "base_url is not a valid URL"),
        "DecodingError": (BadReply, "{host} sent a damaged response"),
        "CookieConflict": (BadReply, "{host} sent a damaged response"),
        "StreamError": (BadReply, "the response of {host} can't be read"),
        "HTTPError": (BadReply, "{host} sent an unusable response"),
        "OSError": (Unreachable, "can't connect to {host}: {reason}"),
    }
)
"""An exception is mapped by the row of its nearest base class."""

_PROXY_FAILURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ConnectTimeout": "the proxy {proxy} does not accept the connection to {host} in time",
        "ConnectError": "can't connect to the proxy {proxy}, through which {host} is reached: {reason}",
    }
)
"""The sentences for an exception while connecting to a proxy."""

_NOT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"})
"""OpenSSL's reasons when the other side responds in plain HTTP."""

_BEFORE_SENDING: Final = frozenset({"ConnectTimeout", "PoolTimeout", "ConnectError", "ProxyError"})
_DROPS: Final = frozenset({"RemoteProtocolError", "ReadError", "WriteError"})

# What may have caused an httpx.ConnectError; the first match applies.
_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted; name a company's CA in SSL_CERT_FILE"),
    (ssl.SSLError, "TLS fails"),
    (socket.gaierror, "its name is unknown"),
    (ConnectionRefusedError, "nothing listens there"),
    (OSError, "no route"),
)


_CERTIFICATE_REASONS: Final[Mapping[int, str]] = MappingProxyType(
    {
        9: "its certificate is not valid yet, or this machine's clock is slow",
        10: "its certificate has expired, or this machine's clock is fast",
        62: "its certificate is for another name",
        64: "its certificate is for another address",
    }
)
"""By the codes of OpenSSL's X509_verify_cert_error_string(3), for failures that no CA helps against."""


def map_exception(
    error: BaseException,
    host: str,
    *,
    head_received: bool,
    connection_reused: bool,
    tls_handshake: bool = False,
    proxy: str = "",
) -> BackendError:
    """The error for a foreign exception during a call; ``tls_handshake``: while one was in progress; ``proxy``: while
    connecting to the proxy with this address.

    The exception's own text is left out: it may contain headers.
    """
    names = [base.__name__ for base in type(error).__mro__]
    if head_received:
        return BadReply(f"the response of {host} broke off", host=host)
    if connection_reused and not _DROPS.isdisjoint(names):
        return ConnectionDropped(f"{host} closed the connection", host=host)
    if (wrong_scheme := _wrong_scheme(error, host, names, tls_handshake=tls_handshake)) is not None:
        return wrong_scheme
    causes = list(_chain(error))
    kind, sentence = next(FAILURES[name] for name in names if name in FAILURES)
    if proxy and (about_proxy := next((_PROXY_FAILURES[name] for name in names if name in _PROXY_FAILURES), "")):
        sentence = about_proxy
    elif kind is Unreachable and _has(ConnectionRefusedError, causes):
        kind = ConnectionRefused
    if "ProxyError" in names:
        sentence += _proxy_status(error)
    return kind(
        sentence.format(host=host, proxy=proxy, reason=_reason(causes)),
        host=host,
        sent=_BEFORE_SENDING.isdisjoint(names),
        transient=not _has(ssl.SSLCertVerificationError, causes),
    )


def timeout_error(host: str, timeout: float, *, head_received: bool) -> BackendError:
    """The error for a call that took longer than the setting ``timeout``, in seconds."""
    if head_received:
        return BadReply(f"the response of {host} did not end within {timeout:g} s", host=host, timed_out=True)
    return Unreachable(f"{host} did not respond within {timeout:g} s", host=host, timed_out=True)


def _wrong_scheme(error: BaseException, host: str, names: list[str], *, tls_handshake: bool) -> BackendError | None:
    """The error for https:// to a plain http server, which is known at once and won't change."""
    reasons = {str(getattr(cause, "reason", "")) for cause in _chain(error) if isinstance(cause, ssl.SSLError)}
    if not _NOT_TLS.isdisjoint(reasons):
        sentence = f"{host} does not speak TLS on that port: should base_url begin with http://?"
    elif tls_handshake and "ConnectTimeout" in names:
        sentence = f"{host} accepts connections but does not respond in TLS: should base_url begin with http://?"
    else:
        return None
    return Unreachable(sentence, host=host, transient=False, sent=False)


def _proxy_status(error: BaseException) -> str:
    """What the status of a proxy's refusal means. Of httpcore's message, nothing but that number is used."""
    status = re.match(r"\d{3}\b", str(error))
    if status is None:
        return ""
    return " (407), because it requires a login: put it into its URL" if status[0] == "407" else f" ({status[0]})"


def _reason(causes: list[BaseException]) -> str:
    codes = [getattr(cause, "verify_code", 0) for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)]
    if reason := next((_CERTIFICATE_REASONS[code] for code in codes if code in _CERTIFICATE_REASONS), ""):
        return reason
    return next((reason for kind, reason in _REASONS if _has(kind, causes)), "no route")


def _has(kind: type[BaseException], causes: list[BaseException]) -> bool:
    return any(isinstance(cause, kind) for cause in causes)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
