"""The extension in a real VS Code, driven by keys, with a fake Codestral server behind the real language server.

The cursor of a case is marked ‸.
"""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.editors.vscode.code_server import until
from tests.editors.vscode.desk import Desk, once
from tests.fakes.codestral import Behaviour

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWER = "return a + b"


async def test_ghost_text_appears_and_tab_takes_it(desk: Desk) -> None:
    desk.fake.answer = once("\n    total = a + b\n    return total")
    case = await desk.at("def add(a, b)‸\n")
    await desk.editor.type(":")
    await desk.editor.until_ghost("\n    total = a + b\n    return total")
    if desk.pictures:
        await picture(desk)
    await desk.editor.press("Tab")
    await desk.editor.saved(case.file, case.with_text(":\n    total = a + b\n    return total"))


async def picture(desk: Desk) -> None:
    assert desk.pictures
    desk.pictures.mkdir(parents=True, exist_ok=True)
    box = await desk.editor.page.locator(".editor-instance").first.bounding_box()
    clip = {"x": box["x"], "y": box["y"], "width": min(box["width"], 520), "height": min(box["height"], 96)}
    file = desk.pictures / "vscode.png"
    await desk.editor.page.screenshot(path=file, clip=clip)
    assert file.stat().st_size <= 60 * 1024


async def test_typing_through_keeps_it_and_makes_no_call(desk: Desk) -> None:
    desk.fake.answer = once(ANSWER)
    await desk.at("def add(a, b):\n    ‸\n")
    await desk.editor.type("x = 1; ")
    await desk.editor.until_ghost(ANSWER)
    await desk.editor.settled()
    calls = len(desk.fake.requests)
    for count, letter in enumerate("return a", start=1):
        await desk.editor.type(letter)
        await desk.editor.until_ghost(ANSWER[count:])
        await desk.editor.settled()
        assert (await desk.editor.ghost()).strip() == ANSWER[count:].strip()
    assert len(desk.fake.requests) == calls


async def test_a_fast_burst_is_one_call(desk: Desk) -> None:
    """However slow the machine is: a call under way is kept while the typing agrees with it."""
    line = "value = compute(1)"
    desk.fake.answer = lambda body: line[len(body["prompt"].rpartition("\n")[2]) :]
    await desk.at("value = ‸\n")
    await desk.editor.type("compute", delay=5)
    await desk.editor.until_ghost("(1)")
    await desk.editor.settled()
    assert len(desk.fake.requests) == 1


@pytest.mark.parametrize(
    ("marked", "typed", "answer", "newline"),
    [
        pytest.param("foo(‸)\n", "b", "ar, baz", "\n", id="text after the cursor"),
        pytest.param("if x:\n\tfoo(‸)\n\tbar()\n", "b", "az(1)", "\n", id="tabs"),
        pytest.param("def f()‸\nf()\n", ":", "\n    x = 1\n    return x", "\r\n", id="CRLF"),
        pytest.param('s = "😀é" + ‸\n', "n", "ame.upper()", "\n", id="emoji before the cursor"),
        pytest.param('call("😀", ‸)  # 😀\n', "n", "ame, 2", "\n", id="emoji on both sides"),
    ],
)
async def test_what_is_taken_is_what_is_on_the_disk(
    desk: Desk, marked: str, typed: str, answer: str, newline: str
) -> None:
    desk.fake.answer = once(answer)
    case = await desk.at(marked, newline=newline)
    await desk.editor.type(typed)
    await desk.editor.until_ghost(answer)
    await desk.editor.press("Tab")
    await desk.editor.saved(case.file, case.with_text(typed + answer))


async def test_the_cells_of_a_notebook_are_one_document_to_the_model(desk: Desk) -> None:
    desk.fake.answer = lambda body: "" if body["prompt"].endswith("table)") else "ble)"
    cells = [{"cell_type": "code", "source": [text]} for text in ("table = read('sales')", "plot(")]
    for cell in cells:
        cell |= {"execution_count": None, "metadata": {}, "outputs": []}
    metadata = {"language_info": {"name": "python"}}
    name = "cells.ipynb"
    (desk.code_server.workspace / name).write_text(
        json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    )
    await desk.editor.open_notebook(name, cell=1)
    await desk.editor.press("End")
    await desk.editor.type("ta")
    await desk.editor.until_ghost("ble)")
    assert desk.fake.requests[-1].body["prompt"].endswith("table = read('sales')\n\nplot(ta")
    await desk.editor.press("Tab")
    await until(lambda: desk.editor.sees("plot(table)"), "the accepted text")


