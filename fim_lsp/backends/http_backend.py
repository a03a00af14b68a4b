"""A back end that is asked over HTTP: keys, second tries, deadlines and the log, around a pure profile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import Final, Self, TypeVar

from fim_lsp.backends.backend import Capacity, Chunk, Usage
from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.error_body import read_error_body
from fim_lsp.backends.profile import Capabilities, Flow, Profile, ProfileChange, Reader
from fim_lsp.errors import BackendError, Unauthorized, UnknownModel, Unreachable
from fim_lsp.http.client import Exchange, Head, Transport
from fim_lsp.http.network_errors import ConnectionDropped, ConnectionRefused, no_key, no_key_yet
from fim_lsp.http.request import HttpRequest, HttpResponse
from fim_lsp.http.urls import host_of, origin_of
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.secret import Secret

ERROR_LIMIT: Final = 64 * 1024
"""Bytes of an error's body that are read at the most."""

TALK_LIMIT: Final = 1 << 20
"""Bytes that are read of what a server says about itself; a gateway's list of models has hundreds of thousands."""

FORMS: Final = 3
"""Ways in which one question is asked at the most, when the server refuses one after the other."""

_Found = TypeVar("_Found")
_END: Final[Mapping[type[BaseException] | None, str]] = MappingProxyType(
    {
        None: "complete",
        GeneratorExit: "hung up",
        asyncio.CancelledError: "hung up",
    }
)
_log = logging.getLogger(__name__)


