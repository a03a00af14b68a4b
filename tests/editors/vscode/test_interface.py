"""What VS Code shows of the extension besides ghost text: messages with buttons, the status menu, pages and dialogs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.editors.sandbox import writes
from tests.editors.vscode.sandbox import Sandbox, once
from tests.editors.waiting import until
from tests.fakes.codestral import Behaviour

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWER = "return a + b"
REFUSED = Behaviour(status=401, raw=b'{"detail":"Unauthorized"}')


async def choose(sandbox: Sandbox, part: str) -> None:
    """Choose the row of an open list that contains this."""
    row = sandbox.editor.page.locator(".quick-input-list .monaco-list-row", has_text=part)
    await row.first.wait_for()
    await row.first.click()


async def open_menu(sandbox: Sandbox) -> None:
    """A click on the status bar item."""
    await click_status(sandbox)
    await sandbox.editor.page.locator(".quick-input-list .monaco-list-row", has_text="In this file").wait_for()


async def test_the_page_of_why_is_new_each_time(sandbox: Sandbox) -> None:
    sandbox.fake.answer = once(ANSWER)
    for _ in range(2):
        opened = await sandbox.at("def why(a, b):\n    ‸\n")
        await sandbox.editor.type("x = 1; ")
        await sandbox.editor.until_ghost(ANSWER)
        await sandbox.editor.command("fim-lsp: Why Was There (No) Suggestion?")
        await until(lambda name=opened.file.name: sandbox.editor.sees(f"{name} gets suggestions"), "the page")
        await sandbox.editor.command("View: Close Editor")


async def test_the_status_menu_stays_open_while_its_switches_are_pressed(sandbox: Sandbox) -> None:
    """Also for one who presses the keys at once, without looking."""
    sandbox.fake.answer = once(ANSWER)
    await sandbox.at("def menu(a, b):\n    ‸\n")
    await open_menu(sandbox)
    assert await sandbox.editor.sees("codestral · codestral-latest · 127.0.0.1")
    await sandbox.editor.press("ArrowDown", "ArrowDown", "ArrowDown", "Enter", "Enter", "Enter")
    await sandbox.editor.until_status("turned off for this file")
    await until_row(sandbox, "In this file, off")
    await sandbox.editor.press("ArrowDown", "Enter")
    await until_row(sandbox, "Only when asked, on")
    await sandbox.editor.press("Escape")
    await sandbox.editor.page.locator(
        ".editor-instance .monaco-editor.focused"
    ).wait_for()  # though the bar was clicked
    await sandbox.type_without_asking()
    await sandbox.editor.command("fim-lsp: Toggle Suggestions for This File")
    await sandbox.editor.until_status("fim-lsp: idle")
    await sandbox.editor.command("fim-lsp: Show Status")
    await choose(sandbox, "In this file")
    await sandbox.editor.until_status("turned off for this file")
    await choose(sandbox, "In this file")
    await sandbox.editor.until_status("fim-lsp: idle")
    await close_menu(sandbox)
    calls = len(sandbox.fake.requests)
    await sandbox.editor.type("x = 1; ", delay=150)
    await sandbox.all_answered()
    assert len(sandbox.fake.requests) == calls  # manual mode
    await sandbox.editor.press("Alt+\\")
    await sandbox.editor.until_ghost(ANSWER)
    toggled = len(sandbox.executed("fim-lsp.trigger"))
    await sandbox.editor.command("fim-lsp: Toggle Manual Mode")
    await until(lambda: len(sandbox.executed("fim-lsp.trigger")) > toggled, "the command")
    await sandbox.clear()


async def click_status(sandbox: Sandbox) -> None:
    await sandbox.editor.page.locator('.statusbar-item[id="fim-lsp.fim-lsp.fim-lsp"]').click()


async def close_menu(sandbox: Sandbox) -> None:
    """The text has the keys again, although the status bar was clicked."""
    await sandbox.editor.press("Escape")
    await sandbox.editor.page.locator(".editor-instance .monaco-editor.focused").wait_for()


async def until_row(sandbox: Sandbox, label: str) -> None:
    """Wait until the highlighted row of an open list has this label."""
    await sandbox.editor.page.locator(f'.quick-input-list .monaco-list-row.focused[aria-label*="{label}"]').wait_for()


async def test_suggest_now_turns_on_what_is_off(sandbox: Sandbox) -> None:
    sandbox.fake.answer = once(ANSWER)
    await sandbox.at("def now(a, b):\n    x = 1; ‸\n")
    await sandbox.editor.command("fim-lsp: Turn Suggestions Off")
    await sandbox.editor.until_status("turned off in VS Code")
    await sandbox.editor.command("fim-lsp: Turn Suggestions On")
    await sandbox.editor.until_status("fim-lsp: idle")
    await sandbox.editor.command("fim-lsp: Turn Suggestions Off")
    await sandbox.editor.until_status("turned off in VS Code")
    await sandbox.editor.command("fim-lsp: Suggest Now")
    await sandbox.editor.page.get_by_text("Turn On", exact=True).click()
    await sandbox.editor.until_status("fim-lsp: idle")
    await sandbox.editor.until_ghost(ANSWER)
    await sandbox.editor.press("Escape")
    await sandbox.editor.until_ghost("")


async def test_ghost_text_only_after_a_pause(sandbox: Sandbox) -> None:
    """By VS Code's own setting, which keeps an answer back; what is asked for by hand is shown at once."""
    sandbox.fake.answer = once(ANSWER)
    before = sandbox.code_server.settings()
    sandbox.code_server.set({**before, "editor.inlineSuggest.minShowDelay": 10_000})  # the most that it takes
    await sandbox.at("def pause(a, b):\n    ‸\n")
    for text in ("x = 1; ", "y = 2; "):
        await sandbox.editor.type(text)
        await sandbox.editor.answered()
        await sandbox.editor.until_status("fim-lsp: idle")
        assert await sandbox.editor.ghost() == ""
    await sandbox.editor.press("Alt+\\")
    await sandbox.editor.until_ghost(ANSWER)
    sandbox.code_server.set(before)


