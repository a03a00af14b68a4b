"""Failures of the network as our own errors: one table, for httpx' exceptions and Python's.

httpx is not imported for it, because that is slow: the exceptions are known by name.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from fim_lsp.errors import BackendError, BadReply, Rejected, Unauthorized, Unreachable


class ConnectionDropped(Unreachable):
    """The server closed a kept connection just when it was used again: worth a second try."""


class ConnectionRefused(Unreachable):
    """The machine is there and refuses to connect: nothing listens at the address."""


FAILURES: Final[Mapping[str, tuple[type[BackendError], str]]] = MappingProxyType(
    {
        "ConnectTimeout": (Unreachable, "{host} takes no connection: no answer in time"),
        "PoolTimeout": (Unreachable, "{host} is busy with earlier calls"),
        "TimeoutException": (Unreachable, "{host} does not answer in time"),
        "ConnectError": (Unreachable, "can't connect to {host}: {reason}"),
        "ProxyError": (Unreachable, "the proxy on the way to {host} refuses to connect"),
        "NetworkError": (Unreachable, "the connection to {host} broke"),
        "RemoteProtocolError": (
            Unreachable,
            "{host} closed the connection, or does not speak HTTP (a port for https:// does so when base_url says http://)",
        ),
        "LocalProtocolError": (
            Rejected,
            "the request to {host} can't be sent: check the settings base_url and api_key",
        ),
        "ProtocolError": (Unreachable, "{host} does not speak HTTP"),
        "UnsupportedProtocol": (Rejected, "base_url must begin with http:// or https://"),
        "InvalidURL": (Rejected, "base_url is no usable address"),
        "DecodingError": (BadReply, "{host} sent a damaged answer"),
        "CookieConflict": (BadReply, "{host} sent a damaged answer"),
        "StreamError": (BadReply, "the answer of {host} can't be read"),
        "HTTPError": (BadReply, "{host} sent an answer that can't be used"),
        "OSError": (Unreachable, "can't connect to {host}: {reason}"),
    }
)
"""Each exception has the row of its nearest base class that is named here."""

_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"})
"""OpenSSL's reasons for what is no TLS: an answer in plain HTTP."""

_BEFORE_SENDING: Final = frozenset({"ConnectTimeout", "PoolTimeout", "ConnectError", "ProxyError"})
_DROPS: Final = frozenset({"RemoteProtocolError", "ReadError", "WriteError"})

# What lies below an httpx.ConnectError; the first that fits.
_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted; a company's CA can be named by SSL_CERT_FILE"),
    (ssl.SSLError, "TLS fails"),
    (socket.gaierror, "its name is not known"),
    (ConnectionRefusedError, "nothing listens there"),
    (OSError, "no way there"),
)


def map_exception(error: BaseException, host: str, *, begun: bool, reused: bool, tls: bool = False) -> BackendError:
    """Our error for a foreign one. ``begun``: the answer had begun; ``reused``: on a connection kept from earlier;
    ``tls``: TLS was being set up.

    The foreign error's own text is left out: it may hold headers.
    """
    names = [base.__name__ for base in type(error).__mro__]
    if begun:
        return BadReply(f"the answer of {host} broke off", host=host)
    if reused and not _DROPS.isdisjoint(names):
        return ConnectionDropped(f"{host} closed the connection", host=host)
    if (wrong := _wrong_scheme(error, host, names, tls=tls)) is not None:
        return wrong
    kind, sentence = next(FAILURES[name] for name in names if name in FAILURES)
    if kind is Unreachable and any(isinstance(cause, ConnectionRefusedError) for cause in _chain(error)):
        kind = ConnectionRefused
    ours = kind(sentence.format(host=host, reason=_reason(error)), host=host)
    ours.sent = _BEFORE_SENDING.isdisjoint(names)
    ours.transient = not any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _chain(error))
    return ours


def _wrong_scheme(error: BaseException, host: str, names: list[str], *, tls: bool) -> BackendError | None:
    """The error for https to a server of plain http. It is known at once and stays so."""
    reasons = {str(getattr(cause, "reason", "")) for cause in _chain(error) if isinstance(cause, ssl.SSLError)}
    sentence = ""
    if not _NO_TLS.isdisjoint(reasons):
        sentence = f"{host} does not speak TLS at that port: should base_url begin with http://?"
    elif tls and "ConnectTimeout" in names:
        sentence = f"{host} takes connections but does not answer in TLS: should base_url begin with http://?"
    if not sentence:
        return None
    ours = Unreachable(sentence, host=host)
    ours.transient = ours.sent = False
    return ours


def late(host: str, timeout: float, *, begun: bool) -> BackendError:
    """The error for a call that took longer than the setting ``timeout``, in seconds."""
    ours: BackendError = Unreachable(f"{host} did not answer within {timeout:g} s", host=host)
    if begun:
        ours = BadReply(f"the answer of {host} did not end within {timeout:g} s", host=host)
    ours.timed_out = True
    return ours


def _reason(error: BaseException) -> str:
    causes = list(_chain(error))
    found = (says for kind, says in _REASONS if any(isinstance(cause, kind) for cause in causes))
    return next(found, "no way there")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def no_key(host: str, status: int) -> BackendError:
    """It wants a key, and was sent none."""
    return Unauthorized(
        f"{host} wants a key ({status}), and was sent none: set api_key or api_key_command; a key of the environment goes "
        "to its own host only",
        host=host,
    )


def no_key_yet(host: str) -> BackendError:
    """Not a refusal: the program may be waiting for its user, and the key it brings is kept for the next call."""
    error = Unreachable("api_key_command has not brought a key yet", host=host)
    error.sent = False
    return error
