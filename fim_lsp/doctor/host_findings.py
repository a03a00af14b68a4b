"""Talks to one back end's server: is it reached, does it accept the key, has it the model, and does it complete?

This is the part with I/O; :mod:`fim_lsp.doctor.host_checks` says what the findings mean. Nothing of the user's text is sent:
the completion is of :data:`PROMPT`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from fim_lsp.backends.backend import Usage
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.model_list import MODELS_PATH, Model, find_model, read_models
from fim_lsp.backends.profile import Flow
from fim_lsp.errors import BackendError, Intercepted, RateLimited, Unreachable
from fim_lsp.http.client import Transport
from fim_lsp.http.network_errors import timeout_error
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.http.request import HttpResponse, get
from fim_lsp.http.urls import endpoint
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.rate_limit.limiter import Limiter, Permit
from fim_lsp.rate_limit.local_counter import Wait

REACH_TIMEOUT: Final = 4.0
LIST_TIMEOUT: Final = 4.0
COMPLETION_TIMEOUT: Final = 8.0
"""Seconds. The first precedes the other two, which run at the same time."""

PROMPT: Final = Prompt(
    prefix='def greet(name):\n    """Return a greeting."""\n    return ',
    suffix="\n",
    language="python",
    path="greet.py",
    max_tokens=16,
    single_line=True,
)
"""What is completed to find out whether that works."""

COST: Final = 40
"""About how many tokens that costs, prompt and completion together."""

_NOT_THE_API: Final = frozenset({407, 451, 511})  # statuses of what is in between, whatever the body
_BODY_LIMIT: Final = 64 << 10  # bytes of a page that are read to see what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A completion that was tried. Times are in seconds; ``notices`` are sentences about another way to ask."""

    error: BackendError | None = None
    first_text: float | None = None
    seconds: float = 0.0
    characters: int = 0
    usage: Usage | None = None
    quota: Quota | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a server answered.

    ``reached`` is the time that a request without a key took, None if there was no answer, for the reason in
    ``reach_error``. ``models`` is its list, empty if it has none; ``model`` is the one in use, if the list has it, and
    ``model_error`` is why not. ``waits`` is set if our own count of the quota allowed no completion.
    """

    reached: float | None = None
    reach_error: BackendError | None = None
    list_error: BackendError | None = None
    models: tuple[Model, ...] = ()
    model: Model | None = None
    model_error: BackendError | None = None
    can_fill: bool | None = None
    completion: Completion | None = None
    waits: Wait | None = None


async def examine(backend: HttpBackend, limiter: Limiter | None, *, complete: bool) -> Findings:
    """Ask the server. Takes up to :data:`REACH_TIMEOUT` plus :data:`COMPLETION_TIMEOUT` seconds. Never raises.

    ``complete``: also make a completion, which costs about :data:`COST` tokens, if ``limiter`` allows it. Without a key that
    is needed, the server is only asked whether it can be reached.
    """
    found = await _reach(backend)
    if found.reach_error is not None or backend.lacks_key:
        return found
    listing = asyncio.create_task(_list_models(backend))
    completing = asyncio.create_task(_complete_within_quota(backend, limiter)) if complete else None
    try:
        listed = await listing
        found = replace(listed, reached=found.reached)
        if completing is not None:
            completion, waits = await completing
            found = replace(found, completion=completion, waits=waits)
        return found
    finally:
        for task in (listing, completing):
            if task is not None:
                task.cancel()


async def _reach(backend: HttpBackend) -> Findings:
    """Send a request without a key. Any answer of the API will do, a refusal too."""
    base_url = backend.profile.base_url
    transport = Transport(base_url, timeout=REACH_TIMEOUT)
    started = time.monotonic()
    try:
        await transport.warm_up()
        started = time.monotonic()
        request = get(endpoint(base_url, MODELS_PATH))
        deadline = asyncio.get_running_loop().time() + REACH_TIMEOUT
        with await transport.send(request, None, deadline=deadline) as exchange:
            seconds = time.monotonic() - started
            body = await exchange.read(_BODY_LIMIT)
            response = HttpResponse(status=exchange.status, headers=exchange.headers, body=body)
        return Findings(reached=seconds, reach_error=_stranger(backend, response))
    except BackendError as error:
        with_message = backend.profile.not_running_message if "nothing listens" in str(error) else None
        return Findings(reach_error=Unreachable(with_message, host=backend.host) if with_message else error)
    finally:
        await transport.close()


def _stranger(backend: HttpBackend, response: HttpResponse) -> BackendError | None:
    """The error if something else than the server has answered: a firewall, a proxy, a sign-in page."""
    if response.is_success and response.body.lstrip()[:1] == b"<":
        sentence = f"{backend.host} answers with a web page: this looks like a proxy's, a firewall's or a sign-in page"
        return Intercepted(sentence, host=backend.host)
    if response.is_success or response.status in (401, 404):
        return None
    error = backend.profile.error(response)
    is_other = isinstance(error, Intercepted) or 300 <= response.status < 400 or response.status in _NOT_THE_API
    return error if is_other else None


async def _list_models(backend: HttpBackend) -> Findings:
    if backend.name in ("llamacpp", "ollama"):
        return await _local_capabilities(backend)
    deadline = asyncio.get_running_loop().time() + LIST_TIMEOUT
    try:
        response = await backend.run_flow(_ask(endpoint(backend.profile.base_url, MODELS_PATH)), deadline)
    except BackendError as error:
        return Findings(list_error=error)
    if response.status in (401, 403):
        return Findings(list_error=backend.error(response))
    models = read_models(response.body) if response.is_success else ()
    try:
        model = find_model(models, backend.model, host=backend.host)
    except BackendError as error:
        return Findings(models=models, model_error=error)
    return Findings(models=models, model=model, can_fill=model.can_fill if model else None)


async def _local_capabilities(backend: HttpBackend) -> Findings:
    """llama.cpp and Ollama report what their model can do, in their own ways."""
    try:
        async with asyncio.timeout(LIST_TIMEOUT):
            capabilities = await backend.capabilities()
    except TimeoutError:
        return Findings(list_error=timeout_error(backend.host, LIST_TIMEOUT, head_received=False))
    except BackendError as error:
        return Findings(model_error=error)
    return Findings(can_fill=capabilities.can_fill)


def _ask(url: str) -> Flow[HttpResponse]:
    response: HttpResponse = yield get(url)
    return response


async def _complete_within_quota(
    backend: HttpBackend, limiter: Limiter | None
) -> tuple[Completion | None, Wait | None]:
    """The completion counts in the quota like any other."""
    permit = await limiter.reserve(prompt=COST, output=0, explicit=True) if limiter else None
    if isinstance(permit, Wait):
        return None, permit
    with _settled(permit) as account:
        completion = await _complete(backend)
        account.append(completion)
        if limiter is not None and completion.quota is not None:
            limiter.observe(completion.quota)
    return completion, None


@contextmanager
def _settled(permit: Permit | None) -> Iterator[list[Completion]]:
    """Settle a permit by the completion that is put into the list; if there is none, it was cancelled."""
    made: list[Completion] = []
    try:
        yield made
    finally:
        if permit is not None:
            _settle(permit, made[0] if made else Completion())


def _settle(permit: Permit, completion: Completion) -> None:
    match completion.error:
        case RateLimited() as error:
            permit.rate_limited(error.retry_after)
        case BackendError() as error if not error.sent:
            permit.release()
        case _ if completion.usage is not None:
            permit.settle(completion.usage.prompt_tokens + completion.usage.completion_tokens)
        case _:
            permit.aborted(completion.characters // 3)


async def _complete(backend: HttpBackend) -> Completion:
    started = time.monotonic()
    made = Completion()
    try:
        async with asyncio.timeout(COMPLETION_TIMEOUT), aclosing(backend.stream(PROMPT)) as chunks:
            async for chunk in chunks:
                first = time.monotonic() - started if chunk.text and made.first_text is None else made.first_text
                made = replace(
                    made,
                    first_text=first,
                    characters=made.characters + len(chunk.text),
                    usage=chunk.usage or made.usage,
                    quota=chunk.quota or made.quota,
                    notices=(*made.notices, *filter(None, [chunk.notice])),
                )
    except TimeoutError:
        slow = timeout_error(backend.host, COMPLETION_TIMEOUT, head_received=False)
        delay = backend.key_delay
        made = replace(made, error=Unreachable(delay, host=backend.host, sent=False) if delay else slow)
    except BackendError as error:
        made = replace(made, error=error)
    return replace(made, seconds=time.monotonic() - started)
