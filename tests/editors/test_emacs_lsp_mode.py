"""The package's commands where lsp-mode runs the server, and the installation from there."""

from __future__ import annotations

from tests.editors.cases import BEFORE, GHOST, SUGGESTED
from tests.editors.emacs import WAYS, Emacs
from tests.editors.programs import ROOT
from tests.editors.sandbox import Sandbox, writes
from tests.editors.uv import emacs_with_uv


async def test_off_on_log_and_restart_with_lsp_mode(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox, WAYS["lsp-mode"])
    path = await emacs.open_with_suggestion()
    emacs.run("disable")
    await emacs.terminal.wait_for("ghost text is off in demo.py", GHOST)
    emacs.run("status")
    await emacs.terminal.wait_for("M-x fim-lsp-enable turns it on")
    emacs.run("toggle")
    await emacs.terminal.wait_for("ghost text is on in demo.py")
    emacs.run("log")
    await emacs.terminal.wait_for("*lsp-log*")
    emacs.terminal.keys("C-x", "o", "C-x", "1")
    emacs.run("restart")
    await sandbox.until(lambda: len(emacs.wire.opened()) == 2, "the server to have the file again")
    emacs.terminal.type("u")
    await emacs.terminal.wait_for(SUGGESTED)
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await emacs.leave()
    assert emacs.errors() == []


async def test_the_server_is_installed_and_started_by_lsp_mode(sandbox: Sandbox) -> None:
    emacs, log = emacs_with_uv(sandbox, WAYS["lsp-mode"])
    sandbox.codestral.answer = writes(SUGGESTED)
    path = sandbox.file("demo.py", BEFORE + "\n")
    emacs.start(path, line=4)
    await emacs.terminal.wait_for("(Python")
    emacs.run("install-server")
    await sandbox.until(lambda: emacs.wire.opened(), "lsp-mode to start the server")
    emacs.terminal.type("ret")
    await emacs.terminal.wait_for(SUGGESTED)
    folder = sandbox.home / ".config" / "emacs" / "fim-lsp-server"
    assert log.read_text().splitlines()[-1] == f"uv pip install --python {folder} {ROOT}"
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await emacs.leave()
    assert emacs.errors() == []
