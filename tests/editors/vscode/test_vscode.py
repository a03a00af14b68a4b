"""The extension in a real VS Code, driven by keys, with a fake Codestral server behind the real language server.

The cursor is marked ‸.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.editors.cases import ACCEPTED, Case
from tests.editors.sandbox import ideas, writes
from tests.editors.vscode.sandbox import Sandbox, once
from tests.editors.waiting import until
from tests.fakes.codestral import Behaviour

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWER = "return a + b"


async def test_ghost_text_appears_and_tab_accepts_it(sandbox: Sandbox) -> None:
    sandbox.fake.answer = once("\n    total = a + b\n    return total")
    case = await sandbox.at("def add(a, b)‸\n")
    await sandbox.editor.type(":")
    await sandbox.editor.until_ghost("\n    total = a + b\n    return total")
    if sandbox.pictures:
        await picture(sandbox)
    await sandbox.editor.press("Tab")
    await sandbox.editor.saved(case.file, case.with_text(":\n    total = a + b\n    return total"))


async def picture(sandbox: Sandbox) -> None:
    assert sandbox.pictures
    sandbox.pictures.mkdir(parents=True, exist_ok=True)
    box = await sandbox.editor.page.locator(".editor-instance").first.bounding_box()
    clip = {"x": box["x"], "y": box["y"], "width": min(box["width"], 520), "height": min(box["height"], 96)}
    file = sandbox.pictures / "vscode.png"
    await sandbox.editor.page.screenshot(path=file, clip=clip)
    assert file.stat().st_size <= 60 * 1024


async def test_typing_what_is_shown_keeps_it_and_makes_no_call(sandbox: Sandbox) -> None:
    sandbox.fake.answer = once(ANSWER)
    await sandbox.at("def add(a, b):\n    ‸\n")
    await sandbox.editor.type("x = 1; ")
    await sandbox.editor.until_ghost(ANSWER)
    await sandbox.editor.answered()
    calls = len(sandbox.fake.requests)
    for count, letter in enumerate("return a", start=1):
        await sandbox.editor.type(letter)
        await sandbox.editor.until_ghost(ANSWER[count:])
        await sandbox.editor.answered()
        assert (await sandbox.editor.ghost()).strip() == ANSWER[count:].strip()
    assert len(sandbox.fake.requests) == calls


async def test_other_suggestions_are_cycled_to(sandbox: Sandbox) -> None:
    sandbox.fake.answer = ideas("total = one", "total = two", "total = three")
    opened = await sandbox.at("‸\n")
    await sandbox.editor.type("total")
    await sandbox.editor.until_ghost(" = one")
    for key, shown in (("Alt+]", "two"), ("Alt+]", "three"), ("Alt+]", "one"), ("Alt+[", "three"), ("Alt+[", "two")):
        await sandbox.editor.press(key)
        await sandbox.editor.until_ghost(f" = {shown}")
    await sandbox.editor.press("Tab")
    await sandbox.editor.saved(opened.file, opened.with_text("total = two"))


async def test_a_fast_typist_makes_one_call(sandbox: Sandbox) -> None:
    """However slow the machine is: a call in flight is kept while the typing matches it."""
    line = "value = compute(1)"
    sandbox.fake.answer = lambda body: line[len(body["prompt"].rpartition("\n")[2]) :]
    await sandbox.at("value = ‸\n")
    await sandbox.editor.type("compute", delay=5)
    await sandbox.editor.until_ghost("(1)")
    await sandbox.editor.answered()
    assert len(sandbox.fake.requests) == 1


EMOJI_ON_BOTH_SIDES = Case(
    name="emoji on both sides",
    document='call("😀", ‸)  # 😀\n',
    typed="n",
    completion="ame, 2",
    after='call("😀", name, 2)  # 😀\n',
)


@pytest.mark.parametrize("case", [*ACCEPTED, EMOJI_ON_BOTH_SIDES], ids=lambda case: case.name)
async def test_accepting_puts_exactly_the_right_text_into_the_file(sandbox: Sandbox, case: Case) -> None:
    sandbox.fake.answer = writes(case.wants)
    newline = "\r\n" if "\r\n" in case.document else "\n"
    opened = await sandbox.at(case.document.replace("\r\n", "\n"), Path(case.file).suffix, newline)
    await sandbox.editor.type(case.typed)
    await sandbox.editor.until_ghost(case.completion)
    await sandbox.editor.press("Tab")
    await sandbox.editor.saved(opened.file, case.expected)


async def test_the_cells_of_a_notebook_are_one_document_to_the_model(sandbox: Sandbox) -> None:
    sandbox.fake.answer = lambda body: "" if body["prompt"].endswith("table)") else "ble)"
    cells = [{"cell_type": "code", "source": [text]} for text in ("table = read('sales')", "plot(")]
    for cell in cells:
        cell |= {"execution_count": None, "metadata": {}, "outputs": []}
    metadata = {"language_info": {"name": "python"}}
    name = "cells.ipynb"
    (sandbox.code_server.workspace / name).write_text(
        json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    )
    await sandbox.editor.open_notebook(name, cell=1)
    await sandbox.editor.press("End")
    await sandbox.editor.press("t", "a")
    await sandbox.editor.until_ghost("ble)")
    assert sandbox.fake.requests[-1].body["prompt"].endswith("table = read('sales')\n\nplot(ta")
    await sandbox.editor.press("Tab")
    await until(lambda: sandbox.editor.sees("plot(table)"), "the accepted text")


async def test_an_empty_answer_leaves_nothing_on_the_screen(sandbox: Sandbox) -> None:
    sandbox.fake.answer = lambda body: (
        "abc".removeprefix(typed) if "abc".startswith(typed := after_equals(body)) else ""
    )
    case = await sandbox.at("value = ‸\n")
    await sandbox.editor.type("ab")
    await sandbox.editor.until_ghost("c")
    await sandbox.editor.type("z")
    await sandbox.editor.until_ghost("")
    await sandbox.editor.answered()
    assert await sandbox.editor.ghost() == ""
    await sandbox.editor.saved(case.file, case.with_text("abz"))


def after_equals(body: dict[str, Any]) -> str:
    return str(body["prompt"]).rpartition("value = ")[2]


async def test_a_project_may_tune_and_not_redirect(sandbox: Sandbox) -> None:
    sandbox.fake.answer = once(ANSWER)
    await sandbox.at("def tuned(a, b):\n    ‸\n")
    await sandbox.editor.type("x = 3; ")
    await sandbox.editor.until_ghost(ANSWER)
    assert sandbox.fake.requests[-1].body["max_tokens"] == 77
    assert sandbox.fake.requests[-1].headers["authorization"] == "Bearer key-of-the-environment"
    assert sandbox.thief.requests == []
    assert not (sandbox.code_server.home / "ran").exists()


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(None, id="dead"),
        pytest.param(Behaviour(status=429, raw=b'{"message":"Requests rate limit exceeded"}'), id="429"),
    ],
)
async def test_a_failure_is_reported_once(sandbox: Sandbox, behaviour: Behaviour | None) -> None:
    """One message at most; then a new server, started by hand or by a changed address."""
    await sandbox.clear()
    settings = sandbox.code_server.settings()
    if behaviour:
        sandbox.fake.behaviour = behaviour
    else:  # nobody listens there
        await sandbox.new_server(
            lambda: sandbox.code_server.set({**settings, "fim-lsp.base_url": "http://127.0.0.1:1"})
        )
    told = len(sandbox.code_server.wire.notices())
    asked = sandbox.asked
    await sandbox.at("failure = ‸\n")
    for letter in "abcdef":
        await sandbox.editor.type(letter)
        await sandbox.editor.answered()
    assert sandbox.asked > asked
    assert await sandbox.editor.ghost() == ""
    messages = await sandbox.editor.notifications()
    assert messages == sandbox.code_server.wire.notices()[told:]
    assert len(messages) == 1
    if behaviour:
        assert sandbox.fake.requests
        await sandbox.new_server(lambda: sandbox.editor.command("fim-lsp: Restart Server"))
    else:
        await sandbox.new_server(lambda: sandbox.code_server.set(settings))


async def test_turning_off_everywhere_and_for_a_language(sandbox: Sandbox) -> None:
    sandbox.fake.answer = once(ANSWER)
    await sandbox.at("def off(a, b):\n    ‸\n")
    await sandbox.editor.command("fim-lsp: Toggle Suggestions")
    await sandbox.editor.until_status("turned off")
    await sandbox.type_without_asking()
    await sandbox.editor.command("fim-lsp: Toggle Suggestions")
    await until_on(sandbox)
    await sandbox.editor.command("fim-lsp: Toggle Suggestions for This Language")
    await sandbox.editor.until_status("turned off in VS Code for python")
    await sandbox.type_without_asking()
    await sandbox.at("other = ‸\n", suffix=".lua")
    await until_on(sandbox)
    await sandbox.editor.type("y = 1 ")
    await sandbox.editor.until_ghost(ANSWER)
    await sandbox.at("def on(a, b):\n    ‸\n")
    await sandbox.editor.command("fim-lsp: Toggle Suggestions for This Language")
    await until_on(sandbox)
    await sandbox.editor.type("x = 6; ")
    await sandbox.editor.until_ghost(ANSWER)


async def test_snoozing_and_waking_up(sandbox: Sandbox) -> None:
    sandbox.fake.answer = once(ANSWER)
    await sandbox.at("def snooze(a, b):\n    ‸\n")
    await sandbox.editor.command("fim-lsp: Snooze Suggestions")
    await sandbox.editor.pick("5 minutes")
    await sandbox.editor.until_status("snoozed, until")
    await sandbox.type_without_asking()
    await sandbox.editor.command("fim-lsp: Snooze Suggestions")
    await sandbox.editor.pick("End snooze")
    await until_on(sandbox)
    await sandbox.editor.type("x = 5; ")
    await sandbox.editor.until_ghost(ANSWER)


async def until_on(sandbox: Sandbox) -> None:
    async def awake() -> bool:
        return not {"disabled", "snoozed"} & set((await sandbox.editor.status()).replace(",", "").split())

    await until(awake, "suggestions to be on")


async def test_the_status_bar_shows_the_state(sandbox: Sandbox) -> None:
    sandbox.fake.answer = once(ANSWER)
    await sandbox.at("def state(a, b):\n    ‸\n")
    await sandbox.editor.type("x = 7; ")
    await sandbox.editor.until_ghost(ANSWER)
    await sandbox.editor.until_status("fim-lsp: idle")


async def test_what_the_server_explains_is_on_a_page(sandbox: Sandbox) -> None:
    await sandbox.clear()
    sandbox.fake.answer = once(ANSWER)
    opened = await sandbox.at("def why(a, b):\n    ‸\n")
    await sandbox.editor.type("x = 1; ")
    await sandbox.editor.until_ghost(ANSWER)
    accepted = len(sandbox.executed("fim-lsp.accepted"))
    await sandbox.editor.press("Tab")
    await until(lambda: len(sandbox.executed("fim-lsp.accepted")) > accepted, "the server to learn of it")
    await sandbox.editor.command("fim-lsp: Doctor")
    await until(lambda: sandbox.editor.sees("✓ python"), "the page, beside the text")
    await sandbox.editor.type("# typed on")
    await sandbox.editor.saved(opened.file, opened.with_text(f"x = 1; {ANSWER}# typed on"))
    await sandbox.editor.command("View: Join All Editor Groups")
    await sandbox.editor.command("fim-lsp: Why Was There (No) Suggestion?")
    await until(lambda: sandbox.editor.sees(f"{opened.file.name}:2:12 "), "why")
    await sandbox.editor.command("fim-lsp: Show Statistics")
    await until(lambda: sandbox.editor.sees("fim-lsp on this machine"), "the statistics")
    await sandbox.editor.command("fim-lsp: Clear Cache")
    await until(lambda: sandbox.executed("fim-lsp.clearCache"), "the command")
    [message] = await sandbox.editor.notifications()
    assert "forgotten" in message


async def test_show_log_opens(sandbox: Sandbox) -> None:
    await sandbox.editor.command("fim-lsp: Show Log")
    await until(lambda: sandbox.editor.sees("[info] starting"), "the log")
    await sandbox.editor.command("View: Toggle Panel Visibility")


async def test_the_logs_contain_no_error(sandbox: Sandbox) -> None:
    ours = {name: text for name, text in sandbox.code_server.logs().items() if "fim-lsp" in name}
    assert ours
    lines = [line for text in ours.values() for line in text.splitlines()]
    assert [line for line in lines if "[error]" in line or "Traceback" in line] == []


async def test_a_crashed_server_comes_back_without_a_message(sandbox: Sandbox) -> None:
    await sandbox.clear()
    (running,) = (
        number for number, line in sandbox.code_server.processes("fim_lsp").items() if "wire_recorder.py" not in line
    )
    await sandbox.new_server(lambda: os.kill(running, signal.SIGKILL))
    sandbox.fake.answer = once(ANSWER)
    await sandbox.at("def again(a, b):\n    ‸\n")
    await sandbox.editor.type("x = 9; ")
    await sandbox.editor.until_ghost(ANSWER)
    assert await sandbox.editor.notifications() == []


async def test_closing_leaves_no_process(sandbox: Sandbox) -> None:
    assert sandbox.code_server.processes("fim_lsp")
    await sandbox.editor.page.goto("about:blank")
    await sandbox.code_server.stop()
    await until(lambda: not sandbox.code_server.processes(), "all processes to end")
