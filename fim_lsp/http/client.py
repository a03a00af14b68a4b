"""The network: one call at a time, in a task of its own. The only file that imports httpx.

Why a task of its own: httpcore 1.0.9 loses a place in its pool when a request is cancelled in the moment between
having a connection and using it (https://github.com/encode/httpcore/issues/1093, /658, /830). Typing cancels all the
time, so a pool of any size was dead within minutes. So a call is cancelled only while that is clean: before it has
entered the pool, and between the start of the request's headers and the end of the answer, which httpcore's public
``trace`` extension tells. If the caller hangs up in between, it goes its way at once, and the call ends by itself at
the next such place, without having sent anything.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from fim_lsp import __version__
from fim_lsp.errors import BackendError, BadReply, Paused, Unreachable
from fim_lsp.http.body_pipe import Pipe
from fim_lsp.http.network_errors import late, map_exception
from fim_lsp.http.request import HttpRequest
from fim_lsp.http.tls import trust
from fim_lsp.http.urls import host_of, is_loopback
from fim_lsp.secret import Secret

if TYPE_CHECKING:
    import httpx

CONNECTIONS: Final = 8
KEEPALIVE: Final = 120.0  # seconds; httpx' own 5 would mean a new TLS handshake after every pause for thought
CONNECT_TIMEOUT: Final = 3.0  # seconds each for TCP and for TLS
CONNECT_HERE: Final = 1.0  # the same for this machine
DRAIN_TIMEOUT: Final = 1.0  # seconds for the last bytes after an answer's end, so that its connection can be kept
ANSWER_LIMIT: Final = 8 << 20  # bytes
HEADERS_LIMIT: Final = 256  # lines of an answer's head; h11 reads up to 100 kB of them
DRAIN_LIMIT: Final = (
    64 << 10
)  # bytes that are read for nothing after an answer's end, so that its connection can be kept
_TURN: Final = 16  # pieces that httpcore gives us in one go; a server may send a byte in each


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """An answer's status and headers, their names in lower case."""

    status: int
    headers: Mapping[str, str]


class _HungUp(Exception):  # not an error, but how a call is left that nobody waits for
    """Raised inside httpcore, at a place where leaving is clean."""


class Transport:
    """Connections to one host. Nothing is imported, read or opened before the first call, or :meth:`warm_up`."""

    def __init__(self, base_url: str, *, timeout: float, connections: int = CONNECTIONS) -> None:
        self.base_url = base_url
        self.timeout = timeout
        self.slots = asyncio.Semaphore(connections)  # so that no call ever waits inside httpcore's pool
        self._connections = connections
        self._building: asyncio.Task[httpx.AsyncClient] | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._closed = False

    async def warm_up(self) -> None:
        """Do what is slow about the first call and needs no network: 100 to 200 ms, in a thread."""
        await self.client()

    async def client(self) -> httpx.AsyncClient:
        """The client, made once. Raises :class:`~fim_lsp.errors.Unreachable` if proxy or certificates are unusable."""
        if self._closed:
            raise self.given_up()
        if self._building is None or (self._building.done() and self._failed(self._building)):
            self._building = asyncio.create_task(asyncio.to_thread(self._build))
        return await asyncio.shield(self._building)

    def call(self, request: HttpRequest, key: Secret | None) -> Exchange:
        """Start a call; use it in a ``with`` block, whose end hangs up."""
        exchange = Exchange(self, request, key)
        self._calls.add(exchange.task)
        exchange.task.add_done_callback(self._calls.discard)
        return exchange

    async def close(self) -> None:
        """End all calls and connections, for good: whoever still asks is told :class:`~fim_lsp.errors.Paused`."""
        self._closed = True
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        if calls:
            await asyncio.wait(calls)
        if self._building is not None:
            await asyncio.wait([self._building])
            if not self._failed(self._building):
                await self._building.result().aclose()
            self._building = None

    def given_up(self) -> BackendError:
        """The error for a call that ended because we wanted it to."""
        host = host_of(self.base_url)
        return (
            Paused("other settings are in force", host=host) if self._closed else Unreachable(f"{host} was hung up on")
        )

    @staticmethod
    def _failed(building: asyncio.Task[httpx.AsyncClient]) -> bool:
        return building.cancelled() or building.exception() is not None

    def _build(self) -> httpx.AsyncClient:
        import httpx

        for name in ("httpx", "httpcore"):  # they log addresses and headers
            logging.getLogger(name).setLevel(logging.WARNING)
        connect = CONNECT_HERE if is_loopback(self.base_url) else CONNECT_TIMEOUT
        try:
            return httpx.AsyncClient(
                verify=trust(os.environ, self.base_url),
                http2=False,  # httpcore never tells an HTTP/2 server that a call was cancelled
                trust_env=not is_loopback(self.base_url),  # proxies; none is meant for this machine's own servers
                follow_redirects=False,
                limits=httpx.Limits(
                    max_connections=self._connections,
                    max_keepalive_connections=self._connections,
                    keepalive_expiry=KEEPALIVE,
                ),
                timeout=httpx.Timeout(self.timeout, connect=min(connect, self.timeout)),
                headers={"User-Agent": f"fim-lsp/{__version__}", "Accept-Encoding": "identity"},
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # none is kept
            )
        except (ValueError, ImportError, httpx.InvalidURL) as error:  # a scheme, SOCKS without its package, an address
            raise Unreachable(
                "the proxy that the environment names can't be used: check HTTPS_PROXY, ALL_PROXY"
            ) from error


