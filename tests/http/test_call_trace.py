"""Where a call may be ended, by the events that httpcore reports; the events of a real call are those of ``test_client.py``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from fim_lsp.http.call_trace import CallTrace, HungUp

HEADERS = "http11.send_request_headers.started"
BODY = "http11.send_request_body.complete"
HEAD = "http11.receive_response_headers"
CLOSED = "http11.response_closed.started"
TCP = "connection.connect_tcp"
TLS = "connection.start_tls"


class Call:
    """A call to a host, and what it has told so far."""

    def __init__(self, url: str = "https://api.example.com/v1") -> None:
        self.told: list[str] = []
        self.trace = CallTrace(
            url, on_sent=lambda: self.told.append("sent"), slot_lost=lambda: self.told.append("lost")
        )

    async def happens(self, event: str, **info: Any) -> None:
        """httpcore reports an event. ``connect`` tells of a request whether it asks a proxy for a tunnel."""
        method = b"CONNECT" if info.pop("connect", False) else b"POST"
        stream = SimpleNamespace(read=None)
        await self.trace(event, {"request": SimpleNamespace(method=method), "return_value": stream, **info})


async def test_a_call_may_be_ended_from_its_headers_to_the_end_of_the_response() -> None:
    call = Call()
    call.trace.is_cancellable = False  # it has entered the pool
    for event, cancellable in (
        (f"{TCP}.complete", False), (f"{TLS}.started", False), (f"{TLS}.complete", False), (HEADERS, True), (BODY, True),
        (f"{HEAD}.started", True), (f"{HEAD}.complete", True), (CLOSED, False),
    ):  # fmt: skip
        await call.happens(event)
        assert call.trace.is_cancellable is cancellable, event
    assert call.told == ["sent"]


async def test_one_whose_caller_has_gone_ends_before_anything_is_sent() -> None:
    call = Call()
    call.trace.has_hung_up = True
    await call.happens(f"{TCP}.complete")
    with pytest.raises(HungUp):
        await call.happens(HEADERS)
    assert call.told == []


async def test_in_a_proxys_tunnel_it_may_be_ended_while_the_proxy_is_silent_but_not_while_tls_begins() -> None:
    call = Call()
    for event, cancellable in (
        (HEADERS, False), (BODY, False), (f"{HEAD}.started", True), (f"{HEAD}.complete", False),
        ("proxy.start_tls.started", False),
    ):  # fmt: skip
        await call.happens(event, connect=True)
        assert call.trace.is_cancellable is cancellable, event
    assert call.told == []
    await call.happens("proxy.start_tls.failed")
    assert call.told == ["lost"]
    await call.happens(HEADERS)
    await call.happens(BODY)
    assert call.told == ["lost", "sent"]


@pytest.mark.parametrize(
    ("url", "host", "port", "proxy"),
    [
        ("https://api.example.com/v1", "api.example.com", 443, ""),
        ("http://api.example.com/v1", "api.example.com", 80, ""),
        ("http://127.0.0.1:8012/v1", "127.0.0.1", 8012, ""),
        ("https://api.example.com/v1", "proxy.example.com", 3128, "proxy.example.com:3128"),
        ("https://api.example.com/v1", "api.example.com", 3128, "api.example.com:3128"),
    ],
)
async def test_who_is_being_connected_to(url: str, host: str, port: int, proxy: str) -> None:
    call = Call(url)
    assert call.trace.is_connection_reused
    await call.happens(f"{TCP}.started", host=host, port=port)
    assert (call.trace.proxy, call.trace.is_connection_reused) == (proxy, False)
    await call.happens(f"{TCP}.complete")
    assert call.trace.proxy == ""


async def test_a_handshake_is_one_until_it_is_complete() -> None:
    call = Call()
    for event, handshake in (("started", True), ("failed", True), ("started", True), ("complete", False)):
        await call.happens(f"{TLS}.{event}")
        assert call.trace.is_tls_handshake is handshake
