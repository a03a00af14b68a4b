"""What is counted agrees with what the back end has seen, to the call, the token and the byte."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.fakes.http import Request
from tests.fakes.replies import Body, generated, usage
from tests.lsp.raw_client import RawClient
from tests.quality.recorded_typing import load

TRACE = load("rustcode", 1000, 40)
ANSWER = "let agreed = total;"


class Log(FakeCodestral):
    """Writes down what each request got: its status, and whether the whole response was sent."""

    def __init__(self) -> None:
        super().__init__(lambda _body: ANSWER)
        self.answered: list[tuple[Request, int]] = []

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        status = (self.next[0] if self.next else self.behaviour).status
        done = await super().respond(request, writer)
        self.answered.append((request, status))
        return done

    @property
    def usage(self) -> list[Body]:
        """The tokens that completed calls were told."""
        return [
            usage(request.body, generated(request.body, ANSWER)[0])
            for request, status in self.answered
            if status == 200
        ]


class Typist:
    """An editor in which the recorded typing is repeated; after each edit a suggestion is asked for explicitly."""

    def __init__(self, client: RawClient, fake: Log, uri: str) -> None:
        self.client, self.fake, self.uri = client, fake, uri
        self._steps = iter(TRACE.steps)
        self._version = 1

    async def ask(self, behaviour: Behaviour | None = None) -> int:
        """Type on until a call is made that is served like this; returns the request's id."""
        before = len(self.fake.requests)
        if behaviour is not None:
            self.fake.next.append(behaviour)
        while True:
            number = self._type()
            asked = asyncio.create_task(self.fake.until(lambda: len(self.fake.requests) > before))
            replied = asyncio.create_task(self.client.reply(number))
            await asyncio.wait({asked, replied}, return_when=asyncio.FIRST_COMPLETED)
            called = len(self.fake.requests) > before
            for task in (asked, replied):
                task.cancel()
            await asyncio.gather(asked, replied, return_exceptions=True)
            if called:
                return number

    async def counted(self) -> dict[str, Any]:
        """Wait until every request that the back end has seen is counted; the command's reply."""
        while True:
            reply = await command(self.client)
            if reply["periods"][0]["calls"]["http_requests"] == len(self.fake.requests):
                return reply

    async def complete(self) -> None:
        """A call that is answered in full."""
        served = self.fake.served
        await self.client.reply(await self.ask())
        await self.fake.until(lambda: self.fake.served > served)
        await self.counted()

    async def hang_up(self, behaviour: Behaviour) -> None:
        """A call that is cancelled while the back end is silent."""
        hangups = self.fake.hangups
        self.client.notify("$/cancelRequest", {"id": await self.ask(behaviour)})
        await self.fake.until(lambda: self.fake.hangups > hangups)
        await self.counted()

    async def fail(self, behaviour: Behaviour) -> None:
        """A call that the back end refuses."""
        await self.client.reply(await self.ask(behaviour))
        await self.counted()

    def _type(self) -> int:
        step = next(self._steps)
        changes = [
            {"range": {"start": {"line": a, "character": b}, "end": {"line": c, "character": d}}, "text": text}
            for a, b, c, d, text in step.changes
        ]
        self._version += 1
        document = {"uri": self.uri, "version": self._version}
        self.client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
        return self.client.ask(*step.caret, uri=self.uri, kind=1)


async def command(client: RawClient, *arguments: Any) -> dict[str, Any]:
    number = client.request("workspace/executeCommand", {"command": "fim-lsp.stats", "arguments": [*arguments]})
    reply = await client.reply(number)
    result: dict[str, Any] = reply["result"]
    return result


@pytest_asyncio.fixture(name="fake")
async def a_fake() -> AsyncIterator[Log]:
    async with Log() as fake:
        yield fake


def settings(fake: Log, **more: object) -> dict[str, object]:
    return {
        "backend": "codestral", "base_url": fake.url, "api_key": "made-up", "limits_store": "process", "fallback": [], **more
    }  # fmt: skip


async def test_calls_tokens_and_bytes_agree_with_what_the_back_end_has_seen(fake: Log, tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=settings(fake), root=tmp_path)
        uri = (tmp_path / "typed.rs").as_uri()
        client.open(TRACE.text, uri=uri, language="rust")
        typist = Typist(client, fake, uri)
        for _ in range(5):
            await typist.complete()
        await typist.hang_up(Behaviour(gate=asyncio.Event()))
        await typist.hang_up(Behaviour(stall_after=2))
        await typist.complete()
        await typist.fail(Behaviour(status=400, raw=b'{"message": "no"}'))
        await typist.fail(Behaviour(status=429, raw=b'{"message": "slow down"}'))
        by_command = await typist.counted()
        client.request("shutdown", None)
        client.notify("exit", None)
        assert await client.exit_code() == 0
    printed = json.loads(in_terminal(client, "stats", "--json"))
    assert printed["periods"] == by_command["periods"]
    seen, found = fake.usage, printed["periods"][0]
    calls = found["calls"]
    assert calls["calls"] == calls["http_requests"] == len(fake.requests)
    assert (calls["answered"], calls["hung_up"], calls["failed"], calls["rate_limited"]) == (6, 2, 1, 1)
    assert calls["sent_bytes"] == sum(len(request.raw) for request in fake.requests)
    assert calls["prompt_tokens"] == sum(one["prompt_tokens"] for one in seen)
    assert calls["completion_tokens"] == sum(one["completion_tokens"] for one in seen)
    assert calls["estimated_prompt_tokens"] > 0
    (host,) = printed["egress"]
    assert (host["host"], host["local"]) == (fake.url.removeprefix("http://"), True)
    assert host["sent_bytes"] == calls["sent_bytes"]
    assert [(file["folder"], file["path"], file["calls"]) for file in host["files"]] == [
        (str(tmp_path), "typed.rs", len(fake.requests))
    ]


async def test_nothing_is_counted_where_the_setting_says_so(fake: Log, tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=settings(fake, stats=False), root=tmp_path)
        uri = (tmp_path / "typed.rs").as_uri()
        client.open(TRACE.text, uri=uri, language="rust")
        await client.reply(await Typist(client, fake, uri).ask())
        reply = await command(client, 7, {"quiet": True})
        assert (reply["lines"], reply["days"], reply["by_day"]) == (["nothing is counted"], 7, [])
        assert client.messages() == []
        client.request("shutdown", None)
        client.notify("exit", None)
        assert await client.exit_code() == 0
    assert not files(tmp_path)


async def test_the_gist_is_shown_and_the_lines_are_those_of_the_terminal(fake: Log, tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=settings(fake), root=tmp_path)
        assert (await command(client))["lines"] == ["nothing has been counted yet"]
        uri = (tmp_path / "typed.rs").as_uri()
        client.open(TRACE.text, uri=uri, language="rust")
        typist = Typist(client, fake, uri)
        await typist.complete()
        reply = await typist.counted()
        assert reply["lines"] == in_terminal(client, "stats").splitlines()
        assert client.messages()[-1].startswith("fim-lsp: 30 days: ")
        assert "1 call" in client.messages()[-1]


def in_terminal(client: RawClient, *arguments: str) -> str:
    command = [sys.executable, "-m", "fim_lsp", *arguments]
    done = subprocess.run(command, env=client.env, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def files(home: Path) -> list[Path]:
    return list(home.rglob("stats.sqlite3*"))
