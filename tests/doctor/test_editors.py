"""The editors on a machine: programs that answer, are old, say nothing, or hang."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fim_lsp.doctor import editors
from fim_lsp.doctor.check import State
from fim_lsp.doctor.editor_blocks import EDITORS
from fim_lsp.doctor.editors import check_editors, find_editors, paths_here

PRINTED = {
    "nvim": "NVIM v0.12.4\nBuild type: Release", "emacs": "GNU Emacs 30.2\nCopyright", "hx": "helix 25.07.1 (079b8a3)",
    "codium": "1.104.0\nabc\nx64", "vim": "VIM - Vi IMproved 9.1 (2024 Jan 02)", "kak": "Kakoune 2024.05.18",
}  # fmt: skip


def install(folder: Path, **scripts: str) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"} if scripts else {"PATH": str(folder)}


async def found(folder: Path, **scripts: str) -> dict[str, tuple[State, str, str]]:
    environment = install(folder, **scripts)
    on_path = [one for one in await find_editors(environment) if one.path.startswith(str(folder))]
    return {check.name: (check.state, check.message, check.remedy) for check in check_editors(on_path)}


async def test_each_editor_is_found_with_its_version(tmp_path: Path) -> None:
    checks = await found(tmp_path / "bin", **{name: f"echo '{text}'" for name, text in PRINTED.items()})
    versions = {name: message.split(" at ")[0] for name, (state, message, _) in checks.items() if state is State.OK}
    assert versions == {
        "nvim": "Neovim 0.12.4", "emacs": "Emacs 30.2", "helix": "Helix 25.07.1", "code": "VS Code 1.104.0",
        "vim": "Vim 9.1", "kak": "Kakoune 2024.05.18",
    }  # fmt: skip
    assert all(f"fim-lsp doctor --editor {name}" in remedy for name, (_, _, remedy) in checks.items())


@pytest.mark.parametrize(
    ("program", "script", "state", "words"),
    [
        ("nvim", "echo NVIM v0.11.2", State.WARNING, "0.12"),
        ("nvim", "echo NVIM v0.9.5", State.WARNING, "0.12"),
        ("emacs", "echo GNU Emacs 29.4", State.WARNING, "Emacs 30"),
        ("nvim", "exit 1", State.INFO, "--editor nvim"),
        ("nvim", "head -c 100000 /dev/zero; sleep 60", State.INFO, "--editor nvim"),
        ("nvim", "sleep 60 & sleep 60", State.INFO, "--editor nvim"),
    ],
)
async def test_an_editor_that_is_old_or_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, script: str, state: State, words: str
) -> None:
    monkeypatch.setattr(editors, "VERSION_TIMEOUT", 0.3)
    checks = await found(tmp_path / "bin", **{program: script})
    assert checks[program][0] is state
    assert words in checks[program][2]


async def test_no_editor_at_all(tmp_path: Path) -> None:
    environment = install(tmp_path / "bin")
    (check,) = check_editors(await find_editors(environment))
    assert check.state is State.INFO
    assert "Neovim, Emacs, Helix" in check.message


@pytest.mark.parametrize("name", EDITORS)
def test_a_block_has_the_paths_of_this_machine(name: str) -> None:
    paths = paths_here(dict(os.environ))
    block = EDITORS[name].block(paths)
    assert paths.command in block
    assert Path(paths.command).is_absolute()
    assert paths.plugins is None or name in ("helix", "vim", "kak") or str(paths.plugins) in block
