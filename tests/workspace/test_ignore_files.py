"""Files ignored by ``.gitignore`` and ``.fimignore`` are never sent; git itself is the reference for its syntax."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.ignore_files import IgnoreFiles

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


def ignored(root: Path, *roots: Path) -> set[str]:
    ignores = IgnoreFiles(roots or (root,))
    return {name for name in FILES if ignores.is_ignored(root / name)}


def test_the_same_files_as_git(tmp_path: Path) -> None:
    make(tmp_path, gitignore=GITIGNORE, src__gitignore="!e.log\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".git/info/exclude").write_text("a.py\n")
    done = subprocess.run(["git", "check-ignore", *FILES], cwd=tmp_path, capture_output=True, text=True, check=False)
    expected = {line.strip('"') for line in done.stdout.splitlines()}
    assert ignored(tmp_path) == expected
    assert expected == {"a.py", "build/b.py", "src/gen/d.py", "docs/build/f.py", "x y.py"}


def test_a_workspace_inside_a_repository_follows_the_repositorys_rules(tmp_path: Path) -> None:
    make(tmp_path, gitignore="*.py\n")
    (tmp_path / ".git").mkdir()
    assert "src/c.py" in ignored(tmp_path, tmp_path / "src")


def test_fimignore_only_adds(tmp_path: Path) -> None:
    make(tmp_path, gitignore="build/\n", fimignore="src/gen/\n!build/\n!build/b.py\n")
    assert ignored(tmp_path) == {"build/b.py", "docs/build/f.py", "src/gen/d.py", "src/gen/keep.py"}


@pytest.mark.parametrize("name", [".gitignore", ".fimignore"])
def test_an_unreadable_file_ignores_everything_below_it(tmp_path: Path, name: str) -> None:
    make(tmp_path)
    (tmp_path / "src" / name).write_bytes(b"\xff\xfe*.log")
    assert ignored(tmp_path) == {name for name in FILES if name.startswith("src/")}


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    make(tmp_path, gitignore="build/\n")
    ignores = IgnoreFiles((tmp_path,))
    assert ignores.is_ignored(tmp_path / "build/b.py")
    assert not ignores.poll_changes()
    (tmp_path / ".gitignore").write_text("nothing\n")
    assert ignores.poll_changes()
    assert not IgnoreFiles((tmp_path,)).is_ignored(tmp_path / "build/b.py")
    ignores = IgnoreFiles((tmp_path,))
    ignores.is_ignored(tmp_path / "src/c.py")
    (tmp_path / "src/.fimignore").write_text("c.py\n")
    assert ignores.poll_changes()


def test_an_ignored_file_is_neither_sent_nor_indexed(tmp_path: Path) -> None:
    make(tmp_path, gitignore="build/\n", fimignore="*.log\n")
    paths = FilePolicy([tmp_path], [])
    for name in ("build/b.py", "src/e.log"):
        assert not paths.may_send((tmp_path / name).as_uri(), tmp_path / name)
    assert not paths.may_index(tmp_path / "build")
    assert not paths.may_index(tmp_path / "src/e.log")
    assert paths.may_send((tmp_path / "a.py").as_uri(), tmp_path / "a.py")


def test_a_link_to_an_ignored_file_is_ignored(tmp_path: Path) -> None:
    make(tmp_path, fimignore="build/\n")
    link = tmp_path / "link.py"
    os.symlink(tmp_path / "build/b.py", link)
    assert not FilePolicy([tmp_path], []).may_send(link.as_uri(), link)


def test_odd_lines_match_like_git(tmp_path: Path) -> None:
    """Lines that git passes over, ends of lines, a byte order mark, and characters that only look like line ends."""
    make(tmp_path)
    odd = (
        "\ufeff*.log\r\n[z-a].py\n[!]\na[\n\\\nx\\\n\n# a.py\nsrc/g?n/[jk]eep.py\nbuild\x0c/\n"
        "sr[a-c]/c.py\n!a.p[y]\n  \ndocs/**/f.*\n"
    )
    (tmp_path / ".gitignore").write_bytes(odd.encode())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    done = subprocess.run(["git", "check-ignore", *FILES], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (
        ignored(tmp_path)
        == set(done.stdout.splitlines())
        == {"src/e.log", "src/gen/keep.py", "src/c.py", "docs/build/f.py"}
    )


def test_info_exclude_applies_to_all_work_trees(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q", "main"], ["-C", "main", "commit", "-q", "--allow-empty", "-m", "x"],
                    ["-C", "main", "worktree", "add", "-q", "../tree"]):  # fmt: skip
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    (tmp_path / "main/.git/info").mkdir(exist_ok=True)
    (tmp_path / "main/.git/info/exclude").write_text("a.py\n")
    make(tmp_path / "tree")
    done = subprocess.run(
        ["git", "check-ignore", *FILES], cwd=tmp_path / "tree", capture_output=True, text=True, check=False
    )
    assert ignored(tmp_path / "tree") == set(done.stdout.splitlines()) == {"a.py"}


@pytest.mark.parametrize("name", [".gitignore", ".fimignore"])
@pytest.mark.parametrize("filler", ["# a comment\n", "\n", "other*.txt\n"])
def test_no_line_of_a_long_file_is_dropped(tmp_path: Path, name: str, filler: str) -> None:
    make(tmp_path)
    (tmp_path / name).write_text(filler * 6_000 + "a.py\n")
    assert ignored(tmp_path) == {"a.py"}


def test_a_file_with_too_many_rules_ignores_everything(tmp_path: Path) -> None:
    make(tmp_path, gitignore="".join(f"no{n}\n" for n in range(20_000)))
    assert ignored(tmp_path) == set(FILES)
    (tmp_path / ".gitignore").write_text("".join(f"[xyz]{n}\\a\n" for n in range(2_000)) + "[a].py")
    assert ignored(tmp_path) == {"a.py"}


def test_a_changed_file_is_noticed_among_very_many_folders(tmp_path: Path) -> None:
    ignores = IgnoreFiles((tmp_path,))
    for number in range(400):
        ignores.is_ignored(tmp_path / f"d{number}" / "a.py")
    assert not any(ignores.poll_changes() for _ in range(20))
    (tmp_path / "d7").mkdir()
    (tmp_path / "d7" / ".fimignore").write_text("*\n")
    assert any(ignores.poll_changes() for _ in range(10))


def test_threads_may_query_while_changes_are_polled(tmp_path: Path) -> None:
    make(tmp_path, gitignore="build/\n")
    paths = FilePolicy([tmp_path], [])
    with ThreadPoolExecutor(4) as pool:
        verdicts = [pool.submit(paths.may_import, tmp_path / f"d{n % 300}/build/{n}.py") for n in range(2_000)]
        assert not any(paths.poll_changes() for _ in range(200))
    assert [verdict.result() for verdict in verdicts] == [False] * 2_000


@pytest.mark.parametrize("ask", ["may_index", "may_import"])
def test_a_new_ignore_file_is_noticed(tmp_path: Path, ask: str) -> None:
    make(tmp_path)
    paths = FilePolicy([tmp_path], [])
    assert getattr(paths, ask)(tmp_path / "src/c.py")
    assert not paths.poll_changes()
    (tmp_path / "src/.fimignore").write_text("c.py\n")
    assert paths.poll_changes()


@pytest.mark.parametrize("ask", ["may_index", "may_import"])
def test_a_workspace_opened_through_a_link_follows_the_rules_of_its_repository(tmp_path: Path, ask: str) -> None:
    make(tmp_path / "repository", gitignore="src/gen/\n")
    (tmp_path / "repository/.git").mkdir()
    os.symlink(tmp_path / "repository/src", tmp_path / "ws")
    allowed = getattr(FilePolicy([tmp_path / "ws"], []), ask)
    assert allowed(tmp_path / "ws/c.py")
    assert not allowed(tmp_path / "ws/gen")
    assert not allowed(tmp_path / "ws/gen/d.py")
