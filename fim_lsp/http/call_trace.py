"""How far a call has come, by httpcore's ``trace`` extension: where it may be ended, and whose fault a failure is.

https://www.encode.io/httpcore/extensions/#trace lists the events. Why a call must not be ended anywhere: see ``client.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from fim_lsp.http.head_limit import bound


class HungUp(Exception):  # not an error, but the way out of a call whose caller has hung up
    """Raised inside httpcore, at a point where ending the call is safe."""


class CallTrace:
    """One call to ``url``; an instance is the ``trace`` function of its request.

    ``is_cancellable`` says whether the call's task may be cancelled now, ``has_hung_up`` whether the caller no longer waits.
    ``is_connection_reused`` is false once this call has begun to connect, ``is_tls_handshake`` is true while the handshake is in
    progress or has failed, ``proxy`` is the address of a proxy that a connection is being made to. ``on_sent`` is called once
    the request has been sent as a whole, ``slot_lost`` when httpcore loses a slot of its pool to a dead connection.
    """

    def __init__(self, url: str, *, on_sent: Callable[[], None], slot_lost: Callable[[], None]) -> None:
        self._url = url
        self._on_sent, self._slot_lost = on_sent, slot_lost
        self.is_cancellable = True
        self.has_hung_up = False
        self.is_connection_reused = True
        self.is_tls_handshake = False
        self.proxy = ""
        self._is_sending = self._is_tunneling = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take an event. Raises :class:`HungUp` where the call can be ended, if its caller has hung up."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            bound(info["return_value"])
        if event == "connection.connect_tcp.started":
            self.is_connection_reused = False
            self.proxy = self._other_address(info["host"], info["port"])
        elif event == "connection.connect_tcp.complete":
            self.proxy = ""
        elif event == "proxy.start_tls.failed":  # the tunnel is dead
            self._slot_lost()
        elif event.startswith("connection.start_tls."):
            self.is_tls_handshake = not event.endswith("complete")
        elif event == "http11.send_request_headers.started":
            self._is_tunneling = info["request"].method == b"CONNECT"
            self._is_sending = not self._is_tunneling
            self._set_cancellable(self._is_sending)
        elif event.startswith("http11.receive_response_headers.") and self._is_tunneling:
            self._set_cancellable(event.endswith("started"))  # but not while TLS begins in the tunnel
        elif event == "http11.send_request_body.complete" and self._is_sending:
            self._is_sending = False
            self._on_sent()
        elif event == "http11.response_closed.started":
            self.is_cancellable = False  # returning the connection must not be interrupted either; it takes no time

    def _set_cancellable(self, cancellable: bool) -> None:
        if cancellable and self.has_hung_up:
            raise HungUp
        self.is_cancellable = cancellable

    def _other_address(self, host: str, port: int) -> str:
        """An address, unless it is the one that the request is for."""
        wanted = urlsplit(self._url)
        default = 443 if wanted.scheme == "https" else 80
        return "" if (host, port) == (wanted.hostname, wanted.port or default) else f"{host}:{port}"
