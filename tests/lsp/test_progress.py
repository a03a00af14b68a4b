"""The reading of many files is shown in the editor, and can be cancelled there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fim_lsp.lsp.progress import IndexingReporter, Window
from fim_lsp.schedule.events import IndexingProgress
from tests.lsp.raw_client import RawClient

CAPABILITIES = {"window": {"workDoneProgress": True}, "textDocument": {"inlineCompletion": {}}}
CREATE = "window/workDoneProgress/create"


def many_files(root: Path, count: int = 2000) -> Path:
    """A million tokens, which take many seconds on a fast machine as well."""
    for number in range(count):
        lines = [f"name_{number}_{line} = compute({number})\n" for line in range(100)]
        (root / f"file{number}.py").write_text("".join(lines))
    return root


def progress(client: RawClient) -> list[dict[str, Any]]:
    return [note["params"] for note in client.notes if note["method"] == "$/progress"]


def reported(client: RawClient) -> list[str]:
    return [params["value"]["message"] for params in progress(client) if params["value"]["kind"] == "report"]


def kinds(client: RawClient) -> list[str]:
    return [params["value"]["kind"] for params in progress(client)]


async def test_work_of_over_a_second_begins_is_reported_and_ends_when_cancelled(tmp_path: Path) -> None:
    root = many_files(tmp_path)
    async with RawClient(tmp_path / "home") as client:
        await client.initialize(options={"backend": "ngram"}, root=root, capabilities=CAPABILITIES)
        client.open("x = 1\n", uri=(root / "file0.py").as_uri())
        await client.until(lambda: any(message.endswith(" of 2,000") for message in reported(client)))
        [created] = [request["params"]["token"] for request in client.requests if request["method"] == CREATE]
        client.notify("window/workDoneProgress/cancel", {"token": "another"})
        client.notify("window/workDoneProgress/cancel", {"token": created})
        await client.until(lambda: "end" in kinds(client))
        shown = progress(client)
    assert {params["token"] for params in shown} == {created}
    begin, *reports, end = [params["value"] for params in shown]
    assert (begin["kind"], begin["title"], begin["cancellable"]) == ("begin", "fim-lsp: reading files", True)
    # A busy machine looks for files for a long time.
    assert all(report["message"].endswith((" of 2,000", "looking for them")) for report in reports)
    assert all(report["percentage"] < 100 for report in reports)
    assert end["kind"] == "end"
    assert end["message"].endswith(" files read")


class Editor:
    """An editor that answers the request for a token when it is told to; ``sent`` are the kinds of what it gets."""

    def __init__(self, *, supports: bool = True) -> None:
        self.client_capabilities = types.ClientCapabilities(
            window=types.WindowClientCapabilities(work_done_progress=supports)
        )
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent: list[str] = []
        self.tokens: dict[str, object] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.reporter = IndexingReporter(cast("Window", self), lambda: self.sent.append("cancelled"))

    @property
    def work_done_progress(self) -> Editor:
        return self

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    async def create_async(self, _token: str) -> None:
        self.sent.append("create")
        await self.answer

    def begin(self, _token: str, value: types.WorkDoneProgressBegin) -> None:
        self.sent.append(f"begin {value.message}")

    def report(self, _token: str, value: types.WorkDoneProgressReport) -> None:
        self.sent.append(f"report {value.message} {value.percentage}")

    def end(self, _token: str, _value: types.WorkDoneProgressEnd) -> None:
        self.sent.append("end")

    async def has(self, read: int, files: int = 10, *, finished: bool = False) -> None:
        """So many files have been read."""
        self.reporter.on_progress(IndexingProgress(read=read, files=files, finished=finished))
        await asyncio.sleep(0)


async def test_nothing_begins_before_the_editor_agrees() -> None:
    editor = Editor()
    await editor.has(0, 0)
    await editor.has(1)
    assert editor.sent == ["create"]
    editor.answer.set_result(None)
    await editor.tasks[0]
    await editor.has(5)
    await editor.has(10, finished=True)
    assert editor.sent == ["create", "begin 1 of 10", "report 5 of 10 50", "end"]


async def test_work_that_is_done_before_the_editor_agrees_never_begins() -> None:
    editor = Editor()
    await editor.has(1)
    await editor.has(10, finished=True)
    editor.answer.set_result(None)
    await editor.tasks[0]
    assert editor.sent == ["create"]


async def test_an_editor_that_refuses_is_not_asked_again_for_the_same_work() -> None:
    editor = Editor()
    await editor.has(1)
    editor.answer.set_exception(JsonRpcException("no"))
    await editor.tasks[0]
    await editor.has(2)
    await editor.has(10, finished=True)
    assert editor.sent == ["create"]


async def test_an_editor_without_progress_gets_none() -> None:
    editor = Editor(supports=False)
    await editor.has(1)
    await editor.has(10, finished=True)
    assert editor.sent == []
