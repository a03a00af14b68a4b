"""Neovim: a server that is missing, fetched, late, ended or restarted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.editors.cases import BEFORE, SUGGESTED
from tests.editors.neovim import Neovim, flat
from tests.editors.programs import ROOT
from tests.editors.sandbox import Sandbox, read, writes
from tests.editors.waiting import until
from tests.editors.wire import EXECUTE, INLINE, MENU

_QUESTION = "Fetch it into"
_LEARNT = "greet = compute(alpha, beta)\n" * 3


@pytest.fixture(autouse=True)
def _servers_are_as_users_start_them(sandbox: Sandbox) -> None:
    sandbox.is_forked = False


def _start(neovim: Neovim, name: str = "demo.py") -> None:
    """Start on a file without putting a server on the PATH."""
    pip = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    neovim.terminal.start(neovim.executable, name, env=pip, folder=neovim.sandbox.project)


async def _leave(neovim: Neovim) -> None:
    neovim.terminal.type("\x1b:qa!\n")
    await neovim.terminal.ended()
    assert neovim.errors() == []


async def test_a_missing_server_is_asked_about_once_and_named_with_what_installs_it(sandbox: Sandbox) -> None:
    sandbox.file("demo.py", BEFORE)
    sandbox.file("other.py", BEFORE)
    neovim, terminal = Neovim(sandbox), sandbox.terminal
    _start(neovim)
    await terminal.wait_for(_QUESTION)
    terminal.type("n")
    await terminal.wait_for(lambda screen: "`:FimLsp install` fetches it" in flat(screen), _QUESTION)
    terminal.type(":e other.py\n")
    await terminal.wait_for("other.py  ", _QUESTION)
    terminal.type(":FimLsp why\n")
    await terminal.wait_for(lambda screen: f"or run `pipx install {ROOT}`." in flat(screen))
    terminal.type("q:checkhealth fim_lsp\n:silent w! ../health.txt\n")
    report = sandbox.folder / "health.txt"
    await sandbox.until(lambda: b"pipx install " + str(ROOT).encode() in (read(report) or b""), "the report")
    await _leave(neovim)
    _start(neovim)
    await terminal.wait_for(lambda screen: "`:FimLsp install` fetches it" in flat(screen), _QUESTION)
    await _leave(neovim)


async def test_the_server_is_fetched_from_the_clone_and_started(sandbox: Sandbox) -> None:
    """And no module of the project's is taken for one of Python's."""
    path = sandbox.file("demo.py", f"{_LEARNT}\n")
    for name in ("venv", "ensurepip", "pip"):
        sandbox.file(f"{name}.py", "import os\nos.mkdir('imported')\n")
    neovim, terminal = Neovim(sandbox), sandbox.terminal
    _start(neovim)
    await terminal.wait_for(_QUESTION)
    terminal.type("y")
    await terminal.wait_for("(1 of 2)")
    installed = "the server is installed"
    await until(lambda: installed in terminal.screen(), lambda: f"{installed}; {terminal.screen()}", guard=300)
    terminal.type("GAgreet = ")
    for letter in "comp":
        terminal.type(letter)
    await terminal.wait_for(lambda screen: screen.count("compute(alpha, beta)") == 4)
    terminal.keys("Tab")
    await neovim.save_as(path, f"{_LEARNT}greet = compute(alpha, beta)\n".encode())
    terminal.type(":FimLsp log\n")
    await terminal.wait_for("python3 -I -m venv")
    assert not (path.parent / "imported").exists()
    await _leave(neovim)


async def test_a_server_that_ends_is_started_again_and_knows_what_was_chosen(sandbox: Sandbox) -> None:
    neovim, terminal = Neovim(sandbox), sandbox.terminal
    await neovim.open_with_suggestion()
    terminal.type("\x1b:FimLsp disable lua\n")
    await terminal.wait_for("off for lua")
    terminal.kill_command("-m fim_lsp")
    await terminal.wait_for(lambda screen: "has ended by signal 9 and is started" in flat(screen), "Press ENTER")
    await sandbox.until(lambda: len(neovim.wire.opened()) == 2, "the server to have the file again")
    terminal.type("Au")
    await terminal.wait_for(SUGGESTED)
    choices = [one["params"] for one in neovim.wire.sent(EXECUTE)]
    assert [choice["arguments"] for choice in choices if choice["command"] == "fim-lsp.toggleLanguage"] == [
        ["lua", False, {"quiet": True}]
    ] * 2
    await neovim.normal_mode()
    script = terminal.bin / "fim-lsp"
    good = script.read_text()
    script.write_text("#!/bin/sh\necho broken to pieces >&2\nexit 3\n")
    terminal.type(":FimLsp restart\n")
    await terminal.wait_for(lambda screen: "has ended 5 times and stays off" in flat(screen), "Press ENTER")
    terminal.type(":FimLsp log\n")
    await terminal.wait_for("log/")
    terminal.type("G")
    await terminal.wait_for(lambda screen: screen.count("broken to pieces") > 1)
    script.write_text(good)
    terminal.type("q:FimLsp restart\n")
    await sandbox.until(lambda: len(neovim.wire.opened()) == 3, "the server to have the file again")
    terminal.type("Ar")
    await terminal.wait_for(SUGGESTED)
    await neovim.normal_mode()
    terminal.type(":qa!\n")
    await terminal.ended()


@pytest.mark.parametrize(("executable", "method"), [("nvim", INLINE), ("nvim-0.11", MENU)])
async def test_who_typed_before_the_server_was_there_is_answered(
    sandbox: Sandbox, executable: str, method: str
) -> None:
    sandbox.codestral.answer = writes(SUGGESTED)
    path = sandbox.file("demo.py", BEFORE)
    neovim, terminal = Neovim(sandbox, executable=executable), sandbox.terminal
    gate = _wait_for_a_file(sandbox)
    terminal.start(neovim.executable, "demo.py", folder=path.parent)
    await terminal.wait_for("def fib")
    terminal.type("GAret")
    await terminal.wait_for("    ret\n", SUGGESTED)
    gate.touch()
    await terminal.wait_for(SUGGESTED)
    assert len(neovim.wire.sent(method)) == 1
    terminal.kill_command("-m fim_lsp")
    await sandbox.until(lambda: len(neovim.wire.opened()) == 2, "the server to have the file again")
    terminal.type("\x1b:FimLsp why\n")
    await terminal.wait_for(lambda screen: "has ended by signal 9" in flat(screen))
    await _leave(neovim)


def _wait_for_a_file(sandbox: Sandbox) -> Path:
    """A server that starts when this file is there."""
    sandbox.install()
    gate, script = sandbox.folder / "gate", sandbox.terminal.bin / "fim-lsp"
    wait = f"while ! [ -e '{gate}' ]; do sleep 0.05; done"
    script.write_text(script.read_text().replace("\nexec ", f"\n{wait}\nexec "))
    return gate
