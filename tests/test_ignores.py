"""What git ignores and what ``.fimignore`` names is never sent; git itself is the judge of its own syntax."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fim_lsp.ignores import Ignores
from fim_lsp.paths import Paths

FILES = ("a.py", "build/b.py", "src/c.py", "src/gen/d.py", "src/gen/keep.py", "src/e.log", "docs/build/f.py", "x y.py")
GITIGNORE = "build/\n*.log\n/src/gen/*\n!/src/gen/keep.py\nx\\ y.py\n"


def make(root: Path, **files: str) -> Path:
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")
    for name, text in files.items():
        (
            root / name.replace("__", "/").replace("gitignore", ".gitignore").replace("fimignore", ".fimignore")
        ).write_text(text)
    return root


def hidden(root: Path, *roots: Path) -> set[str]:
    ignores = Ignores(roots or (root,))
    return {name for name in FILES if ignores.hides(root / name)}


def test_the_same_files_as_git_itself(tmp_path: Path) -> None:
    make(tmp_path, gitignore=GITIGNORE, src__gitignore="!e.log\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".git/info/exclude").write_text("a.py\n")
    done = subprocess.run(["git", "check-ignore", *FILES], cwd=tmp_path, capture_output=True, text=True, check=False)
    ignored = {line.strip('"') for line in done.stdout.splitlines()}
    assert hidden(tmp_path) == ignored
    assert ignored == {"a.py", "build/b.py", "src/gen/d.py", "docs/build/f.py", "x y.py"}


def test_a_workspace_inside_a_repository_obeys_the_repository(tmp_path: Path) -> None:
    make(tmp_path, gitignore="*.py\n")
    (tmp_path / ".git").mkdir()
    assert "src/c.py" in hidden(tmp_path, tmp_path / "src")


def test_fimignore_adds_and_never_lets_through(tmp_path: Path) -> None:
    make(tmp_path, gitignore="build/\n", fimignore="src/gen/\n!build/\n!build/b.py\n")
    assert hidden(tmp_path) == {"build/b.py", "docs/build/f.py", "src/gen/d.py", "src/gen/keep.py"}


@pytest.mark.parametrize("name", [".gitignore", ".fimignore"])
def test_a_rule_that_cannot_be_read_hides_everything(tmp_path: Path, name: str) -> None:
    make(tmp_path)
    (tmp_path / "src" / name).write_bytes(b"\xff\xfe*.log")
    assert hidden(tmp_path) == {name for name in FILES if name.startswith("src/")}


def test_a_change_is_noticed(tmp_path: Path) -> None:
    make(tmp_path, gitignore="build/\n")
    ignores = Ignores((tmp_path,))
    assert ignores.hides(tmp_path / "build/b.py")
    assert not ignores.stale()
    (tmp_path / ".gitignore").write_text("nothing\n")
    assert ignores.stale()
    assert not Ignores((tmp_path,)).hides(tmp_path / "build/b.py")
    ignores = Ignores((tmp_path,))
    ignores.hides(tmp_path / "src/c.py")
    (tmp_path / "src/.fimignore").write_text("c.py\n")
    assert ignores.stale()


def test_an_ignored_file_is_neither_sent_nor_indexed(tmp_path: Path) -> None:
    make(tmp_path, gitignore="build/\n", fimignore="*.log\n")
    paths = Paths([tmp_path], [])
    for name in ("build/b.py", "src/e.log"):
        assert paths.hidden((tmp_path / name).as_uri(), tmp_path / name)
    assert not paths.indexable(tmp_path / "build")
    assert not paths.indexable(tmp_path / "src/e.log")
    assert not paths.hidden((tmp_path / "a.py").as_uri(), tmp_path / "a.py")


def test_a_link_to_an_ignored_file_is_one(tmp_path: Path) -> None:
    make(tmp_path, fimignore="build/\n")
    link = tmp_path / "link.py"
    os.symlink(tmp_path / "build/b.py", link)
    assert Paths([tmp_path], []).hidden(link.as_uri(), link)
