"""The commands of the Emacs package: what is on and off, model, key, figures, and buffers without a file."""

from __future__ import annotations

import asyncio
import subprocess

from tests.editors.cases import BEFORE, SUGGESTED
from tests.editors.emacs import ALONE, Emacs
from tests.editors.sandbox import Sandbox, writes
from tests.editors.wire import INLINE
from tests.fakes.codestral import Behaviour


async def test_off_and_on_here_everywhere_and_by_hand_only(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox)
    path = await emacs.open_with_suggestion()
    emacs.run("status")
    await emacs.terminal.wait_for("fim-lsp: idle, codestral, codestral-latest")
    for command, said in (
        ("disable", "ghost text is off in demo.py"),
        ("status", "M-x fim-lsp-enable turns it on"),
        ("toggle", "ghost text is on in demo.py"),
        ("toggle", "ghost text is off in demo.py"),
        ("enable", "ghost text is on in demo.py"),
    ):
        emacs.run(command)
        await emacs.terminal.wait_for(said)
    for said in ("Suggestions are off", "Suggestions are on"):
        emacs.terminal.keys("C-u")
        emacs.run("toggle")
        await emacs.terminal.wait_for(said)
    emacs.run("trigger")
    await emacs.terminal.wait_for("only when")
    emacs.run("why")
    await emacs.terminal.wait_for("fim-lsp-trigger changes that")
    emacs.terminal.keys("C-x", "1")
    await emacs.type_and_wait("u")
    emacs.run("ask")
    await emacs.terminal.wait_for(SUGGESTED)
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    emacs.run("disable")
    await emacs.terminal.wait_for("ghost text is off in demo.py")
    emacs.run("why")
    await emacs.terminal.wait_for("Ghost text is off in this buffer; M-x fim-lsp-enable turns it on.")
    await emacs.quit()


async def test_a_key_is_stored_and_another_model_used_and_today_counted(sandbox: Sandbox) -> None:
    del sandbox.settings["api_key"]
    sandbox.settings["stats"] = False
    emacs = Emacs(sandbox, f"{ALONE}(setq fim-lsp-mode-line-usage t)\n")
    sandbox.codestral.answer = writes(SUGGESTED)
    await emacs.open(sandbox.file("demo.py", BEFORE + "\n"), line=4)
    gate = asyncio.Event()
    sandbox.codestral.behaviour = Behaviour(gate=gate)
    emacs.run("key", sandbox.codestral.url, "typed-without-echo")
    await emacs.terminal.wait_for("You can run the command", "The key for")  # in place of "storing and trying"
    gate.set()
    await emacs.terminal.wait_for("The key for")
    await emacs.terminal.wait_for("storing and trying the key...", "The key for")  # Emacs puts it back
    await emacs.terminal.wait_for("The key for")
    emacs.run("model")
    await emacs.terminal.wait_for("Model (default codestral-latest)")
    emacs.terminal.type("codestral-2508\n")
    await emacs.terminal.wait_for("codestral-2508 on 127.0.0.1")
    emacs.terminal.type("ret")
    await emacs.terminal.wait_for(SUGGESTED)
    request = sandbox.codestral.requests[-1]
    assert request.body["model"] == "codestral-2508"
    assert request.headers["authorization"] == "Bearer typed-without-echo"
    await emacs.terminal.wait_for("tok ")
    emacs.run("model")
    await emacs.terminal.wait_for("Model (default codestral-2508)")
    emacs.terminal.type("(as in the settings)\n")
    await emacs.terminal.wait_for("codestral-latest on 127.0.0.1")
    emacs.run("set-key", sandbox.codestral.url)
    await emacs.terminal.wait_for("API key for http")
    emacs.terminal.keys("C-g")
    assert "typed-without-echo" not in emacs.wire.path.read_text()
    await emacs.quit()
    assert "typed-without-echo" not in emacs.log.read_text()


async def test_a_buffer_without_a_file_has_ghost_text_on_wish_and_with_a_name(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox)
    sandbox.codestral.answer = writes(SUGGESTED)
    await emacs.open(sandbox.file("demo.py", "\n"))
    emacs.terminal.keys("C-x", "b")
    emacs.terminal.type("new\n")
    emacs.terminal.keys("M-x")
    emacs.terminal.type("python-mode\n")
    await emacs.terminal.wait_for("(Python")
    emacs.run("why")
    await emacs.terminal.wait_for("because this buffer has no file")
    assert not emacs.wire.sent(INLINE)
    emacs.terminal.keys("C-x", "1")
    emacs.run("enable")
    await emacs.terminal.wait_for("ghost text is on in new")
    emacs.terminal.type("ret")
    await emacs.terminal.wait_for(SUGGESTED)
    emacs.run("disable")
    await emacs.terminal.wait_for("ghost text is off in new", SUGGESTED)
    emacs.terminal.keys("C-x", "C-w")
    emacs.terminal.type("named.py\n")
    await sandbox.until(lambda: emacs.wire.opened()[-1].endswith("/named.py"), "the file to be opened")
    emacs.terminal.type("u")
    await emacs.terminal.wait_for(SUGGESTED)
    await emacs.quit()


# As in ncurses' own list of terminals, of which few machines have all.
_SIXTEEN = r"""xterm-16color|xterm with 16 colors,
    colors#16, pairs#256,
    setab=\E[%?%p1%{8}%<%t%p1%{40}%+%e%p1%{92}%+%;%dm,
    setaf=\E[%?%p1%{8}%<%t%p1%{30}%+%e%p1%{82}%+%;%dm, use=xterm,
"""


def _add_terminal(sandbox: Sandbox, description: str) -> None:
    """Add a type of terminal to those that programs in the sandbox know."""
    source = sandbox.folder / "terminal"
    source.write_text(description)
    subprocess.run(["tic", "-o", sandbox.home / ".terminfo", source], check=True)


async def test_only_some_modes_and_only_after_a_pause_and_sixteen_colours_have_grey(sandbox: Sandbox) -> None:
    _add_terminal(sandbox, _SIXTEEN)
    config = "(setq global-fim-lsp-modes '((not python-mode) prog-mode text-mode) fim-lsp-idle-delay 1)\n"
    emacs = Emacs(sandbox, config + ALONE, env={"TERM": "xterm-16color", "COLORTERM": ""})
    sandbox.codestral.answer = writes(SUGGESTED)
    sandbox.file("demo.py", "\n")
    await emacs.open(sandbox.file("demo.txt", BEFORE + "\n"), line=4)
    for letter in "ret":
        emacs.terminal.type(letter)
    await emacs.terminal.wait_for(SUGGESTED)
    assert "ret\x1b[90murn " in emacs.terminal.coloured()
    assert len(emacs.wire.sent(INLINE)) == 1
    emacs.terminal.keys("C-x", "C-f")
    emacs.terminal.type("demo.py\n")
    await emacs.terminal.wait_for("(Python", " fim ")
    emacs.run("status")
    await emacs.terminal.wait_for("M-x fim-lsp-enable turns it on")
    assert len(emacs.wire.opened()) == 1
    await emacs.quit()
