"""Retries, quotas and redaction around one back end."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from fim_lsp.backends.backend import Chunk, OnSent, ignore_sent
from fim_lsp.errors import (
    BackendError,
    Overloaded,
    Paused,
    RateLimited,
    Rejected,
    Unauthorized,
    Unreachable,
    Withheld,
)
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.rate_limit.limiter import Limiter
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.schedule.events import CallEnded, CallPurpose, Event
from fim_lsp.settings.schema import Settings
from tests.fakes.backend import BackendDefaults
from tests.schedule.script import Script, Typist, a_client, a_snapshot, limited, text_of
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


TOKEN = "gh" + "p_" + "".join(random.Random(5).choices(string.ascii_letters + string.digits, k=36))


SECRET = f'token = "{TOKEN}"\nlogin(‸\nlogout("{TOKEN}")\n'


class Echo(BackendDefaults):
    """Answers with what it sees of a secret, cut into small chunks."""

    name, model = "echo", ""

    def __init__(self, host: str) -> None:
        self.host = host
        self.prompts: list[Prompt] = []

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        self.prompts.append(prompt)
        seen = prompt.prefix.partition('"')[2].partition('"')[0]
        for start in range(0, len(seen), 3):
            yield Chunk(text=seen[start : start + 3])
        yield Chunk(text='")', finish="stop")


async def echoed(host: str, *context: Snippet) -> tuple[str, Prompt]:
    """What is shown of a secret in the text, and what the back end was sent."""
    backend = Echo(host)
    client = a_client(backend, context_source=lambda *_: context)
    chunks = client.stream(a_snapshot(SECRET, path="a.py"), Settings(), lambda _error: None)
    return "".join([chunk.text async for chunk in chunks]), backend.prompts[0]


@pytest.mark.parametrize("host", ["api.example.com", "10.0.0.7:8080", "localhost.example.com"])
async def test_no_secret_reaches_another_machine_and_the_answer_has_it_restored(host: str) -> None:
    text, prompt = await echoed(host, Snippet(path="b.py", text=f"X = '{TOKEN}'\n"))
    assert TOKEN not in prompt.prefix + prompt.suffix + prompt.context[0].text
    assert len(prompt.prefix) == len(f'token = "{TOKEN}"\nlogin(')
    assert text == f'{TOKEN}")'


@pytest.mark.parametrize("host", ["127.0.0.1:8012", "localhost:11434", "[::1]:80", ""])
async def test_a_local_back_end_gets_the_text_as_it_is(host: str) -> None:
    text, prompt = await echoed(host)
    assert TOKEN in prompt.prefix
    assert text == f'{TOKEN}")'


async def test_text_that_may_not_be_sent_any_more_is_withheld() -> None:
    backend = Script(lambda prompt: "ok")
    with pytest.raises(Withheld):
        await text_of(replace(a_client(backend), may_send=lambda _uri, _local: False))
    assert backend.calls == []


async def test_a_quota_that_no_request_fits_in_names_the_settings() -> None:
    backend = Script(lambda prompt: "ok")
    with pytest.raises(Paused, match="too small for one request: check requests_per_minute"):
        await text_of(a_client(backend, limits=Limits(tokens=3)))
    assert backend.calls == []


async def test_an_answer_that_breaks_off_in_a_placeholder_is_not_cut() -> None:
    """Its end may be a secret's beginning, or just what the model wrote."""

    class BreaksOff(Echo):
        async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
            seen = prompt.prefix.partition('"')[2].partition('"')[0]
            self.prompts.append(prompt)
            yield Chunk(text=f"log({seen[:9]}")

    backend = BreaksOff("api.example.com")
    chunks = a_client(backend).stream(a_snapshot(SECRET, path="a.py"), Settings(), lambda _error: None)
    assert len("".join([chunk.text async for chunk in chunks])) == len("log(") + 9


@pytest.mark.parametrize("sent", [True, False])
async def test_a_prompt_that_was_read_ahead_of_time_is_published_if_it_was_sent(sent: bool) -> None:
    class Ahead(Echo):
        async def prepare(self, _prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> bool:
            if sent:
                on_sent(100)
            return sent

    events: list[Event] = []
    assert await a_client(Ahead("127.0.0.1"), publish=events.append).prepare(a_snapshot(), Settings()) is sent
    assert [event.purpose for event in events if isinstance(event, CallEnded)] == [CallPurpose.PRELOAD] * sent


async def test_nothing_is_sent_for_somebody_who_has_gone_before() -> None:
    backend = Script(lambda prompt: "ok")
    with pytest.raises(Withheld, match="nobody waits"):
        async for _chunk in a_client(backend).stream(a_snapshot(), Settings(), lambda _error: None, lambda: False):
            pass
    assert backend.calls == []


async def test_no_call_is_made_when_the_server_has_said_that_others_used_up_its_quota() -> None:
    class Used(Script):
        async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
            yield Chunk(quota=Quota(requests_limit=10, requests_left=0))
            async for chunk in super().stream(prompt, on_sent=on_sent):
                yield chunk

    backend = Used(lambda prompt: "ok")
    one = limited(backend)
    assert await text_of(one) == "ok"
    with pytest.raises(Paused, match="used up"):
        await text_of(one)
    assert len(backend.calls) == 1
