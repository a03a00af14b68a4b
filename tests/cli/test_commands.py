"""The table of commands, what a terminal shows of it, and what is imported for one of them."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fim_lsp.cli.commands import COMMANDS, epilog, greeting
from tests.cli.command import posix, run
from tests.cli.terminal import in_terminal


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_a_module_with_arguments_and_an_example(name: str) -> None:
    row = COMMANDS[name]
    module = importlib.import_module(row.module)
    assert callable(module.add_arguments)
    assert callable(module.run)
    assert row.example.startswith(f"fim-lsp {name}")
    assert row.example in epilog()
    assert row.summary in greeting()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_itself(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, name, "--help")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith(f"usage: fim-lsp {name} ")
    assert f"example: {COMMANDS[name].example}" in done.stdout


def test_help_names_every_command_with_an_example(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert [row.name for row in COMMANDS.values() if f"  {row.example} " not in done.stdout] == []
    assert max(map(len, done.stdout.splitlines())) <= 120


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["--nonsense"]])
def test_nothing_slow_is_imported_to_say_a_sentence(tmp_path: Path, arguments: list[str]) -> None:
    # coverage, where it measures this, has imported some of it before
    code = "import sys; before = set(sys.modules)\nfrom fim_lsp.cli.main import main\n"
    code += "try: main(sys.argv[1:])\nfinally: print(*set(sys.modules) - before, file=sys.stderr)"
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, cwd=tmp_path)
    loaded = set(done.stderr.split())
    assert "fim_lsp.cli.main" in loaded
    assert not loaded & {"asyncio", "httpx", "pygls", "sqlite3", "tomllib", "platformdirs", "fim_lsp.session.session"}


@posix
@pytest.mark.parametrize("arguments", [[], ["--log-level", "debug"]], ids=str)
def test_a_server_that_a_person_starts_in_a_terminal_says_how_it_is_used(tmp_path: Path, arguments: list[str]) -> None:
    done = in_terminal(tmp_path, *arguments)
    assert done.text.splitlines() == greeting().splitlines()
    assert done.code == 2


@posix
def test_in_a_terminal_the_server_serves_if_it_is_told_to(tmp_path: Path) -> None:
    done = in_terminal(tmp_path, "--stdio", typed="\x04")  # Ctrl-D: the end of the input
    assert "language server" not in done.text
    assert done.code == 1  # the editor has gone without saying so


@posix
def test_an_editor_is_not_greeted(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fim_lsp"], stdin=subprocess.DEVNULL, capture_output=True, check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (b"", b"")
