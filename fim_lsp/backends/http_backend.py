"""A back end that is asked over HTTP: keys, repeated attempts, deadlines and the log, around a pure profile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import Final, Self, TypeVar

from fim_lsp.backends.backend import Capacity, Chunk, OnSent, Usage, ignore_sent
from fim_lsp.backends.credentials import KeyPlace, KeySource
from fim_lsp.backends.error_response import read_error_body
from fim_lsp.backends.key_store import key_set_command
from fim_lsp.backends.profile import Capabilities, Flow, Profile, ProfileChange
from fim_lsp.errors import BackendError, Unauthorized, UnknownModel, Unreachable
from fim_lsp.http.client import Exchange, Transport
from fim_lsp.http.network_errors import ConnectionDropped, ConnectionRefused
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.http.request import HttpRequest, HttpResponse
from fim_lsp.http.urls import host_of, origin_of
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.secret import Secret

MAX_ATTEMPTS: Final = 3
"""How many ways of sending a prompt are tried if the server rejects one after another.

Each attempt is sent again if the server drops a kept-alive connection, and once more with a new key after a 401.
``schedule/backend_client.py`` retries on top of that.
"""

ERROR_BODY_LIMIT: Final = 64 * 1024
"""Bytes of an error's body that are read."""

FLOW_BODY_LIMIT: Final = 1 << 20
"""Bytes that are read when a server is asked about itself; a gateway's list of models has hundreds of thousands."""

_Result = TypeVar("_Result")
_OUTCOMES: Final[Mapping[type[BaseException] | None, str]] = MappingProxyType(
    {None: "complete", GeneratorExit: "hung up", asyncio.CancelledError: "hung up"}
)
_log = logging.getLogger(__name__)