async def test_the_first_steps_are_shown_and_the_server_is_ticked(sandbox: Sandbox) -> None:
    """Although it ran before VS Code knew of the steps."""
    await sandbox.editor.command("fim-lsp: Get Started")
    step = sandbox.editor.page.locator(".getting-started-step", has=sandbox.editor.page.locator(".codicon.complete"))
    await step.filter(has_text="The server is installed").wait_for()
    assert await sandbox.editor.sees("Choose where suggestions come from")
    assert not await sandbox.editor.sees("Install the server")
    await sandbox.editor.command("View: Close Editor")


async def test_a_word_a_line_and_the_rest_are_accepted_with_keys(sandbox: Sandbox) -> None:
    sandbox.fake.answer = writes("    total = a + b\n    return total")
    case = await sandbox.at("def add(a, b):\n    ‸\n")
    await sandbox.editor.press("Alt+\\")
    await sandbox.editor.until_ghost("total = a + b\n    return total")
    await sandbox.editor.press("Control+ArrowRight")
    await sandbox.editor.until_ghost("= a + b\n    return total")
    await sandbox.editor.press("Control+Alt+ArrowRight")
    await sandbox.editor.until_ghost("return total")
    await sandbox.editor.press("Control+Alt+ArrowRight")  # Tab would indent here, as it does without ghost text
    await sandbox.editor.saved(case.file, case.with_text("total = a + b\n    return total"))


async def test_another_model_until_the_server_restarts(sandbox: Sandbox) -> None:
    sandbox.fake.answer = once(ANSWER)
    await sandbox.at("def model(a, b):\n    ‸\n")
    await sandbox.editor.command("fim-lsp: Choose Model")
    await choose(sandbox, "Another one")
    field = sandbox.editor.page.locator('.quick-input-widget input[type="text"]')
    await field.wait_for()
    await until(lambda: sandbox.editor.sees("The model's id"), "the field")
    await field.fill("codestral-2501")
    await sandbox.editor.press("Enter")
    await sandbox.editor.until_status("codestral-2501")
    await sandbox.editor.type("x = 1; ")
    await sandbox.editor.until_ghost(ANSWER)
    assert sandbox.fake.requests[-1].body["model"] == "codestral-2501"
    await sandbox.editor.command("fim-lsp: Choose Model")
    await choose(sandbox, "The one in the settings")
    await sandbox.editor.until_status("codestral-latest")
    await sandbox.clear()


