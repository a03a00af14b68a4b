"""The HTTP client. Each call runs in its own task. This is the only file that imports httpx.

The reason for the tasks: httpcore 1.0.9 loses a slot of its pool when a request is cancelled between getting a connection
and using it (https://github.com/encode/httpcore/issues/1093, /658, /830). Typing cancels requests all the time, so a pool
of any size was dead within minutes. A call is therefore only cancelled where that is safe: before it enters the pool, from
the start of the request's headers to the end of the response, and while a proxy's answer to CONNECT is awaited, as a silent
proxy sends none. httpcore's public ``trace`` extension reports these points, see ``call_trace.py``. If the caller hangs up
elsewhere, it returns at once, and the call ends by itself at the next safe point, without having sent anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from fim_lsp import __version__
from fim_lsp.errors import BackendError, BadReply, Paused, Unreachable
from fim_lsp.http.body_pipe import BodyPipe
from fim_lsp.http.call_trace import CallTrace, HungUp
from fim_lsp.http.head_limit import HeadLimit
from fim_lsp.http.network_errors import map_exception, timeout_error
from fim_lsp.http.request import HttpRequest, is_success
from fim_lsp.http.urls import host_of, is_loopback
from fim_lsp.secret import Secret

if TYPE_CHECKING:
    import httpx

CONNECTIONS: Final = 8
KEEPALIVE: Final = 120.0  # seconds; httpx' default of 5 would mean a new TLS handshake after every short break
CONNECT_TIMEOUT: Final = 3.0  # seconds each for TCP and for TLS
LOOPBACK_CONNECT_TIMEOUT: Final = 1.0
BODY_LIMIT: Final = 8 << 20  # bytes
HEADERS_LIMIT: Final = 256  # lines; h11 bounds their size at 100 kB
DRAIN_TIMEOUT: Final = 1.0  # seconds for the last bytes of a finished response, so that its connection can be kept
DRAIN_LIMIT: Final = 64 << 10  # bytes, likewise
_READS_PER_TURN: Final = 16  # before other tasks run: a server may send single bytes


OnSent = Callable[[int], None]
"""Called with the bytes of a request's body when they have been sent."""


