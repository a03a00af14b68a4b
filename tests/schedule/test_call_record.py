"""What is written down of each call, against the log of the server that was called."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from fim_lsp.backends.backend import Backend, Chunk, OnSent, Usage, ignore_sent
from fim_lsp.errors import BackendError, Paused
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.schedule.backend_client import BackendClient
from fim_lsp.schedule.call_record import answered, place_of
from fim_lsp.schedule.events import CallEnded, CallOutcome, CallPurpose, CallStarted, Event, SentFile
from fim_lsp.schedule.prompt_builder import ContextSource
from fim_lsp.schedule.request import CompletionResult, Outcome
from fim_lsp.settings.schema import Settings
from tests.fakes.backend import BackendDefaults
from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.fakes.fixtures import Connect
from tests.fakes.replies import usage
from tests.schedule.script import Script, a_client, a_snapshot

TEXT = "total = ‸\n"


def observed(backend: Backend, context_source: ContextSource | None = None) -> tuple[BackendClient, list[CallEnded]]:
    """A client, and the calls that it reports, each of which it has announced."""
    started: list[CallStarted] = []
    ended: list[CallEnded] = []

    def publish(event: Event) -> None:
        if isinstance(event, CallStarted):
            started.append(event)
        else:
            assert isinstance(event, CallEnded)
            assert event.purpose is started[len(ended)].purpose
            ended.append(event)

    return a_client(backend, publish=publish, context_source=context_source), ended


async def read(client: BackendClient, *, chunks: int = 1_000_000) -> None:
    """Ask, and hang up after so many chunks."""
    async with aclosing(client.stream(a_snapshot(TEXT, path="a.py"), Settings(), lambda _error: None)) as answer:
        async for _ in answer:
            chunks -= 1
            if not chunks:
                return


@pytest.mark.parametrize("stream", [True, False])
async def test_a_whole_answer_is_counted_as_the_server_counts_it(
    server: FakeCodestral,
    connect: Connect,
    stream: bool,
) -> None:
    client, calls = observed(connect(server.url, stream=stream))
    await read(client)
    [call], [request] = calls, server.requests
    counted = usage(request.body, "return a + b")
    assert (call.outcome, call.purpose, call.requests) == (CallOutcome.ANSWERED, CallPurpose.COMPLETION, 1)
    assert call.sent == len(request.raw)
    assert (call.prompt_tokens, call.completion_tokens) == (counted["prompt_tokens"], counted["completion_tokens"])
    assert not call.estimated
    assert call.files == (SentFile(path="a.py", size=len("total = \n")),)
    assert call.host == client.backend.host
    assert 0 <= (call.first_text or -1) <= call.seconds


@pytest.mark.parametrize("chunks", [1, 2])
async def test_a_call_that_was_hung_up_on_was_sent_all_the_same(
    server: FakeCodestral,
    connect: Connect,
    chunks: int,
) -> None:
    server.behaviour = Behaviour(stall_after=3)
    client, calls = observed(connect(server.url, stream=True))
    await read(client, chunks=chunks)
    [call], [request] = calls, server.requests
    assert (call.outcome, call.requests, call.sent) == (CallOutcome.HUNG_UP, 1, len(request.raw))
    assert call.estimated
    assert call.prompt_tokens > 0


async def test_a_call_that_is_cancelled_before_the_response_was_sent_all_the_same(
    server: FakeCodestral,
    connect: Connect,
) -> None:
    server.behaviour = Behaviour(gate=asyncio.Event())
    client, calls = observed(connect(server.url))
    reading = asyncio.create_task(read(client))
    await server.until(lambda: len(server.requests) == 1)
    reading.cancel()
    await asyncio.wait([reading])
    [call], [request] = calls, server.requests
    assert (call.outcome, call.requests, call.sent) == (CallOutcome.HUNG_UP, 1, len(request.raw))
    assert call.first_text is None


@pytest.mark.parametrize(
    ("status", "outcome", "calls_made"),
    [
        (429, CallOutcome.RATE_LIMITED, 1),
        (401, CallOutcome.FAILED, 1),
        (500, CallOutcome.FAILED, 2),
        (422, CallOutcome.FAILED, 1),
    ],
)
async def test_each_failed_call_is_one_that_costs_nothing(
    server: FakeCodestral,
    connect: Connect,
    status: int,
    outcome: CallOutcome,
    calls_made: int,
) -> None:
    server.behaviour = Behaviour(status=status, raw=b"{}")
    client, calls = observed(connect(server.url))
    with pytest.raises(BackendError):
        await read(client)
    assert [call.outcome for call in calls] == [outcome] * calls_made
    assert [call.sent for call in calls] == [len(request.raw) for request in server.requests]
    assert all(call.error and not call.prompt_tokens for call in calls)


async def test_without_a_connection_nothing_was_sent(connect: Connect) -> None:
    client, calls = observed(connect("http://127.0.0.1:1"))
    with pytest.raises(BackendError):
        await read(client)
    assert [(call.outcome, call.requests, call.sent, call.files) for call in calls] == [
        (CallOutcome.FAILED, 0, 0, ())
    ] * len(calls)


class Remote(BackendDefaults):
    """A back end at another machine, which says that it has sent 100 bytes."""

    name, host, model = "remote", "api.example.com", "m"

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> object:
        on_sent(100)
        yield Chunk(text="x")
        yield Chunk(finish="stop", usage=Usage(prompt_tokens=9, completion_tokens=1, cached_tokens=4))


async def test_files_and_masked_secrets_are_counted() -> None:
    token = "gh" + "p_" + "aK3xW9bQ7zT1mV5cR8nY2dL6fH4gJ0pS3vBa"
    context = (Snippet(path="b.py", text="é = 1\n"), Snippet(path="b.py", text=f"X = '{token}'\n"))
    client, calls = observed(Remote(), lambda *_: context)
    await read(client)
    [call] = calls
    sizes = {file.path: file.size for file in call.files}
    assert sizes == {"a.py": len("total = \n"), "b.py": len("é = 1\n".encode()) + len(f"X = '{token}'\n")}
    assert (call.masked, call.sent, call.local) == (1, 100, False)
    assert (call.prompt_tokens, call.completion_tokens, call.cached_tokens) == (9, 1, 4)


async def test_a_back_end_in_this_process_makes_no_calls() -> None:
    calls: list[Event] = []
    backend = Remote()
    backend.host = ""
    await read(a_client(backend, publish=calls.append))  # type: ignore[arg-type]
    assert calls == []


def test_where_somebody_types_in_an_excluded_file_is_not_written_down() -> None:
    snapshot = a_snapshot("a = 1\nb = ‸")
    assert snapshot.split.line
    for outcome, place in (Outcome.EXCLUDED, (0, 0)), (Outcome.TOO_LARGE, (1, 4)):
        event = answered(snapshot, CompletionResult(outcome=outcome), seconds=0, at=0)
        assert (event.place.line, event.place.column) == place


@pytest.mark.parametrize(
    ("uri", "path", "name"),
    [
        ("file:///w/src/a.py", "src/a.py", ""),
        ("file:///tmp/two%20words.md", "", "two words.md"),
        ("untitled:Untitled-1", "", "Untitled-1"),
        ("vscode-notebook-cell:/tmp/a.ipynb#W0s", "", "a.ipynb"),
        ("", "", ""),
    ],
)
def test_a_document_outside_the_workspace_has_a_name(uri: str, path: str, name: str) -> None:
    place = place_of(replace(a_snapshot("‸"), uri=uri, path=path))
    assert (place.path, place.name) == (path, name)


async def test_a_back_end_that_was_not_asked_after_all_has_no_call() -> None:
    client, calls = observed(Script(lambda prompt: "", fail=Paused("it rests")))
    with pytest.raises(Paused):
        await read(client)
    assert calls == []
