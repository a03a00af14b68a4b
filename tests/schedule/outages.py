"""A network that fails in every way there is and comes back, under a real back end, in virtual time.

``python -m tests.schedule.outages`` prints the seconds from the end of each fault to the first answer.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from fim_lsp.backends.codestral import codestral
from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.http.client import Transport
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.schedule.circuit_breaker import CircuitBreaker
from fim_lsp.schedule.request import CompletionResult, Outcome
from fim_lsp.schedule.scheduler import Scheduler
from fim_lsp.secret import Secret
from fim_lsp.session.notifier import Level, Notifier
from fim_lsp.settings.schema import Settings
from tests.schedule.script import Script, Typist, a_chain, a_client
from tests.virtual import now, run

URL = "https://fim.example"
FIRST_TOKEN, PER_TOKEN = 0.25, 0.015  # Codestral's, as measured
GAP = 0.2  # seconds between keys
TEXT = "total = " + " + ".join(f"name_{number:04}" for number in range(200))  # is typed, and the model knows it
_ASKED = (Outcome.CALL, Outcome.REUSED_CALL)
HTML = b"<!doctype html><title>Sign in to the network</title>"


Reply = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""Answers a request, or fails."""


def _event(text: str, finish: str | None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


class _Body(httpx.AsyncByteStream):
    """A streamed answer that may hang or break off after ``good`` tokens."""

    def __init__(self, request: httpx.Request, *, good: int | None = None, hangs: bool = False) -> None:
        self._good, self._hangs = good, hangs
        typed = len(json.loads(request.content)["prompt"])
        self._tokens = [TEXT[start : start + 4] for start in range(typed, typed + 40, 4)]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number, token in enumerate(self._tokens):
            if number == self._good:
                if self._hangs:
                    await asyncio.Event().wait()
                raise httpx.ReadError("gone")
            yield _event(token, None)
            await asyncio.sleep(PER_TOKEN)
        yield _event("", "stop") + b"data: [DONE]\n\n"


def _raises(kind: type[httpx.TransportError], cause: BaseException | None = None) -> Reply:
    async def fail(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.002)
        raise kind("scripted") from cause

    return fail


def _replies(status: int, body: bytes = b"", content_type: str = "text/html", **headers: str) -> Reply:
    async def reply(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.05)
        return httpx.Response(status, content=body, headers={"Content-Type": content_type, **headers})

    return reply


async def _silent(_request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def _unroutable(_request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(3)  # the limit of fim_lsp.http.client
    raise httpx.ConnectTimeout("scripted")


async def _headers_then_nothing(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=_Body(request, good=0, hangs=True), headers={"Content-Type": "text/event-stream"})


async def _truncated(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(FIRST_TOKEN)
    return httpx.Response(200, stream=_Body(request, good=1), headers={"Content-Type": "text/event-stream"})


async def _stalls(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(FIRST_TOKEN)
    return httpx.Response(200, stream=_Body(request, good=1, hangs=True), headers={"Content-Type": "text/event-stream"})


async def _well(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(FIRST_TOKEN)
    return httpx.Response(200, stream=_Body(request), headers={"Content-Type": "text/event-stream"})


def _json(status: int, message: str) -> Reply:
    return _replies(status, json.dumps({"object": "error", "message": message}).encode(), "application/json")


FAULTS: dict[str, Reply] = {
    "refused": _raises(httpx.ConnectError, ConnectionRefusedError()),
    "reset": _raises(httpx.ReadError),
    "closed without a word": _raises(httpx.RemoteProtocolError),
    "accepted and silent": _silent,
    "unroutable": _unroutable,
    "500": _replies(500, b"{}", "application/json"),
    "502": _replies(502, b"<html>bad gateway</html>"),
    "503": _replies(503),
    "529": _json(529, "Overloaded"),
    "400 page": _replies(400, HTML),
    "401 page": _replies(401, HTML),
    "403 page": _replies(403, HTML),
    "403 empty": _replies(403),
    "404 page": _replies(404, HTML),
    "451 page": _replies(451, HTML),
    "511 sign in": _replies(511, HTML),
    "200 page": _replies(200, HTML),
    "200 empty": _replies(200),
    "401 of the API": _json(401, "Unauthorized"),
    "404 model": _json(404, "The model `codestral-latest` does not exist"),
    "redirect": _replies(302, Location="https://login.example/"),
    "DNS": _raises(httpx.ConnectError, socket.gaierror(-2, "unknown")),
    "TLS": _raises(httpx.ConnectError, ssl.SSLError(1, "handshake failure")),
    "certificate": _raises(httpx.ConnectError, ssl.SSLCertVerificationError(1, "self-signed")),
    "proxy dies": _raises(httpx.ProxyError),
    "407": _replies(407, HTML),
    "headers then nothing": _headers_then_nothing,
    "truncated": _truncated,
    "stalls in the answer": _stalls,
}


@dataclass
class Network(httpx.AsyncBaseTransport):
    """``behave`` answers the requests that begin now; ``calls`` are the times of all of them."""

    behave: Reply = _well
    calls: list[float] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(now())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            trace = request.extensions["trace"]
            await trace("connection.connect_tcp.started", {"host": request.url.host, "port": request.url.port or 443})
            await trace("http11.send_request_headers.started", {"request": request})
            return await self.behave(request)
        finally:
            self.in_flight -= 1


class Wired(Transport):
    """A transport over a :class:`Network`."""

    def __init__(self, base_url: str, *, timeout: float, network: Network) -> None:
        super().__init__(base_url, timeout=timeout)
        self._client = httpx.AsyncClient(transport=network)

    async def client(self) -> httpx.AsyncClient:
        return self._client


class Outage:
    """An editor whose first back end is asked over ``network``, with a fallback that always has text."""

    def __init__(self, *, timeout: float = 10, jitter: float = 1.0, limits: Limits | None = None) -> None:
        self.network = Network()
        backend = HttpBackend(codestral(base_url=URL), keys=KeySource(URL, api_key=Secret("k")), timeout=timeout)
        backend._transport = Wired(URL, timeout=timeout, network=self.network)
        self.backend = backend
        ngram = Script(lambda prompt: "fallback", host="", name="ngram", first=0.001, each=0.0)
        self.typist = Typist(ngram)
        self.notices: list[tuple[float, Level, str]] = []
        notifier = Notifier(lambda level, sentence: self.notices.append((now(), level, sentence)), now)
        self.clients = tuple(
            a_client(one, limits=limits or Limits(), breaker=CircuitBreaker(now, lambda: jitter))
            for one in (backend, ngram)
        )
        self.chain = a_chain(
            *self.clients,
            settings=Settings(timeout=timeout, stream=True),
            on_event=lambda event: notifier.on_backend_event(event, "ngram"),
        )
        self.typist.scheduler = Scheduler(self.chain, debounce=None, excluded=lambda _: False, clock=now)
        self.answers: list[tuple[float, CompletionResult]] = []

    async def type_until(self, end: float) -> None:
        """A key every fifth of a second, and a request for each."""
        while now() < end:
            self.key()
            await asyncio.sleep(GAP)

    def key(self) -> None:
        """One key, and the request that follows it."""
        self.typist.type(TEXT[self.typist.asked])
        asked = self.typist.ask()
        asked.add_done_callback(lambda done: None if done.cancelled() else self.answers.append((now(), done.result())))

    def answered_at(self, since: float) -> float | None:
        """When a call of the first back end first brought something after ``since``."""
        return next((at for at, answer in self.answers if at >= since and answer.outcome in _ASKED), None)

    async def recovery(self, fault: str, seconds: float, *, give_up: float = 100.0) -> float:
        """Seconds from the end of a fault that lasts ``seconds`` to the first answer, while a user types."""
        await self.type_until(now() + 3)
        self.network.behave = FAULTS[fault]
        self.network.calls.clear()
        end = now() + seconds
        await self.type_until(end)
        end, self.network.behave = now(), _well
        self.calls = len(self.network.calls)
        self.answers.clear()
        self.typist.scheduler._cache.clear()  # what was known before helps nobody to ask
        while self.answered_at(end) is None and now() < end + give_up:
            await self.type_until(now() + GAP)
        return (self.answered_at(end) or float("inf")) - end

    async def close(self) -> None:
        self.typist.scheduler.close()
        for client in self.clients:
            await client.breaker.close()
            await client.backend.close()


OUTAGES = (0.3, 0.9, 1.5, 2.7, 4.0, 7.1, 11.0, 33.0, 61.0)


def worst(fault: str, outages: tuple[float, ...] = OUTAGES) -> tuple[float, float]:
    """The longest recovery after outages of several lengths, and the most calls a second during the longest one."""

    async def one(seconds: float) -> tuple[float, float]:
        outage = Outage()
        result = await outage.recovery(fault, seconds)
        if hasattr(outage.clients[0].breaker, "close"):
            await outage.close()
        return result, outage.calls / seconds

    results = [run(one(seconds)) for seconds in outages]
    return max(seconds for seconds, _ in results), results[-1][1]


def main() -> None:
    for fault in sys.argv[1:] or FAULTS:
        short, long = worst(fault, OUTAGES[:-2]), worst(fault, OUTAGES[-2:])
        sys.stdout.write(f"{fault:24} {short[0]:6.2f} {long[0]:6.2f} s   {long[1]:5.2f} calls/s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