class Transport:
    """Connections to one host. Nothing is imported, read or opened before the first call or :meth:`warm_up`."""

    def __init__(self, base_url: str, *, timeout: float, connections: int = CONNECTIONS) -> None:
        self.base_url = base_url
        self.timeout = timeout
        self.slots = asyncio.Semaphore(connections)  # so that no call ever waits inside httpcore's pool
        self._connections = connections
        self._building: asyncio.Task[httpx.AsyncClient] | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._lost = 0  # slots of the client's pool
        self._retiring: set[asyncio.Task[None]] = set()
        self._closed = False

    async def send(
        self, request: HttpRequest, key: Secret | None, *, deadline: float, on_sent: OnSent | None = None
    ) -> Exchange:
        """Send ``request`` and wait for the head of the response; use the result in a ``with`` block, which ends the call.

        ``deadline`` is for the whole call, in the event loop's time. ``on_sent`` is called once the request has been
        sent as a whole. Raises :class:`~fim_lsp.errors.BackendError`.
        """
        exchange = Exchange(self, request, key, deadline=deadline, on_sent=on_sent)
        self._calls.add(exchange.task)
        exchange.task.add_done_callback(self._calls.discard)
        try:
            await exchange.wait_for_head()
        except BaseException:
            exchange.hang_up()
            raise
        return exchange

    async def warm_up(self) -> None:
        """Import httpx and load certificates: 100 to 200 ms, in a thread, and without any network."""
        await self.client()

    async def client(self) -> httpx.AsyncClient:
        """The client, made once. Raises :class:`~fim_lsp.errors.Unreachable` if the proxy or certificates are unusable."""
        if self._closed:
            raise self.aborted()
        if self._building is None or (self._building.done() and _failed(self._building)):
            self._building = asyncio.create_task(asyncio.to_thread(self._build))
        return await asyncio.shield(self._building)

    async def close(self) -> None:
        """End all calls and connections, for good: calls in flight and later ones raise :class:`~fim_lsp.errors.Paused`."""
        self._closed = True
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        if waiting := [*calls, *self._retiring]:
            await asyncio.wait(waiting)
        if self._building is not None:
            await _close(self._building)
            self._building = None

    def slot_lost(self) -> None:
        """httpcore has lost a slot: before the last one is, the next call gets another client, and this one is closed in time."""
        self._lost += 1
        if self._lost >= self._connections // 2 and self._building is not None:
            retiring = asyncio.create_task(_close(self._building, list(self._calls)))
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)
            self._building, self._lost = None, 0

    def aborted(self) -> BackendError:
        """The error for a call that was ended from this side."""
        host = host_of(self.base_url)
        if self._closed:
            return Paused("other settings apply now", host=host)
        return Unreachable(f"the call to {host} was aborted")

    def _build(self) -> httpx.AsyncClient:
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        import httpx

        for name in ("httpx", "httpcore"):  # they log URLs and headers
            logging.getLogger(name).setLevel(logging.WARNING)
        connect = LOOPBACK_CONNECT_TIMEOUT if is_loopback(self.base_url) else CONNECT_TIMEOUT
        try:
            return httpx.AsyncClient(
                verify=ssl_context(self.base_url, os.environ),
                http2=False,  # httpcore does not notify an HTTP/2 server that a call was cancelled
                trust_env=not is_loopback(self.base_url),  # proxies; none is meant for servers on this machine
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
        except (ValueError, ImportError, httpx.InvalidURL) as error:  # an unknown scheme, or SOCKS without its package
            raise Unreachable(
                "the proxy set in the environment can't be used: check HTTPS_PROXY and ALL_PROXY"
            ) from error


async def _close(building: asyncio.Task[httpx.AsyncClient], calls: Sequence[asyncio.Task[None]] = ()) -> None:
    """Close a client once these calls are over."""
    await asyncio.wait([building, *calls])
    if not _failed(building):
        await building.result().aclose()


def _failed(building: asyncio.Task[httpx.AsyncClient]) -> bool:
    return building.cancelled() or building.exception() is not None


def ssl_context(url: str, env: Mapping[str, str]) -> ssl.SSLContext:
    """The TLS context for connections to ``url``. Takes tens of milliseconds, so it is made once, in a thread.

    The operating system's certificates are trusted, including those of a company's CA, and those that SSL_CERT_FILE and
    SSL_CERT_DIR add, as with curl and OpenSSL. For http://, no certificates are read. Raises
    :class:`~fim_lsp.errors.Unreachable` if a variable names something that can't be read.
    """
    if urlsplit(url).scheme != "https":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    import truststore

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for variable, argument in (("SSL_CERT_FILE", "cafile"), ("SSL_CERT_DIR", "capath")):
        path = env.get(variable)
        if not path:
            continue
        try:
            context.load_verify_locations(**{argument: path})
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; ValueError: not a file name
            raise Unreachable(f"{variable} does not contain certificates that can be read") from error
    return context


async def listens(host: str, port: int, *, within: float) -> bool:
    """Whether anything accepts connections there, waiting up to ``within`` seconds. Does not need httpx."""
    try:
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # TimeoutError is one
        return False
    writer.close()
    return True


class Exchange:
    """One call: :attr:`task` sends the request and receives the response, which is read here piece by piece."""

    def __init__(
        self,
        transport: Transport,
        request: HttpRequest,
        key: Secret | None,
        *,
        deadline: float,
        on_sent: OnSent | None = None,
    ) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._transport = transport
        self._request = request
        self._key = key
        self._deadline = deadline
        self._on_sent = on_sent
        self._host = host_of(request.url)
        self._pipe = BodyPipe()
        self._body: bytes | None = None  # once it has been read as a whole
        self._trace = CallTrace(request.url, on_sent=self._sent, slot_lost=transport.slot_lost)
        self._complete = False
        self._head_received = False
        self.task = asyncio.create_task(self._run())
        self.task.add_done_callback(self._done)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pipe.close()
        if self._complete and not self.task.done():
            drain = asyncio.get_running_loop().call_later(DRAIN_TIMEOUT, self.hang_up)
            self.task.add_done_callback(lambda _: drain.cancel())
        else:
            self.hang_up()

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return is_success(self.status)

    async def wait_for_head(self) -> None:
        """Wait for the status and headers."""
        await self.chunk()  # the first one is empty

    async def chunk(self) -> bytes:
        """The next bytes of the body, ``b""`` at its end. Raises :class:`~fim_lsp.errors.BackendError`."""
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._pipe.read()
        except TimeoutError:
            raise timeout_error(self._host, self._transport.timeout, head_received=self._head_received) from None

    async def read(self, limit: int) -> bytes:
        """The body, up to ``limit`` bytes; whatever arrived if the connection breaks. May be called repeatedly."""
        if self._body is None:
            body = bytearray()
            with contextlib.suppress(BackendError):  # the status alone is enough for an error
                while len(body) < limit and (data := await self.chunk()):
                    body += data
                self.complete()
            self._body = bytes(body[:limit])
        return self._body

    def complete(self) -> None:
        """Everything of interest has been read: the remaining bytes may be drained, to keep the connection."""
        self._complete = True

    def hang_up(self) -> None:
        """Close the connection, or never use it. Returns at once, may be called at any time and repeatedly."""
        if not self._trace.has_hung_up:
            self._trace.has_hung_up = True
            if self._trace.is_cancellable:
                self.task.cancel()

    async def _run(self) -> None:
        client = await self._transport.client()
        async with self._transport.slots:
            import httpx

            try:
                self._trace.is_cancellable = False
                self._head_limit = HeadLimit(self._host)
                await self._call(client)
            except HungUp:
                pass
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, OSError) as error:
                raise map_exception(
                    error,
                    self._host,
                    head_received=self._head_received,
                    connection_reused=self._trace.is_connection_reused,
                    tls_handshake=self._trace.is_tls_handshake,
                    proxy=self._trace.proxy,
                ) from error
            finally:
                self._trace.is_cancellable = True

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
            self._receive_head(response)
            self._pipe.put(b"")
            if not _is_compressed(response):
                await self._receive_body(response)
        self._pipe.put(b"")

    def _receive_head(self, response: httpx.Response) -> None:
        """Take status and headers. Raises BadReply for too many headers, and for a completion that is compressed."""
        if len(response.headers.raw) > HEADERS_LIMIT:
            raise BadReply(f"the response of {self._host} has more than {HEADERS_LIMIT} headers", host=self._host)
        if response.is_success and _is_compressed(response):
            raise BadReply(
                f"the response of {self._host} is compressed, although the request forbids that "
                "(Accept-Encoding: identity): configure the server, or the proxy in between, to send it uncompressed",
                host=self._host,
            )
        self.status, self.headers = response.status_code, dict(response.headers.items())
        self._head_received = True
        self._head_limit.complete()

    async def _receive_body(self, response: httpx.Response) -> None:
        """Take the bytes as they arrive, no faster than they are read. Nothing is ever decompressed."""
        size = reads = 0
        limit = BODY_LIMIT
        async for data in response.aiter_raw():
            size, reads = size + len(data), reads + 1
            if reads % _READS_PER_TURN == 0:
                await asyncio.sleep(0)
            if self._pipe.closed:
                limit = min(limit, size + DRAIN_LIMIT)
            if size > limit:
                raise BadReply(f"the response of {self._host} does not end", host=self._host)
            if data and not self._pipe.closed:
                await self._pipe.write(data)

    def _sent(self) -> None:
        if self._on_sent is not None:
            self._on_sent(len(self._request.body))

    def _done(self, task: asyncio.Task[None]) -> None:
        """Wake a reader that is still waiting. An unexpected error reaches the caller unchanged."""
        error = self._transport.aborted() if task.cancelled() else task.exception()
        if error is not None:
            self._pipe.put(error)


def _is_compressed(response: httpx.Response) -> bool:
    """Whether the body has a content coding: it might unpack to a thousand times its size."""
    codings = response.headers.get("content-encoding", "").lower().split(",")
    return any(coding.strip() not in ("", "identity") for coding in codings)
