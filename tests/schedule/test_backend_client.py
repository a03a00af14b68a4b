"""One back end: when a failed call is made again, and when not."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.errors import (
    BackendError,
    Overloaded,
    Paused,
    RateLimited,
    Rejected,
    Unauthorized,
    Unreachable,
)
from fim_lsp.rate_limit.limiter import Limiter
from fim_lsp.rate_limit.sliding_window import Limits
from tests.schedule.script import Script, Typist, a_client, limited, text_of
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


async def test_a_failed_call_is_retried_once_and_only_before_its_first_text() -> None:
    backend = Script(lambda prompt: "ok", fail=Overloaded("503"))
    with pytest.raises(Overloaded):
        await text_of(limited(backend))
    assert len(backend.calls) == 2

    async def breaks_off(prompt: object, **_: object) -> object:
        yield_one = Script(lambda _: "abc")
        async for chunk in yield_one.stream(prompt):  # type: ignore[arg-type]
            backend.calls.append(prompt)  # type: ignore[arg-type]
            yield chunk
            raise Unreachable("gone")

    backend.calls.clear()
    backend.stream = breaks_off  # type: ignore[method-assign,assignment]
    with pytest.raises(Unreachable):
        await text_of(limited(backend))
    assert len(backend.calls) == 1


@pytest.mark.parametrize("error", [Rejected("400"), RateLimited("429"), Unauthorized("401")])
async def test_no_retry_where_it_would_not_help(error: BackendError) -> None:
    backend = Script(lambda prompt: "ok", fail=error)
    with pytest.raises(type(error)):
        await text_of(limited(backend))
    assert len(backend.calls) == 1


async def test_no_retry_after_the_request_was_cancelled() -> None:
    backend = Script(lambda prompt: "x", fail=Overloaded("503"))
    typist = Typist(backend, debounce=0.0)
    typist.type("a")
    asked = typist.ask()
    await asyncio.sleep(0.3)  # the first try has failed
    asked.cancel()
    await asyncio.sleep(2)
    assert len(backend.calls) == 1


async def test_after_a_429_nothing_is_sent_until_retry_after() -> None:
    backend = Script(lambda prompt: "ok", fail=RateLimited("slow down", retry_after=30))
    one = limited(backend)
    with pytest.raises(RateLimited):
        await text_of(one)
    for _ in range(28):
        await asyncio.sleep(1)
        with pytest.raises(Paused):
            await text_of(one)
    assert len(backend.calls) == 1
    backend.fail = None
    await asyncio.sleep(3)
    assert await text_of(one) == "ok"


async def test_retries_count_against_the_quota() -> None:
    backend = Script(lambda prompt: "ok", fail=Unreachable("503"))
    limiter = Limiter(Limits(requests=5), identity="x", clock=now, jitter=lambda: 0.0)
    for _ in range(20):
        one = a_client(backend, limiter=limiter)
        with pytest.raises(BackendError):
            await text_of(one)
    assert len(backend.calls) <= 5