class HttpBackend:
    """A :class:`~fim_lsp.backends.backend.Backend` for any :class:`~fim_lsp.backends.profile.Profile`.

    ``timeout`` is for a whole call, in seconds. The object belongs to the event loop that it is created in.
    """

    def __init__(self, profile: Profile, *, keys: KeySource, timeout: float = 10.0) -> None:
        self._profile = profile
        self._keys = keys
        self._timeout = timeout
        self._transport = Transport(profile.base_url, timeout=timeout)
        self.capacity = Capacity()
        self._context: tuple[Snippet, ...] | None = None  # the context that the server has read last

    @property
    def name(self) -> str:
        return self._profile.name

    @property
    def profile(self) -> Profile:
        """How the server is asked at the moment."""
        return self._profile

    @property
    def host(self) -> str:
        return host_of(self._profile.base_url)

    @property
    def model(self) -> str:
        return self._profile.model

    @property
    def key_place(self) -> KeyPlace | None:
        """Where the key comes from, None if there is none."""
        return self._keys.place

    @property
    def lacks_key(self) -> bool:
        """Whether a key is required and there is none."""
        return self._profile.missing_key_message is not None and self.key_place is None

    @property
    def key_delay(self) -> str:
        """A sentence while the key is waited for, from ``api_key_command`` or the keyring, otherwise ``""``."""
        return self._keys.delay if self._keys.is_waiting else ""

    def error(self, response: HttpResponse) -> BackendError:
        """The error for a response that is not 2xx, to a request with the key, if there is one."""
        return self._without_key(self._profile.error(response))

    def _without_key(self, error: BackendError) -> BackendError:
        """The same error, unless it says that a key is refused when none was sent: then one is required."""
        sentence = str(error)
        if self.key_place is not None or not isinstance(error, Unauthorized) or " refuses the key " not in sentence:
            return error
        return Unauthorized(sentence.replace(" refuses the key ", " requires a key "), host=error.host)

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        """Yield the completion. The rate limits in the headers come first, in a chunk of their own, even before an error."""
        self._context = prompt.context
        deadline = self._deadline()
        profile = self._profile
        with self._naming_the_host(), _CallLog(self.host) as log:
            for attempts_left in reversed(range(MAX_ATTEMPTS)):
                request, profile = await self._request(profile, prompt)
                with await self._open(request, deadline, on_sent) as exchange:
                    log.status = exchange.status
                    if quota := profile.quota(exchange.headers, now=time.time()):
                        yield Chunk(quota=quota)
                    if exchange.is_success:
                        async with contextlib.aclosing(self._read(profile, prompt, exchange)) as chunks:
                            async for chunk in chunks:
                                log.note(chunk)
                                yield chunk
                        return
                    change = await self._after_refusal(
                        profile, request, exchange, quota, deadline, may_change=attempts_left > 0
                    )
                if self._use_profile(change.profile, instead_of=profile):
                    yield Chunk(notice=change.notice)
                profile = change.profile

    async def capabilities(self) -> Capabilities:
        """Ask the server about itself, within the timeout, and apply what it reports to later calls.

        Raises :class:`~fim_lsp.errors.BackendError`, for example if it does not have the model.
        """
        profile = self._profile
        found = await self.run_flow(profile.capabilities_flow())
        self.capacity = found.capacity
        if found.change is not None:
            self._use_profile(found.change.profile, instead_of=profile)
        return found

    async def models(self, within: float) -> tuple[str, ...]:
        """The ids of the server's models that can fill in, as far as it says; ``within`` so many seconds.

        Raises :class:`~fim_lsp.errors.BackendError`.
        """
        deadline = asyncio.get_running_loop().time() + within
        return await self.run_flow(self._profile.models_flow(), deadline)

    async def run_flow(self, flow: Flow[_Result], deadline: float = float("inf")) -> _Result:
        """Send the requests that ``flow`` yields, and return its result; within the timeout for all of them."""
        deadline = min(deadline, self._deadline())
        with self._naming_the_host(), contextlib.closing(flow):
            try:
                request = next(flow)
                while True:
                    request = flow.send(await self._response(request, deadline))
            except StopIteration as end:
                result: _Result = end.value
                return result

    async def prepare(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> bool:
        """Let the server read ``prompt``'s context in advance, or load its model; whether a request was made.

        To be called when a document is opened. Errors are ignored: they will occur again in
        :meth:`stream`, and are reported there.
        """
        request = self._profile.preload_request(prompt)
        if request is None or prompt.context == self._context:
            return False
        self._context = prompt.context
        with contextlib.suppress(BackendError):
            await self._response(request, self._deadline(), on_sent)
        return True

    async def warm_up(self) -> None:
        """Import httpx and load certificates, without any network."""
        await self._transport.warm_up()

    def retry(self) -> None:
        self._keys.retry()

    async def close(self) -> None:
        await self._transport.close()
        await self._keys.close()

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._timeout

    async def _request(self, profile: Profile, prompt: Prompt) -> tuple[HttpRequest, Profile]:
        """The request and the profile that wrote it. If no model is set, the server is asked for one first."""
        try:
            return profile.request(prompt), profile
        except UnknownModel:
            if profile.model:
                raise
        await self.capabilities()
        return self._profile.request(prompt), self._profile

    async def _read(self, profile: Profile, prompt: Prompt, exchange: Exchange) -> AsyncGenerator[Chunk, None]:
        """The chunks of a successful response. After the finish reason, nothing of interest follows."""
        reader = profile.reader(prompt)
        while data := await exchange.chunk():
            for chunk in reader.feed(data):
                if chunk.finish is not None:
                    exchange.complete()
                yield chunk
        exchange.complete()
        for chunk in reader.finish():
            yield chunk
        change = profile.alternative_without_suffix() if reader.suffix_appended else None
        if change is not None and self._use_profile(change.profile, instead_of=profile):
            yield Chunk(notice=change.notice)

    async def _after_refusal(
        self,
        profile: Profile,
        request: HttpRequest,
        exchange: Exchange,
        quota: Quota | None,
        deadline: float,
        *,
        may_change: bool,
    ) -> ProfileChange:
        """Another way to ask the server. Raises the server's error if there is none."""
        response = await _complete(exchange, ERROR_BODY_LIMIT)
        if may_change and (change := profile.alternative(response)) is not None:
            return change
        error = profile.error(response, quota)
        if may_change and isinstance(error, UnknownModel):
            with contextlib.suppress(BackendError):
                if (change := await self.run_flow(profile.other_model_flow(), deadline)) is not None:
                    return change
        if (isinstance(error, Unauthorized) or response.status == 401) and not await self._key(request, deadline):
            raise Unauthorized(
                f"{self.host} requires a key ({response.status}): run `{key_set_command(request.url)}`, or set api_key or "
                "api_key_command; a key from the environment is only sent to its own host",
                host=self.host,
            )
        if isinstance(error, Unauthorized) and (place := self.key_place) is not None:
            raise Unauthorized(f"{error}; the refused key is from {place}", host=error.host)
        raise error

    def _use_profile(self, profile: Profile, *, instead_of: Profile) -> bool:
        """Use ``profile`` from now on; False if another call has already changed it, and informed the user."""
        if self._profile is not instead_of:
            return False
        self._profile = profile
        return True

    @contextlib.contextmanager
    def _naming_the_host(self) -> Iterator[None]:
        """Add the host to errors from inside, and how to start the server if nothing listens there."""
        try:
            yield
        except ConnectionRefused as error:
            raise Unreachable(self._profile.not_running_message or str(error), host=self.host, sent=False) from error
        except BackendError as error:
            error.host = error.host or self.host
            if (named := self._without_key(error)) is not error:
                raise named from error
            raise

    async def _response(self, request: HttpRequest, deadline: float, on_sent: OnSent = ignore_sent) -> HttpResponse:
        with await self._open(request, deadline, on_sent) as exchange:
            return await _complete(exchange, FLOW_BODY_LIMIT)

    async def _open(self, request: HttpRequest, deadline: float, on_sent: OnSent) -> Exchange:
        """Send the request and wait for the head of the response; after a 401 of the API, once more with a new key."""
        key = await self._key(request, deadline)
        with contextlib.ExitStack() as unless_returned:
            exchange = unless_returned.enter_context(await self._send(request, key, deadline, on_sent))
            if key is None or exchange.status != 401 or not await self._refresh(key, exchange, deadline):
                unless_returned.pop_all()
                return exchange
        return await self._send(request, await self._key(request, deadline), deadline, on_sent)

    async def _send(self, request: HttpRequest, key: Secret | None, deadline: float, on_sent: OnSent) -> Exchange:
        """Send the request, and again if the server dropped a kept connection."""
        try:
            return await self._transport.send(request, key, deadline=deadline, on_sent=on_sent)
        except ConnectionDropped:
            return await self._transport.send(request, key, deadline=deadline, on_sent=on_sent)

    async def _key(self, request: HttpRequest, deadline: float) -> Secret | None:
        """The key, if the request goes to its host. Raises Unauthorized if a key is required and missing."""
        if origin_of(request.url) != self._keys.origin:
            return None
        key = await self._before(deadline, self._keys.key())
        if key is None and self._profile.missing_key_message is not None:
            raise Unauthorized(
                "; ".join(filter(None, (self._profile.missing_key_message, self._keys.problem))), host=self.host
            )
        return key

    async def _refresh(self, refused: Secret, exchange: Exchange, deadline: float) -> bool:
        """Whether there is a new key. A 401 that is not from the API does not mean that the old one is wrong."""
        body = await exchange.read(ERROR_BODY_LIMIT)
        return read_error_body(body).is_from_api and await self._before(deadline, self._keys.refresh(refused))

    async def _before(self, deadline: float, waiting: Awaitable[_Result]) -> _Result:
        """Wait for ``api_key_command`` or the keyring. If it is too slow for this call, it continues for the next one."""
        try:
            async with asyncio.timeout_at(deadline):
                return await waiting
        except TimeoutError:
            raise Unreachable(self._keys.delay, host=self.host, sent=False) from None


async def _complete(exchange: Exchange, limit: int) -> HttpResponse:
    return HttpResponse(status=exchange.status, headers=exchange.headers, body=await exchange.read(limit))


class _CallLog:
    """Logs one line for each call: the host, how it ended, how long it took, how many tokens. Never any text."""

    def __init__(self, host: str) -> None:
        self.status = 0
        self._host = host
        self._started = time.monotonic()
        self._first_text: float | None = None
        self._usage = Usage()

    def __enter__(self) -> Self:
        return self

    def note(self, chunk: Chunk) -> None:
        if chunk.text and self._first_text is None:
            self._first_text = time.monotonic() - self._started
        self._usage = chunk.usage or self._usage

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _log.debug(
            "%s: status %s, %s, first text %s ms, all %.0f ms, %d + %d tokens, %d cached",
            self._host,
            self.status or "none",
            _OUTCOMES.get(kind) or getattr(kind, "__name__", ""),
            "no" if self._first_text is None else f"{self._first_text * 1000:.0f}",
            (time.monotonic() - self._started) * 1000,
            self._usage.prompt_tokens,
            self._usage.completion_tokens,
            self._usage.cached_tokens,
        )
