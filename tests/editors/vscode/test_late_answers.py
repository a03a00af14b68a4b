"""Answers that come after VS Code, as it ships, has stopped waiting for them: 750 ms after the last key."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.editors.vscode.sandbox import Sandbox
from tests.editors.waiting import until
from tests.editors.wire import INLINE
from tests.fakes.codestral import Behaviour

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def stops_waiting(sandbox: Sandbox) -> None:
    """Wait until VS Code has cancelled its request for the present text, for which a call is in flight."""

    def has_stopped() -> bool:
        last = sandbox.editor.last_request()
        cancelled = {message["params"]["id"] for message in sandbox.code_server.wire.sent("$/cancelRequest")}
        return last is not None and last["id"] in cancelled

    await until(lambda: sandbox.fake.requests, "the call")
    with contextlib.suppress(AssertionError):
        await until(has_stopped, "VS Code to stop waiting", guard=5)
    if not has_stopped():  # on a busy machine it may have given up before it asked after the last key
        await sandbox.editor.press("Backspace")
        await sandbox.editor.type("h")
        await until(has_stopped, "VS Code to stop waiting")
    assert await sandbox.editor.ghost() == ""


async def test_a_late_answer_is_shown_when_it_comes_and_costs_one_call(sandbox: Sandbox) -> None:
    line = "value = gather(1)"  # a word of no other test: the menu has those of all open files
    sandbox.fake.answer = lambda body: line[len(body["prompt"].rpartition("\n")[2]) :]
    gate = asyncio.Event()
    sandbox.fake.behaviour = Behaviour(gate=gate)
    opened = await sandbox.at("value = ‸\n")
    await sandbox.editor.type("gath")
    await stops_waiting(sandbox)
    await sandbox.editor.until_status("waiting for the answer")
    gate.set()
    await sandbox.editor.until_ghost("er(1)")
    await sandbox.editor.until_status("idle")
    kinds = {request["params"]["context"]["triggerKind"] for request in sandbox.code_server.wire.sent(INLINE)[-2:]}
    assert kinds == {2}  # not as if it had been asked for by hand
    await sandbox.editor.press("Tab")
    await sandbox.editor.saved(opened.file, opened.with_text("gather(1)"))
    assert len(sandbox.fake.requests) == 1


async def test_a_late_answer_is_not_shown_where_the_cursor_has_moved(sandbox: Sandbox) -> None:
    sandbox.fake.answer = lambda body: "er(1)"
    gate = asyncio.Event()
    sandbox.fake.behaviour = Behaviour(gate=gate)
    await sandbox.at("value = ‸\n")
    await sandbox.editor.type("gath")
    await stops_waiting(sandbox)
    await sandbox.editor.press("Home")
    await until(lambda: sandbox.editor.sees("Ln 1, Col 1\n"), "the cursor to move")
    asked = sandbox.asked
    gate.set()
    await sandbox.editor.until_status("idle")  # the answer is there
    assert (await sandbox.editor.ghost(), sandbox.asked) == ("", asked)
