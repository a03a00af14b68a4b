"""The server of Emacs: missing, offered and installed; ended and started again; given up."""

from __future__ import annotations

import pytest

from tests.editors.cases import BEFORE, SUGGESTED
from tests.editors.emacs import ALONE, Emacs
from tests.editors.programs import ROOT
from tests.editors.sandbox import Sandbox, writes
from tests.editors.uv import emacs_with_uv


@pytest.fixture(autouse=True)
def _servers_are_as_users_start_them(sandbox: Sandbox) -> None:
    sandbox.is_forked = False


async def test_a_missing_server_is_offered_once_and_installed_from_the_clone(sandbox: Sandbox) -> None:
    emacs, log = emacs_with_uv(sandbox, ALONE)
    log.with_name("uv.log.fail").touch()
    sandbox.codestral.answer = writes(SUGGESTED)
    path = sandbox.file("demo.py", BEFORE + "\n")
    emacs.start(path, line=4)
    await emacs.terminal.wait_for("Install the server of fim-lsp into ~/.config/emacs/fim-lsp-server?")
    emacs.terminal.type("y")
    await emacs.terminal.wait_for("could not be installed")
    await emacs.terminal.wait_for("no such host")
    log.with_name("uv.log.fail").unlink()
    log.unlink()
    emacs.run("install-server")
    await emacs.terminal.wait_for("the server is installed")
    emacs.terminal.keys("C-x", "1")
    emacs.terminal.type("ret")
    await emacs.terminal.wait_for(SUGGESTED)
    folder = sandbox.home / ".config" / "emacs" / "fim-lsp-server"
    assert log.read_text().splitlines() == [
        f"uv venv --quiet --allow-existing --python >=3.11 {folder}",
        f"uv pip install --python {folder} {ROOT}",
    ]
    assert set(log.with_name("uv.log.folders").read_text().splitlines()) == {
        str(folder)
    }  # a project's uv.toml is not read
    assert (folder / "asked").exists()
    await emacs.quit()


async def test_without_the_offer_the_command_that_installs_it_is_named(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox, f'(setq exec-path \'("/usr/bin" "/bin"))\n{ALONE}')
    asked = sandbox.home / ".config" / "emacs" / "fim-lsp-server" / "asked"
    asked.parent.mkdir()
    asked.touch()
    path = sandbox.file("demo.py", "\n")
    emacs.start(path)
    await emacs.terminal.wait_for("M-x fim-lsp-install-server installs it")
    screen = await emacs.terminal.wait_for("pipx install")
    assert f"pipx install {ROOT}" in screen.replace("\\\n", "")
    emacs.run("why")
    await emacs.terminal.wait_for("*fim-lsp*")
    await emacs.terminal.wait_for("fim-lsp: `fim-lsp' was not found")
    emacs.terminal.keys("C-c", "q")
    await emacs.terminal.ended()
    assert emacs.errors() == []


async def test_a_server_that_dies_is_started_again_and_restart_does_too(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox)
    path = await emacs.open_with_suggestion()
    emacs.terminal.kill_command("fim_lsp")
    await emacs.terminal.wait_for("the server has ended and is started again")
    await sandbox.until(lambda: len(emacs.wire.opened()) == 2, "the server to have the file again")
    emacs.terminal.type("u")
    await emacs.terminal.wait_for(SUGGESTED)
    emacs.run("restart")
    await sandbox.until(lambda: len(emacs.wire.opened()) == 3, "the server to have the file once more")
    emacs.terminal.type("r")
    await emacs.terminal.wait_for(SUGGESTED)
    emacs.run("log")
    await emacs.terminal.wait_for("*fim-lsp log*")
    await emacs.terminal.wait_for("settings from")
    emacs.terminal.keys("q", "C-x", "1")
    emacs.terminal.type("n")
    await emacs.terminal.wait_for(SUGGESTED)
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    emacs.terminal.keys("C-c", "q")
    await emacs.terminal.ended()
    assert emacs.errors() == []
    assert emacs.log.read_text().count("is started again") == 1


async def test_a_server_that_always_ends_is_given_up(sandbox: Sandbox) -> None:
    broken = sandbox.folder / "broken"
    broken.write_text("#!/bin/sh\necho cannot start >&2\nexit 3\n")
    broken.chmod(0o755)
    config = f"(setq fim-lsp-command '(\"{broken}\"))\n{ALONE}(setq fim-lsp-client--delays '(0 0))\n"
    emacs = Emacs(sandbox, config)
    emacs.start(sandbox.file("demo.py", "\n"))
    await emacs.terminal.wait_for("the server has ended 3 times")
    emacs.run("log")
    await emacs.terminal.wait_for("cannot start")
    emacs.terminal.keys("C-c", "q")
    await emacs.terminal.ended()
    assert emacs.log.read_text().count("is started again") == 1


async def test_what_is_asked_for_before_the_server_is_ready_comes_when_it_is(sandbox: Sandbox) -> None:
    """In a terminal of eight colours, where ghost text has the colour of what is dim; with keys from auth-source."""
    gate = sandbox.folder / "gate"
    slow = sandbox.folder / "slow"
    keys = 'echo "$MISTRAL_API_KEY $LANGDOCK_API_KEY $CODESTRAL_API_KEY" > keys'
    slow.write_text(f"#!/bin/sh\n{keys}\nuntil [ -e '{gate}' ]; do sleep 0.05; done\nexec fim-lsp\n")
    slow.chmod(0o755)
    lines = (
        "api.mistral.ai login me password first-key",
        "api.langdock.com password second-key",
        "other.org password no",
    )
    (sandbox.home / ".authinfo").write_text("".join(f"machine {line}\n" for line in lines))
    config = f'(setq fim-lsp-use-auth-source t fim-lsp-command \'("{slow}"))\n{ALONE}'
    own = {"LANGDOCK_API_KEY": "from-the-environment"}  # which comes first
    emacs = Emacs(sandbox, config, env={"TERM": "xterm", "COLORTERM": "", **own})
    sandbox.codestral.answer = writes(SUGGESTED)
    path = sandbox.file("demo.py", BEFORE + "\n")
    emacs.start(path, line=4)
    await emacs.terminal.wait_for("(Python")
    emacs.run("toggle-language")
    await emacs.terminal.wait_for("asking the server...")
    emacs.run("toggle-language")
    await emacs.terminal.wait_for("asking the server...")
    emacs.terminal.type("ret")
    emacs.run("ask")
    await emacs.terminal.wait_for("the server isn't ready yet; it is asked as soon as it is")
    gate.touch()
    await emacs.terminal.wait_for(SUGGESTED, "isn't ready yet")
    assert "ret\x1b[32murn " in emacs.terminal.coloured()
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await emacs.quit()
    said = emacs.log.read_text()
    assert said.index("off for python") < said.index("on for python")
    assert (sandbox.project / "keys").read_text() == "first-key from-the-environment \n"
    assert "-key" not in said
    assert b"first-key" not in sandbox.wire.path.read_bytes()