async def test_an_empty_answer_leaves_nothing_on_the_screen(desk: Desk) -> None:
    desk.fake.answer = lambda body: "c" if body["prompt"].endswith("value = ab") else ""
    case = await desk.at("value = ‸\n")
    await desk.editor.type("ab")
    await desk.editor.until_ghost("c")
    await desk.editor.type("z")
    await desk.editor.until_ghost("")
    await desk.editor.settled()
    assert await desk.editor.ghost() == ""
    await desk.editor.saved(case.file, case.with_text("abz"))


async def test_the_project_tunes_and_redirects_nothing(desk: Desk) -> None:
    desk.fake.answer = once(ANSWER)
    await desk.at("def tuned(a, b):\n    ‸\n")
    await desk.editor.type("x = 3; ")
    await desk.editor.until_ghost(ANSWER)
    assert desk.fake.requests[-1].body["max_tokens"] == 77
    assert desk.fake.requests[-1].headers["authorization"] == "Bearer key-of-the-environment"
    assert desk.thief.requests == []
    assert not (desk.code_server.home / "ran").exists()


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(None, id="dead"),
        pytest.param(Behaviour(drop=True), id="hangs up"),
        pytest.param(Behaviour(status=401, raw=b'{"detail":"Unauthorized"}'), id="401"),
        pytest.param(Behaviour(status=429, raw=b'{"message":"Requests rate limit exceeded"}'), id="429"),
    ],
)
async def test_trouble_is_told_once(desk: Desk, behaviour: Behaviour | None) -> None:
    """One message at most, and then a new server, as a person starts one or as a changed address does by itself."""
    await desk.clear()
    settings = desk.code_server.settings()
    if behaviour:
        desk.fake.behaviour = behaviour
    else:  # nobody listens there
        await desk.new_server(lambda: desk.code_server.set({**settings, "fim-lsp.base_url": "http://127.0.0.1:1"}))
    told = len(desk.code_server.messages("server", "window/showMessage"))
    asked = desk.asked
    await desk.at("trouble = ‸\n")
    for letter in "abcdef":
        await desk.editor.type(letter)
        await desk.editor.settled()
    assert desk.asked > asked
    assert await desk.editor.ghost() == ""
    messages = await desk.editor.notifications()
    sent = desk.code_server.messages("server", "window/showMessage")[told:]
    assert messages == [message["params"]["message"] for message in sent]
    assert len(messages) == 1
    if behaviour:
        assert desk.fake.requests
        await desk.new_server(lambda: desk.editor.command("fim-lsp: Restart Server"))
    else:
        await desk.new_server(lambda: desk.code_server.set(settings))


async def test_turning_off_everywhere_and_for_a_language(desk: Desk) -> None:
    desk.fake.answer = once(ANSWER)
    await desk.at("def off(a, b):\n    ‸\n")
    await desk.editor.command("fim-lsp: Toggle Suggestions")
    await desk.editor.until_status("turned off")
    await desk.silent()
    await desk.editor.command("fim-lsp: Toggle Suggestions")
    await until_on(desk)
    await desk.editor.command("fim-lsp: Toggle Suggestions for This Language")
    await desk.editor.until_status("turned off for python")
    await desk.silent()
    await desk.at("other = ‸\n", suffix=".lua")
    await until_on(desk)
    await desk.editor.type("y = 1 ")
    await desk.editor.until_ghost(ANSWER)
    await desk.at("def on(a, b):\n    ‸\n")
    await desk.editor.command("fim-lsp: Toggle Suggestions for This Language")
    await until_on(desk)
    await desk.editor.type("x = 6; ")
    await desk.editor.until_ghost(ANSWER)


async def test_snoozing_and_waking_up(desk: Desk) -> None:
    desk.fake.answer = once(ANSWER)
    await desk.at("def snooze(a, b):\n    ‸\n")
    await desk.editor.command("fim-lsp: Snooze Suggestions")
    await desk.editor.pick("5 minutes")
    await desk.editor.until_status("snoozed until")
    await desk.silent()
    await desk.editor.command("fim-lsp: Snooze Suggestions")
    await desk.editor.pick("Wake up now")
    await until_on(desk)
    await desk.editor.type("x = 5; ")
    await desk.editor.until_ghost(ANSWER)