def _compressed(response: httpx.Response) -> bool:
    """Whether a body is anything but what it says: it may unpack to a thousand times as much."""
    codings = response.headers.get("content-encoding", "").lower().split(",")
    return any(coding.strip() not in ("", "identity") for coding in codings)


async def listens(host: str, port: int, *, within: float) -> bool:
    """Whether anything takes connections there, within ``within`` seconds. Needs no httpx."""
    try:
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # TimeoutError is one
        return False
    writer.close()
    return True


class Exchange:
    """One call: the request goes out and the answer comes in, in :attr:`task`; here it is taken piece by piece."""

    def __init__(self, transport: Transport, request: HttpRequest, key: Secret | None) -> None:
        self._transport = transport
        self._request = request
        self._key = key
        self._host = host_of(request.url)
        self._pipe = Pipe()
        self._head = Head(status=0, headers={})
        self._cancellable = True
        self._hung_up = False
        self._complete = False
        self._reused = True  # until a connection is made
        self._tls = False  # whether TLS is being set up
        self._begun = False  # whether a byte of the answer has come
        self.task = asyncio.create_task(self._run())
        self.task.add_done_callback(self._done)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pipe.leave()
        if self._complete and not self.task.done():
            drain = asyncio.get_running_loop().call_later(DRAIN_TIMEOUT, self.hang_up)
            self.task.add_done_callback(lambda _: drain.cancel())
        else:
            self.hang_up()

    def complete(self) -> None:
        """Say that what is wanted has come: what remains may be read, so that the connection can be used again."""
        self._complete = True

    def hang_up(self) -> None:
        """Close the connection, or never use it. Returns at once, may be called at any time and repeatedly."""
        if not self._hung_up:
            self._hung_up = True
            if self._cancellable:
                self.task.cancel()

    async def head(self, deadline: float) -> Head:
        """The answer's status and headers; ``deadline`` in the event loop's time. Raises BackendError."""
        await self.chunk(deadline)  # the first one says that the head is there
        return self._head

    async def chunk(self, deadline: float) -> bytes:
        """The next bytes of the body, ``b""`` at its end; not before :meth:`head`. Raises BackendError.

        A server that sends faster than its answer is read holds up nothing but its own call, and that not beyond its
        deadline.
        """
        try:
            async with asyncio.timeout_at(deadline):
                return await self._pipe.take()
        except TimeoutError:
            raise late(self._host, self._transport.timeout, begun=self._begun) from None

    async def _run(self) -> None:
        client = await self._transport.client()
        async with self._transport.slots:
            import httpx

            try:
                self._cancellable = False
                await self._call(client)
            except _HungUp:
                pass
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, OSError) as error:
                raise map_exception(error, self._host, begun=self._begun, reused=self._reused, tls=self._tls) from error
            finally:
                self._cancellable = True

    async def _call(self, client: httpx.AsyncClient) -> None:
        headers = dict(self._request.headers)
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.reveal()}"
        async with client.stream(
            self._request.method,
            self._request.url,
            headers=headers,
            content=self._request.body,
            extensions={"trace": self._trace},
        ) as response:
            self._head = self._read_head(response)
            self._begun = True
            self._pipe.put(b"")
            if not _compressed(response):
                await self._read_body(response)
        self._pipe.put(b"")

    def _read_head(self, response: httpx.Response) -> Head:
        """Status and headers. Raises BadReply for more than any server means, and for a completion that is compressed."""
        if len(response.headers.raw) > HEADERS_LIMIT:
            raise BadReply(f"the answer of {self._host} has more than {HEADERS_LIMIT} headers", host=self._host)
        if response.is_success and _compressed(response):
            raise BadReply(
                f"the answer of {self._host} is compressed, though it was asked for as it is (Accept-Encoding: identity): "
                "whoever runs it, or a proxy on the way, must leave it so",
                host=self._host,
            )
        return Head(status=response.status_code, headers=dict(response.headers.items()))

    async def _read_body(self, response: httpx.Response) -> None:
        """Take the bytes as they come, no faster than they are read; nothing is ever decompressed."""
        size = pieces = 0
        kept_to = ANSWER_LIMIT
        async for data in response.aiter_raw():
            size, pieces = size + len(data), pieces + 1
            if pieces % _TURN == 0:
                await asyncio.sleep(0)
            if self._pipe.left:
                kept_to = min(kept_to, size + DRAIN_LIMIT)
            if size > kept_to:
                raise BadReply(f"the answer of {self._host} does not end", host=self._host)
            if data and not self._pipe.left:
                await self._pipe.give(data)

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's public hook (https://www.encode.io/httpcore/extensions/#trace): where the call is."""
        if event == "connection.connect_tcp.started":
            self._reused = False
        elif event.startswith("connection.start_tls."):
            self._tls = not event.endswith("complete")
        elif (
            event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT"
        ):  # a proxy's tunnel
            if self._hung_up:
                raise _HungUp
            self._cancellable = True
        elif event == "http11.response_closed.started":
            self._cancellable = False  # giving the connection back must not be interrupted either; it takes no time

    def _done(self, task: asyncio.Task[None]) -> None:
        """Wake whoever still waits. An error nobody foresaw goes to the caller as it is."""
        error = self._transport.given_up() if task.cancelled() else task.exception()
        if error is not None:
            self._pipe.put(error)
