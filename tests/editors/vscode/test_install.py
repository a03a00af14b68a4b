"""Where there is no server: the extension offers once to install the one that it brings, here with the real uv."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.editors.vscode.code_server import Editor
from tests.editors.vscode.sandbox import Sandbox, once
from tests.editors.waiting import until

ANSWER = "return a + b"
NO_SERVER = "no server is installed"
BASE_PYTHON = Path(sys.base_prefix) / f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
_UV = """#!/bin/sh
while [ "$1" = pip ] && [ ! -e '{gate}' ]; do sleep 0.1; done
PATH='{python}':$PATH exec '{uv}' "$@"
"""

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def no_server(opened: Sandbox) -> AsyncIterator[None]:
    """VS Code finds no server, from the first of these tests to the last."""
    await opened.clear()
    before = opened.code_server.settings()
    opened.code_server.set({**before, "fim-lsp.command": []})
    await opened.editor.until_status(NO_SERVER)
    assert opened.code_server.processes("fim_lsp") == {}
    yield
    await opened.new_server(lambda: opened.code_server.set(before))


def buttons(editor: Editor, text: str) -> Any:
    """The buttons with exactly this text of the messages on the screen."""
    return editor.page.locator(".notifications-toasts .monaco-button").get_by_text(text, exact=True)


async def test_a_refusal_is_remembered(sandbox: Sandbox) -> None:
    """In the next window too; what explains says what to do."""
    editor = sandbox.editor
    await buttons(editor, "Install").wait_for()
    [offer] = await editor.notifications()  # which are cleared
    assert "Install it into the folder of this extension?" in offer
    await editor.load_without_server(sandbox.code_server.workspace / "first.py")
    await editor.until_status(NO_SERVER)
    await editor.command("fim-lsp: Why Was There (No) Suggestion?")
    await until(lambda: editor.sees('Run "fim-lsp: Install Server"'), "what to do")
    assert await editor.notifications() == []


async def test_a_command_that_is_no_program_is_named(sandbox: Sandbox) -> None:
    before = sandbox.code_server.settings()
    sandbox.code_server.set({**before, "fim-lsp.command": ["/nowhere/fim-lsp"]})
    await sandbox.editor.until_status("/nowhere/fim-lsp, which the setting fim-lsp.command names, is not a program")
    [message] = await sandbox.editor.notifications()
    assert "is not a program on this machine" in message
    sandbox.code_server.set(before)
    await sandbox.editor.until_status(NO_SERVER)


async def test_the_offer_is_accepted_cancelled_and_accepted_again(sandbox: Sandbox) -> None:
    """For somebody who has never been asked, until the first ghost text."""
    code_server, home = sandbox.code_server, sandbox.code_server.home
    own = home / "data/User/globalStorage/fim-lsp.fim-lsp"
    gate = home / "gate"
    put_uv_where_it_is_found(sandbox, gate)
    browser = sandbox.editor.page.context.browser
    async with await browser.new_context(viewport=sandbox.editor.page.viewport_size) as somebody:
        editor = Editor(code_server, await somebody.new_page())
        await editor.load_without_server(code_server.workspace / "first.py")
        await buttons(editor, "Install").click()
        await until(lambda: editor.sees("downloading the libraries and installing"), "progress")
        await buttons(editor, "Cancel").click()
        await editor.until_status(NO_SERVER)
        assert not list(own.glob("server-*"))
        gate.touch()
        await editor.command("fim-lsp: Install Server")
        await until(lambda: list(own.glob("server-*/complete")), "the installation to be complete")
        await editor.until_status("fim-lsp: idle")
        assert code_server.processes(str(own))
        sandbox.fake.answer = once(ANSWER)
        await editor.page.locator(".editor-instance .view-line").first.click()
        await editor.press("End", "Enter")
        await editor.page.keyboard.type("x = 1; ")
        await editor.until_ghost(ANSWER)
        assert await editor.notifications() == []
        await editor.page.goto("about:blank")
        await until(lambda: not code_server.processes(str(own)), "the window's server to end")
    for installed in own.glob("server-*"):  # the next test finds none
        shutil.rmtree(installed)


def put_uv_where_it_is_found(sandbox: Sandbox, gate: Path) -> None:
    """Where its installer puts it. It waits for the gate before it installs, and finds the Python that runs the tests: the
    system's may be too old.
    """
    uv, python = sandbox.code_server.home / ".local/bin/uv", sandbox.code_server.home / "python/python3"
    for file in (uv, python):
        file.parent.mkdir(parents=True)
    python.symlink_to(BASE_PYTHON)
    uv.write_text(_UV.format(gate=gate, uv=sandbox.code_server.installation.uv, python=python.parent))
    uv.chmod(0o755)