class HttpBackend:
    """A :class:`~fim_lsp.backends.backend.Backend` for any :class:`~fim_lsp.backends.profile.Profile`.

    ``timeout`` is for a whole call, in seconds. Belongs to the event loop it is made in.
    """

    def __init__(self, profile: Profile, *, keys: KeySource, timeout: float = 10.0) -> None:
        self._profile = profile
        self._keys = keys
        self._timeout = timeout
        self._transport = Transport(profile.base_url, timeout=timeout)
        self.capacity = Capacity()
        self._context: tuple[Snippet, ...] | None = None  # what the server has read ahead, or with a question

    @property
    def name(self) -> str:
        """See :class:`~fim_lsp.backends.backend.Backend`."""
        return self._profile.name

    @property
    def host(self) -> str:
        """See :class:`~fim_lsp.backends.backend.Backend`."""
        return host_of(self._profile.base_url)

    @property
    def model(self) -> str:
        """See :class:`~fim_lsp.backends.backend.Backend`."""
        return self._profile.model

    async def warm_up(self) -> None:
        """Do what is slow about the first call, without any network."""
        await self._transport.warm_up()

    async def capabilities(self) -> Capabilities:
        """Ask the server about itself, within the timeout, and from now on ask it as it wants to be asked.

        Raises :class:`~fim_lsp.errors.BackendError`, for example if it has not got the model.
        """
        profile = self._profile
        found = await self.run_flow(profile.capabilities_flow())
        self.capacity = found.capacity
        if found.change is not None:
            self._adopt(profile, found.change)
        return found

    async def run_flow(self, run_flow: Flow[_Found], deadline: float = float("inf")) -> _Found:
        """Send what ``run_flow`` yields, answer it, and return what it returns; within the timeout in all."""
        deadline = min(deadline, asyncio.get_running_loop().time() + self._timeout)
        with self._blamed(), contextlib.closing(run_flow):
            try:
                request = next(run_flow)
                while True:
                    request = run_flow.send(await self._whole(request, deadline))
            except StopIteration as end:
                found: _Found = end.value
                return found

    async def prepare(self, prompt: Prompt) -> bool:
        """Let the server read ``prompt``'s context ahead, or load its model; whether it was asked to.

        Call it when a document is opened and when its context changes; once for each context is enough. What goes
        wrong goes wrong again in :meth:`stream`, and is told there.
        """
        request = self._profile.preload_request(prompt)
        if request is None or prompt.context == self._context:
            return False
        self._context = prompt.context
        with contextlib.suppress(BackendError):
            await self._whole(request, asyncio.get_running_loop().time() + self._timeout)
        return True

    def retry(self) -> None:
        """See :class:`~fim_lsp.backends.backend.Backend`."""
        self._keys.retry()

    async def close(self) -> None:
        """See :class:`~fim_lsp.backends.backend.Backend`."""
        await self._transport.close()
        await self._keys.close()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """See :class:`~fim_lsp.backends.backend.Backend`.

        What the headers say about rate limits comes first, in a chunk of its own, even before an error is raised.
        """
        self._context = prompt.context
        with self._blamed(), contextlib.ExitStack() as calls:
            async with contextlib.aclosing(self._chunks(prompt, calls)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _chunks(self, prompt: Prompt, calls: contextlib.ExitStack) -> AsyncGenerator[Chunk, None]:
        log = calls.enter_context(_CallLog(self.host))
        deadline = asyncio.get_running_loop().time() + self._timeout
        profile = self._profile
        for form in range(1, FORMS + 1):
            request, profile = await self._request(profile, prompt)
            exchange, head, body = await self._ask(request, deadline, calls)
            log.status = head.status
            if quota := profile.quota(head.headers, now=time.time()):
                yield Chunk(quota=quota)
            if 200 <= head.status < 300:
                break
            body = await _body(exchange, deadline, ERROR_LIMIT) if body is None else body
            change = profile.alternative(head.status, body) if form < FORMS else None
            if change is None:
                error = profile.explain(head.status, head.headers, body, now=time.time())
                if isinstance(error, UnknownModel) and form < FORMS:
                    with contextlib.suppress(BackendError):
                        change = await self.run_flow(profile.other_model_flow(), deadline)
            if change is None:
                wants_key = isinstance(error, Unauthorized) or head.status == 401
                raise no_key(self.host, head.status) if wants_key and not await self._key(request, deadline) else error
            if self._adopt(profile, change):
                yield Chunk(notice=change.notice)
            profile = change.profile
        reader = profile.reader(prompt)
        async with contextlib.aclosing(_read(reader, exchange, deadline)) as chunks:
            async for chunk in chunks:
                log.note(chunk)
                yield chunk
        if reader.appended and (change := profile.alternative(head.status, b"")) and self._adopt(profile, change):
            yield Chunk(notice=change.notice)

    async def _request(self, profile: Profile, prompt: Prompt) -> tuple[HttpRequest, Profile]:
        """The question, and who wrote it: without a model's name it is asked for that first."""
        try:
            return profile.request(prompt), profile
        except UnknownModel:
            if profile.model:
                raise
        await self.capabilities()
        return self._profile.request(prompt), self._profile

    def _adopt(self, asked: Profile, change: ProfileChange) -> bool:
        """Ask as ``change`` says from now on; whether that is news, which it is not if another call has been told before."""
        if self._profile is not asked:
            return False
        self._profile = change.profile
        return True

    @contextlib.contextmanager
    def _blamed(self) -> Iterator[None]:
        """Errors from inside know their host, and what to do if nothing listens there."""
        try:
            yield
        except BackendError as error:
            if isinstance(error, ConnectionRefused) and (sentence := self._profile.absent):
                told = Unreachable(sentence, host=self.host)
                told.sent = False
                raise told from error
            error.host = error.host or self.host
            raise

    async def _whole(self, request: HttpRequest, deadline: float) -> HttpResponse:
        """A whole answer of any status."""
        with contextlib.ExitStack() as calls:
            exchange, head, body = await self._ask(request, deadline, calls)
            body = await _body(exchange, deadline, TALK_LIMIT) if body is None else body
            return HttpResponse(status=head.status, headers=head.headers, body=body)

    async def _ask(
        self, request: HttpRequest, deadline: float, calls: contextlib.ExitStack
    ) -> tuple[Exchange, Head, bytes | None]:
        """Send; again if a kept connection was dropped, or with a fresh key after a 401 of the API's, whose body comes along."""
        key = await self._key(request, deadline)
        may_resend = may_refresh = True
        while True:
            exchange = calls.enter_context(self._transport.call(request, key))
            try:
                head = await exchange.head(deadline)
            except ConnectionDropped:
                if not may_resend:
                    raise
                may_resend = False
                continue
            if head.status != 401 or key is None or not may_refresh:
                return exchange, head, None
            may_refresh = False
            body = await _body(exchange, deadline, ERROR_LIMIT)
            if not read_error_body(body).of_api or not await self._in_time(self._keys.refresh(key), deadline):
                return exchange, head, body
            key = await self._key(request, deadline)

    async def _key(self, request: HttpRequest, deadline: float) -> Secret | None:
        """The key, if it belongs to the host that is asked. Raises Unauthorized if it is a must and missing."""
        if origin_of(request.url) != self._keys.origin:
            return None
        key = await self._in_time(self._keys.key(), deadline)
        if key is None and self._profile.key_missing is not None:
            raise Unauthorized(self._profile.key_missing, host=self.host)
        return key

    async def _in_time(self, waiting: Awaitable[_Found], deadline: float) -> _Found:
        """What ``api_key_command`` brings, which goes on running for the next call if it is too slow for this one."""
        try:
            async with asyncio.timeout_at(deadline):
                return await waiting
        except TimeoutError:
            raise no_key_yet(self.host) from None


async def _read(reader: Reader, exchange: Exchange, deadline: float) -> AsyncGenerator[Chunk, None]:
    """What ``reader`` makes of the answer; at the finish reason what is wanted has come."""
    while data := await exchange.chunk(deadline):
        for chunk in reader.feed(data):
            if chunk.finish is not None:
                exchange.complete()
            yield chunk
    exchange.complete()
    for chunk in reader.finish():
        yield chunk


async def _body(exchange: Exchange, deadline: float, limit: int) -> bytes:
    """The body of an answer that is no completion: as much as comes and is worth reading."""
    body = bytearray()
    with contextlib.suppress(BackendError):  # the status alone says enough
        while len(body) < limit and (data := await exchange.chunk(deadline)):
            body += data
        exchange.complete()
    return bytes(body[:limit])


class _CallLog:
    """One line of the log for a call: where, how it went, how long, how much. Never what."""

    def __init__(self, host: str) -> None:
        self.status = 0
        self._host = host
        self._started = time.monotonic()
        self._first: float | None = None
        self._usage: Usage | None = None

    def __enter__(self) -> Self:
        return self

    def note(self, chunk: Chunk) -> None:
        if chunk.text and self._first is None:
            self._first = time.monotonic() - self._started
        self._usage = chunk.usage or self._usage

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        usage = self._usage or Usage()
        _log.debug(
            "%s: status %s, %s, first text %s ms, all %.0f ms, %d + %d tokens, %d cached",
            self._host,
            self.status or "none",
            _END.get(kind) or getattr(kind, "__name__", ""),
            "no" if self._first is None else f"{self._first * 1000:.0f}",
            (time.monotonic() - self._started) * 1000,
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.cached_tokens,
        )