async def until_on(desk: Desk) -> None:
    async def awake() -> bool:
        return not {"off", "snoozed"} & set((await desk.editor.status()).replace(",", "").split())

    await until(awake, "suggestions to be on")


async def test_the_status_bar_shows_the_state(desk: Desk) -> None:
    desk.fake.answer = once(ANSWER)
    await desk.at("def state(a, b):\n    ‸\n")
    await desk.editor.type("x = 7; ")
    await desk.editor.until_ghost(ANSWER)
    await desk.editor.until_status("fim-lsp: ready")


async def test_show_why_and_show_log_open(desk: Desk) -> None:
    await desk.at("why = ‸\n")
    await desk.editor.command("fim-lsp: Show Why")
    await until(lambda: desk.editor.sees("Last answers"), "the page")
    await desk.editor.command("fim-lsp: Show Log")
    await until(lambda: desk.editor.sees("[info] starting"), "the log")
    await desk.editor.command("View: Toggle Panel Visibility")


async def test_a_key_goes_to_the_back_end_and_into_no_file(desk: Desk) -> None:
    desk.fake.answer = once(ANSWER)
    await desk.clear()
    secret = "key-from-the-secret-storage"
    await desk.new_server(lambda: set_key(desk, secret))
    await desk.at("def key(a, b):\n    ‸\n")
    await desk.editor.type("x = 8; ")
    await desk.editor.until_ghost(ANSWER)
    assert desk.fake.requests[-1].headers["authorization"] == f"Bearer {secret}"
    assert not [name for name, text in desk.code_server.logs().items() if secret in text]
    assert secret not in (desk.code_server.home / "data/Machine/settings.json").read_text()
    await desk.editor.command("fim-lsp: Remove API Key")
    await desk.new_server(lambda: desk.editor.pick("codestral"))


async def set_key(desk: Desk, key: str) -> None:
    await desk.editor.command("fim-lsp: Set API Key")
    await desk.editor.pick("codestral")
    field = desk.editor.page.locator('.quick-input-widget input[type="password"]')
    await field.wait_for()
    await field.fill(key)
    await desk.editor.press("Enter")


async def test_without_a_server_uvx_may_fetch_it_when_the_user_says_so(desk: Desk) -> None:
    await desk.clear()
    before = desk.code_server.settings()
    command = before["fim-lsp.command"]
    uvx = desk.code_server.home / ".local" / "bin" / "uvx"
    uvx.parent.mkdir(parents=True, exist_ok=True)
    uvx.write_text(f'#!/bin/sh\n[ "$*" = fim-lsp ] && exec {" ".join(command)}\n')
    uvx.chmod(0o755)
    desk.code_server.set({**before, "fim-lsp.command": []})
    await desk.editor.until_status("no server is installed")
    assert desk.code_server.processes("fim_lsp") == {}
    await desk.new_server(lambda: desk.editor.page.get_by_text("Download and Run").click())
    desk.fake.answer = once(ANSWER)
    await desk.at("def fetched(a, b):\n    ‸\n")
    await desk.editor.type("x = 2; ")
    await desk.editor.until_ghost(ANSWER)
    await desk.new_server(lambda: desk.code_server.set(before))


async def test_the_logs_hold_no_error(desk: Desk) -> None:
    ours = {name: text for name, text in desk.code_server.logs().items() if "fim-lsp" in name}
    assert ours
    lines = [line for text in ours.values() for line in text.splitlines()]
    assert [line for line in lines if "[error]" in line or "Traceback" in line] == []


async def test_a_crashed_server_comes_back_without_a_message(desk: Desk) -> None:
    await desk.clear()
    (running,) = (number for number, line in desk.code_server.processes("fim_lsp").items() if "tap.py" not in line)
    await desk.new_server(lambda: os.kill(running, signal.SIGKILL))
    desk.fake.answer = once(ANSWER)
    await desk.at("def again(a, b):\n    ‸\n")
    await desk.editor.type("x = 9; ")
    await desk.editor.until_ghost(ANSWER)
    assert await desk.editor.notifications() == []


async def test_closing_leaves_no_process(desk: Desk) -> None:
    assert desk.code_server.processes("fim_lsp")
    await desk.editor.page.goto("about:blank")
    await desk.code_server.stop()
    await until(lambda: not desk.code_server.processes(), "all processes to end")
