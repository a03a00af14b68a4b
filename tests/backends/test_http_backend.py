"""Asking over a real socket: the completion, further attempts, keys, errors, the log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys

import pytest
from mistralai.client import Mistral, errors, models

from fim_lsp.backends.backend import Usage
from fim_lsp.backends.codestral import codestral
from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.errors import BadReply, Intercepted, Rejected, Unauthorized, Unreachable
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.secret import Secret
from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.fakes.fixtures import KEY, PROMPT, Connect, ask, ask_text
from tests.fakes.recorded import RECORDED
from tests.fakes.replies import streamed, tokens_of, whole

TEXTS = ["return a + b", "", "\n    x = '\u2028é😀'\r\n\tpass\n", "a" * 5000]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("stream", [True, False])
async def test_the_same_text_as_mistrals_own_client(
    server: FakeCodestral, connect: Connect, text: str, stream: bool
) -> None:
    server.answer = lambda body: text
    chunks = await ask(connect(server.url, stream=stream, max_tokens=None))
    assert "".join(chunk.text for chunk in chunks) == text
    assert chunks[-1].finish == "stop"
    usage = chunks[-1].usage or Usage()
    async with Mistral(api_key="k", server_url=server.url) as judge:
        whole_answer = await judge.fim.complete_async(model="m", prompt=PROMPT.prefix, suffix=PROMPT.suffix)
        assert whole_answer.choices[0].message.content == text
        assert whole_answer.usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
        async with await judge.fim.stream_async(model="m", prompt=PROMPT.prefix, suffix=PROMPT.suffix) as events:
            judged = [event.data.choices[0].delta.content async for event in events]
    assert "".join(judged) == text


async def test_the_fake_conforms_to_mistrals_own_models(server: FakeCodestral) -> None:
    body = {"model": "m", "prompt": "x"}
    models.FIMCompletionResponse.model_validate(whole(body, "a b", "stop"))
    for chunk in streamed(body, "a b", "stop"):
        models.CompletionChunk.model_validate(chunk)
    async with Mistral(api_key="k", server_url=server.url) as judge:
        for temperature in (9, -1):
            with pytest.raises(errors.HTTPValidationError):
                await judge.fim.complete_async(model="m", prompt="x", temperature=temperature)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_response_of_the_other_kind_is_read(server: FakeCodestral, connect: Connect, stream: bool) -> None:
    server.next.append(Behaviour(as_stream=not stream))
    assert await ask_text(connect(server.url, stream=stream)) == "return a + b"


async def test_what_is_sent(server: FakeCodestral, connect: Connect) -> None:
    await ask(connect(server.url))
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"].startswith("fim-lsp/")
    assert request.headers["accept"] == "text/event-stream"
    assert not request.headers.keys() & {"cookie", "referer"}


async def test_connections_are_kept_and_cookies_are_not(server: FakeCodestral, connect: Connect) -> None:
    server.behaviour = Behaviour(headers={"Set-Cookie": "id=1"})
    backend = connect(server.url)
    for _ in range(5):
        await ask(backend)
        await server.until(lambda: server.served == len(server.requests))
    assert {request.connection for request in server.requests} == {1}
    assert all("cookie" not in request.headers for request in server.requests)


async def test_a_consumer_that_stops_at_the_finish_reason_keeps_the_connection(
    server: FakeCodestral, connect: Connect
) -> None:
    backend = connect(server.url)
    for _ in range(3):
        async with contextlib.aclosing(backend.stream(PROMPT)) as chunks:
            async for chunk in chunks:
                if chunk.finish:
                    break
        while backend._transport._calls:
            await asyncio.wait(backend._transport._calls)
    assert (server.connections, server.hangups) == (1, 0)


async def test_quota_comes_first_and_before_an_error(server: FakeCodestral, connect: Connect) -> None:
    headers = {"X-RateLimit-Remaining-Req-Minute": "3", "X-RateLimit-Limit-Req-Minute": "500"}
    server.behaviour = Behaviour(headers=headers)
    backend = connect(server.url)
    assert (await ask(backend))[0].quota == Quota(requests_left=3, requests_limit=500)
    server.next.append(Behaviour(status=500, headers=headers))
    chunks = backend.stream(PROMPT)
    assert (await anext(chunks)).quota == Quota(requests_left=3, requests_limit=500)
    with pytest.raises(Exception, match="500"):
        await anext(chunks)


@pytest.mark.parametrize("name", RECORDED)
async def test_recorded_errors_over_the_wire(server: FakeCodestral, connect: Connect, name: str) -> None:
    seen = RECORDED[name]
    server.next.append(Behaviour(status=seen.status, raw=seen.raw, headers=seen.headers))
    backend = connect(server.url)
    with pytest.raises(seen.error) as caught:
        await ask(backend)
    assert caught.value.host == f"127.0.0.1:{server.port}"
    assert await ask_text(backend) == "return a + b"
    assert server.connections == 1


async def test_an_endless_error_body_is_not_read(server: FakeCodestral, connect: Connect) -> None:
    server.next.append(Behaviour(status=400, raw=b"x" * 5_000_000))
    with pytest.raises(Intercepted):
        await ask(connect(server.url))


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_response_that_breaks_off(server: FakeCodestral, connect: Connect, after: int) -> None:
    server.next.append(Behaviour(cut_after=after))
    got = ""
    with pytest.raises(BadReply, match="broke off"):  # noqa: PT012  # the text before the break counts too
        async for chunk in connect(server.url).stream(PROMPT):
            got += chunk.text
    assert got == "".join(tokens_of("return a + b")[:after])
    assert len(server.requests) == 1


async def test_a_deadline(server: FakeCodestral, connect: Connect) -> None:
    server.next.append(Behaviour(gate=asyncio.Event()))
    with pytest.raises(Unreachable, match=r"within 0\.2 s"):
        await ask(connect(server.url, timeout=0.2))
    server.next.append(Behaviour(stall_after=1))
    with pytest.raises(BadReply, match=r"within 0\.5 s"):
        await ask(connect(server.url, timeout=0.5))
    await server.until(lambda: server.hangups == 2 and server.open_connections == 0)


async def test_a_dropped_kept_connection_is_retried_once(server: FakeCodestral, connect: Connect) -> None:
    backend = connect(server.url)
    await ask(backend)
    server.next.append(Behaviour(drop=True))
    assert await ask_text(backend) == "return a + b"
    assert [request.connection for request in server.requests] == [1, 1, 2]
    server.next.extend([Behaviour(drop=True)] * 3)
    with pytest.raises(Unreachable):
        await ask(backend)
    assert len(server.requests) == 5


async def test_a_dropped_new_connection_is_not_retried(server: FakeCodestral, connect: Connect) -> None:
    server.next.append(Behaviour(drop=True))
    with pytest.raises(Unreachable):
        await ask(connect(server.url))
    assert len(server.requests) == 1


async def test_a_connection_that_the_server_closed_while_idle_is_replaced(
    server: FakeCodestral, connect: Connect
) -> None:
    backend = connect(server.url)
    await ask(backend)
    await server.until(lambda: server.served == 1)
    server.drop_idle()
    assert await ask_text(backend) == "return a + b"


class ChangingKeys(KeySource):
    """Keys whose command is a list."""

    def __init__(self, url: str, keys: list[str]) -> None:
        super().__init__(url, command=("unused",))
        self.left = keys

    async def _fetch(self) -> Secret:
        return Secret(self.left.pop(0))


async def test_a_401_refreshes_the_key_once(server: FakeCodestral, connect: Connect) -> None:
    refused = Behaviour(status=401, raw=RECORDED["unauthorized"].raw)
    server.next.append(refused)
    backend = connect(server.url, keys=ChangingKeys(server.url, ["old", "new"]))
    assert await ask_text(backend) == "return a + b"
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer old", "Bearer new"]
    server.next.extend([refused, refused])
    with pytest.raises(Unauthorized):
        await ask(connect(server.url, keys=ChangingKeys(server.url, ["old", "new"])))
    assert len(server.requests) == 4


async def test_without_a_key_nothing_is_sent() -> None:
    backend = HttpBackend(codestral(), keys=KeySource("https://codestral.mistral.ai"))
    with pytest.raises(Unauthorized, match="CODESTRAL_API_KEY"):
        await ask(backend)
    assert backend._transport._building is None
    await backend.close()


async def test_a_key_is_sent_to_its_own_host_only(server: FakeCodestral, connect: Connect) -> None:
    with pytest.raises(Unauthorized):
        await ask(connect(server.url, keys=KeySource("https://codestral.mistral.ai", api_key=Secret(KEY))))
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(server: FakeCodestral, connect: Connect, status: int) -> None:
    async with FakeCodestral() as elsewhere:
        server.next.append(Behaviour(status=status, headers={"Location": f"{elsewhere.url}/v1/fim/completions"}))
        with pytest.raises(Rejected, match=f"redirects to 127.0.0.1 .{status}"):
            await ask(connect(server.url))
        assert elsewhere.connections == 0


async def test_nothing_listens_at_the_address(server: FakeCodestral, connect: Connect) -> None:
    url = server.url
    await server.__aexit__()
    with pytest.raises(Unreachable, match="nothing listens there"):
        await ask(connect(url))


async def test_the_log_contains_no_text_and_no_key(
    server: FakeCodestral, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection", "asyncio"):
        logging.getLogger(name).setLevel(logging.NOTSET)  # as if this were the process' first call
    backend = connect(server.url)
    for behaviour in (Behaviour(), Behaviour(status=500, raw=b"hunter2"), Behaviour(cut_after=1), Behaviour(drop=True)):
        server.next.append(behaviour)
        with contextlib.suppress(Exception):
            await ask(backend, Prompt(prefix="hunter2", suffix="hunter2"))
    text = "\n".join(
        f"{record.name} {record.getMessage()} {record.args} {record.exc_info}" for record in caplog.records
    )
    assert "status 200, complete" in text
    assert "status 500, Overloaded" in text
    assert [word for word in ("hunter2", KEY, "return") if word in text] == []


def test_httpx_is_not_imported_at_the_start() -> None:
    code = "import sys, fim_lsp.backends.http_backend, fim_lsp.backends.codestral; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
