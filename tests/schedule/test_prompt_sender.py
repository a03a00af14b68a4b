"""One prompt, sent once: within the quota, without secrets, and only if it still may be sent and somebody waits."""

from __future__ import annotations

import random
import string
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from fim_lsp.backends.backend import Chunk, OnSent, Usage, ignore_sent
from fim_lsp.errors import BackendError, Paused, Withheld
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.schedule.backend_client import BackendClient
from fim_lsp.schedule.events import CallEnded, CallPurpose, Event
from fim_lsp.settings.schema import Settings
from tests.fakes.backend import BackendDefaults
from tests.schedule.script import Script, a_client, a_snapshot, limited, text_of

pytestmark = pytest.mark.usefixtures("virtual_time")

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
    client = a_client(backend)
    with pytest.raises(Withheld):
        await text_of(replace(client, sender=replace(client.sender, may_send=lambda _uri, _local: False)))
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


class Charged(Script):
    """Reports what the call cost, at its end."""

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        async for chunk in super().stream(prompt, on_sent=on_sent):
            yield chunk
        yield Chunk(usage=Usage(prompt_tokens=900, completion_tokens=77))


def counted(client: BackendClient) -> tuple[int, int]:
    """Requests and tokens in the window."""
    assert client.sender.limiter is not None
    window = client.sender.limiter.counter.window()
    return window.requests, window.tokens


async def test_what_a_call_cost_is_counted_and_learnt() -> None:
    client = limited(Charged(lambda prompt: "ok"))
    estimator = client.sender.estimator
    before = estimator.output(None, "m", "python")
    assert await text_of(client) == "ok"
    assert counted(client) == (1, 977)
    assert estimator.output(None, "m", "python") > before


async def test_a_call_that_says_nothing_about_its_cost_counts_as_estimated() -> None:
    client = limited(Script(lambda prompt: "ok"))
    await text_of(client)
    requests, tokens = counted(client)
    assert requests == 1
    assert 0 < tokens < 100


@pytest.mark.parametrize("sent", [True, False])
async def test_a_failed_call_counts_if_it_was_sent(sent: bool) -> None:
    client = limited(Script(lambda prompt: "ok", fail=BackendError("broken", sent=sent)))
    with pytest.raises(BackendError, match="broken"):
        await text_of(client)
    assert counted(client)[0] == sent


async def test_nothing_is_sent_ahead_of_time_to_another_machine() -> None:
    class Ahead(Echo):
        async def prepare(self, _prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> bool:
            raise AssertionError("it was sent")

    client = a_client(Ahead("api.example.com"))
    assert not await client.sender.prepare(client.build_prompt(a_snapshot(), Settings()), a_snapshot())
