"""Files that can be used, and rules that exclude others."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.doctor.check import State
from fim_lsp.doctor.workspace import Count, check_file, check_workspace, count_files
from fim_lsp.settings.schema import Settings
from fim_lsp.settings.validators import FrozenMapping
from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for name in ("a.py", "b.rs", "notes.bin", ".env", "build/x.py", "build/y.py", "src/keys.pem", "src/c.go"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".gitignore").write_text("build/\n")
    return tmp_path


def test_files_are_counted_by_the_place_of_the_rule(workspace: Path) -> None:
    found = count_files([workspace], FilePolicy([workspace], DEFAULT_EXCLUDES))
    assert found == Count(
        sources=3, excluded=(("the built-in list", 2), (str(workspace / ".gitignore"), 1)), whole=True
    )
    message = check_workspace([workspace], found).message
    assert message == (
        f"{workspace}: 3 source files can be used; files and folders excluded: 2 by the built-in list, 1 by "
        f"{workspace}/.gitignore"
    )


def test_a_large_workspace_is_counted_in_part(workspace: Path) -> None:
    ticks = count(0, 10)
    found = count_files([workspace], FilePolicy([workspace], ()), clock=lambda: float(next(ticks)))
    assert not found.whole
    assert "at least, in the first 3 s" in check_workspace([workspace], found).message


def test_no_folder() -> None:
    assert "only open documents" in check_workspace([], Count(sources=0, excluded=(), whole=True)).message


@pytest.mark.parametrize(
    ("name", "settings", "state", "words"),
    [
        ("a.py", Settings(), State.OK, "suggestions come in"),
        (".env", Settings(), State.WARNING, 'the rule ".env" in the built-in list'),
        ("build/x.py", Settings(), State.WARNING, 'the rule "build/" in line 1 of'),
        ("a.py", Settings(languages=FrozenMapping({"python": False})), State.WARNING, "turns off python"),
        ("a.py", Settings(local_only=("*.py",)), State.INFO, 'the rule "*.py" in the setting local_only: only ngram'),
    ],
)
def test_one_file(workspace: Path, name: str, settings: Settings, state: State, words: str) -> None:
    policy = FilePolicy([workspace], settings.exclude, settings.local_only)
    (check,) = check_file(workspace / name, "", settings, policy, [NgramBackend()])
    assert (check.state, words in check.message) == (state, True), check.message


def test_a_local_file_without_a_local_back_end(workspace: Path) -> None:
    policy = FilePolicy([workspace], (), ("*.py",))
    (check,) = check_file(workspace / "a.py", "", Settings(), policy, [])
    assert check.state is State.WARNING
    assert 'fallback = ["ngram"]' in check.remedy


def test_only_on_request(workspace: Path) -> None:
    policy = FilePolicy([workspace], ())
    checks = list(check_file(workspace / "a.py", "", Settings(trigger="manual"), policy, [NgramBackend()]))
    assert "only when you ask" in checks[1].message


def test_a_document_that_has_not_been_saved_yet(workspace: Path) -> None:
    policy = FilePolicy([workspace], ())
    (check,) = check_file(workspace / "new.py", "python", Settings(), policy, [NgramBackend()])
    assert (check.state, check.message) == (State.OK, f"suggestions come in {workspace / 'new.py'} (python)")
