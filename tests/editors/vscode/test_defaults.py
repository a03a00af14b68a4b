"""VS Code's own help beside ghost text, as it ships: the completion menu and paired brackets."""

from __future__ import annotations

import asyncio

import pytest

from tests.editors.vscode.sandbox import Sandbox
from tests.editors.waiting import until
from tests.fakes.codestral import Behaviour

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_beside_the_menu_ghost_text_begins_with_its_highlighted_entry_or_is_not_shown(sandbox: Sandbox) -> None:
    """The menu opens when VS Code has stopped waiting for ghost text. Moving in it makes no call."""
    line = "value = compute(1)"
    sandbox.fake.answer = lambda body: line[len(body["prompt"].rpartition("\n")[2]) :]
    gate = asyncio.Event()
    sandbox.fake.behaviour = Behaviour(gate=gate)
    await sandbox.at("complete = 1\ncompute = 2\nvalue = ‸\n")
    await sandbox.editor.type("comp")
    rows = sandbox.editor.page.locator(".suggest-widget.visible .monaco-list-row")
    focused = sandbox.editor.page.locator(".suggest-widget.visible .monaco-list-row.focused")
    await rows.first.wait_for()
    gate.set()
    await sandbox.editor.until_status("idle")
    await sandbox.all_answered()
    assert "complete" in await focused.first.inner_text()
    assert await sandbox.editor.ghost() == ""
    await sandbox.editor.press("ArrowDown")
    await sandbox.editor.until_ghost("ute(1)")
    await sandbox.editor.press("ArrowUp")
    await sandbox.editor.until_ghost("")
    await sandbox.editor.press("Escape")
    await until(lambda: sandbox.fake.requests, "the call")
    assert len(sandbox.fake.requests) == 1