async def test_another_back_end_and_todays_usage_in_the_status_bar(sandbox: Sandbox) -> None:
    before = sandbox.code_server.settings()
    item = sandbox.editor.page.locator('.statusbar-item[id="fim-lsp.fim-lsp.fim-lsp"]')
    sandbox.code_server.set({**before, "fim-lsp.status_bar": "usage"})
    await item.filter(has_text="tokens").wait_for()
    sandbox.code_server.set(before)
    await item.filter(has_not_text="tokens").wait_for()
    await sandbox.editor.command("fim-lsp: Choose Back End")
    await sandbox.new_server(lambda: choose(sandbox, "your own files, without"))
    await sandbox.editor.until_status("ngram")
    await sandbox.new_server(lambda: sandbox.code_server.set(before))
    await sandbox.editor.until_status("codestral")


async def test_a_commit_message_is_suggested(sandbox: Sandbox) -> None:
    """In the box of VS Code's own Git extension."""
    sandbox.fake.answer = writes("Adds a module")
    before = sandbox.code_server.settings()
    folder = sandbox.code_server.workspace
    make_repository(folder)
    sandbox.code_server.set({**before, "git.enabled": True})
    await sandbox.editor.press("Control+Shift+g", "g")
    await sandbox.editor.page.locator(".scm-editor .monaco-editor").first.click()
    await until(lambda: any(uri.startswith("vscode-scm:") for uri in sandbox.code_server.wire.opened()), "the box")
    await sandbox.editor.type("Adds a mod")
    await until(lambda: ghost_of(sandbox, ".scm-editor"), "ghost text in the box")
    await sandbox.editor.press("Tab")
    await until(lambda: sandbox.editor.sees("Adds a module"), "the accepted text")
    await sandbox.editor.press("Control+a", "Delete")
    sandbox.code_server.set(before)
    shutil.rmtree(folder / ".git")
    await sandbox.editor.command("View: Show Explorer")
    await sandbox.clear()


def make_repository(folder: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)


async def ghost_of(sandbox: Sandbox, selector: str) -> str:
    shown = sandbox.editor.page.locator(f"{selector} .ghost-text-decoration")
    return "".join(await shown.all_inner_texts())


async def test_a_refused_key_is_reported_once_and_another_one_is_set_tested_and_used(sandbox: Sandbox) -> None:
    """And written to no file."""
    await sandbox.clear()
    sandbox.fake.behaviour = REFUSED
    await sandbox.at("def key(a, b):\n    ‸\n")
    for letter in "abcdef":
        await sandbox.editor.type(letter)
        await sandbox.editor.answered()
    messages = sandbox.editor.page.locator(".notifications-toasts .notification-list-item-message")
    assert await messages.count() == 1
    await sandbox.editor.page.locator(".notifications-toasts .monaco-button", has_text="Set API Key").click()
    await until(lambda: sandbox.editor.sees("Which service is the key for?"), "the list")
    await sandbox.editor.press("Escape")
    sandbox.fake.behaviour, sandbox.fake.answer = Behaviour(), once(ANSWER)
    await sandbox.new_server(lambda: set_key(sandbox, "another-key"))
    await until(lambda: sandbox.editor.sees("accepts"), "the result of its test")
    sandbox.fake.requests.clear()
    await sandbox.editor.type("; x = 8; ")
    await sandbox.editor.until_ghost(ANSWER)
    assert {request.headers["authorization"] for request in sandbox.fake.requests} == {"Bearer another-key"}
    assert not [name for name, text in sandbox.code_server.logs().items() if "another-key" in text]
    assert "another-key" not in (sandbox.code_server.home / "data/Machine/settings.json").read_text()
    await sandbox.editor.command("fim-lsp: Remove API Key")
    await sandbox.new_server(lambda: sandbox.editor.pick("codestral"))
    await sandbox.clear()


async def set_key(sandbox: Sandbox, key: str) -> None:
    await sandbox.editor.command("fim-lsp: Set API Key")
    await sandbox.editor.pick("codestral")
    field = sandbox.editor.page.locator('.quick-input-widget input[type="password"]')
    await field.wait_for()
    await field.fill(key)
    await sandbox.editor.press("Enter")
