"""No program of a project's is taken for one of the user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fim_lsp.workspace.programs import find_program, safe_folder


def program(folder: Path, name: str = "get-key", *, mode: int = 0o755) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\necho key\n")
    file.chmod(mode)
    return file


@pytest.mark.parametrize("path", ["", ".", ":", "./bin", "bin", ".:bin:", "./."])
def test_relative_folders_of_path_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    program(tmp_path)
    program(tmp_path / "bin")
    monkeypatch.chdir(tmp_path)
    assert find_program("get-key", {"PATH": path}) is None


@pytest.mark.parametrize("name", ["./get-key", "bin/get-key", "../project/get-key"])
def test_a_relative_path_is_one_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "home").mkdir()
    program(tmp_path / "project")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "project")
    assert find_program(name, os.environ) == os.path.join(tmp_path, "home", name)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_the_first_file_that_can_be_run_is_found(tmp_path: Path) -> None:
    program(tmp_path / "a", mode=0o644)
    (tmp_path / "b/get-key").mkdir(parents=True)
    wanted = program(tmp_path / "c")
    program(tmp_path / "d")
    folders = os.pathsep.join(str(tmp_path / name) for name in "xabcd")
    assert find_program("get-key", {"PATH": folders}) == str(wanted)
    assert find_program(str(wanted), {"PATH": ""}) == str(wanted)


def test_on_windows_the_endings_of_programs_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = program(tmp_path, "pass.EXE")
    monkeypatch.setattr("sys.platform", "win32")
    for name in ("pass", "pass.EXE"):
        assert find_program(name, {"PATH": str(tmp_path), "PATHEXT": os.pathsep.join((".COM", ".EXE"))}) == str(wanted)


@pytest.mark.parametrize("home", ["", "relative", "/no/such/folder"])
def test_without_a_home_programs_run_in_the_root(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("HOME", home)
    assert Path(safe_folder()).is_absolute()
    assert Path(safe_folder()).is_dir()
    assert Path(safe_folder()) != Path.cwd()
