"""The walk through a workspace: what it finds, in which order, and what it never looks at."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.workspace import tree_walk
from fim_lsp.workspace.source_files import Allowed, Bounds, reachable
from fim_lsp.workspace.tree_walk import TreeWalk, find


def anything(_path: Path, _is_folder: bool) -> bool:
    return True


def names(
    root: Path,
    *,
    allowed: Allowed = anything,
    bounds: Bounds | None = None,
    keep_going: Callable[[], bool] = lambda: True,
) -> set[str]:
    found = find([root], {".py"}, allowed, bounds or Bounds(), keep_going=keep_going)
    return {file.path.relative_to(root).as_posix() for file in found}


def in_order(root: Path, near: list[Path]) -> list[str]:
    walk, found = TreeWalk([root], {".py"}, anything, Bounds()), []
    while (batch := walk.next_batch(near)) is not None:
        found += [file.path.relative_to(root).as_posix() for file in batch.files]
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("a.py", "lib/b.py", "lib/notes.txt", "node_modules/c.py", "secret/d.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "empty.py").touch()
    (tmp_path / "link.py").symlink_to(tmp_path / "a.py")
    (tmp_path / "linked").symlink_to(tmp_path / "lib", target_is_directory=True)
    return tmp_path


def test_files_with_the_suffixes_are_found_and_links_are_not_followed(project: Path) -> None:
    assert names(project) == {"a.py", "lib/b.py", "secret/d.py"}


def test_a_known_file_is_neither_found_nor_judged_again(project: Path) -> None:
    judged: list[str] = []

    def allowed(path: Path, _is_folder: bool) -> bool:
        judged.append(path.name)
        return True

    walk = TreeWalk([project], {".py"}, allowed, Bounds(), known={project / "a.py"})
    found = []
    while (batch := walk.next_batch()) is not None:
        found += [file.path.name for file in batch.files]
    assert sorted(found) == ["b.py", "d.py"]
    assert "a.py" not in judged


def test_no_folder_is_listed_that_is_too_far(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    real = tree_walk._entries
    monkeypatch.setattr(tree_walk, "_entries", lambda folder: listed.append(Path(folder).name) or real(folder))
    walk = TreeWalk([project], {".py"}, anything, Bounds())
    batch = walk.next_batch([project / "lib"], within=0)
    assert batch is not None
    assert [file.path.name for file in batch.files] == ["b.py"]
    assert walk.next_batch([project / "lib"], within=0) is None
    assert listed == ["lib"]
    batch = walk.next_batch([project / "lib"])
    assert batch is not None
    assert batch.distance == 1


def test_a_folder_that_is_not_allowed_is_not_entered(project: Path) -> None:
    seen: list[tuple[str, bool]] = []

    def allowed(path: Path, is_folder: bool) -> bool:
        seen.append((path.name, is_folder))
        return path.name != "secret"

    assert names(project, allowed=allowed) == {"a.py", "lib/b.py"}
    assert sorted(seen) == [("a.py", False), ("b.py", False), ("empty.py", False), ("lib", True), ("secret", True)]


@pytest.mark.parametrize("inner", ["secret", "linked", "node_modules"])
def test_nor_when_it_is_the_folder_of_an_open_document(project: Path, inner: str) -> None:
    def allowed(path: Path, _is_folder: bool) -> bool:
        return path.name != "secret"

    walk, found = TreeWalk([project], {".py"}, allowed, Bounds()), []
    while (batch := walk.next_batch([project / inner])) is not None:
        found += [file.path.relative_to(project).as_posix() for file in batch.files]
    assert sorted(found) == ["a.py", "lib/b.py"]


def test_the_search_is_bounded_and_can_be_stopped(project: Path) -> None:
    assert names(project, bounds=Bounds(file_bytes=3)) == set()
    assert names(project, bounds=Bounds(entries=1)) == {"a.py"}
    assert names(project, keep_going=lambda: False) == set()


def test_reachable_agrees_with_find(project: Path) -> None:
    def allowed(path: Path, _is_folder: bool) -> bool:
        return path.name != "secret"

    files = [path for path in project.rglob("*.py") if path.stat().st_size]
    reached = {path.relative_to(project).as_posix() for path in files if reachable(path, [project], allowed)}
    assert reached == names(project, allowed=allowed)


def test_files_near_open_documents_come_first_and_then_new_ones(tmp_path: Path) -> None:
    for name, time in (("far/x.py", 9), ("lib/old.py", 1), ("lib/new.py", 2), ("top.py", 3), ("lib/in/deep.py", 4)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
        os.utime(tmp_path / name, (time, time))
    assert in_order(tmp_path, [tmp_path / "lib"]) == [
        "lib/new.py",
        "lib/old.py",
        "lib/in/deep.py",
        "top.py",
        "far/x.py",
    ]
    assert in_order(tmp_path, [])[0] == "top.py"


def test_the_rest_of_the_tree_is_not_listed_for_the_first_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        (tmp_path / f"p{number}/in").mkdir(parents=True)
        (tmp_path / f"p{number}/in/a.py").write_text("x = 1\n")
    listed: list[str] = []
    entries = tree_walk._entries
    monkeypatch.setattr(tree_walk, "_entries", lambda folder: listed.append(folder) or entries(folder))
    walk = TreeWalk([tmp_path], {".py"}, anything, Bounds())
    batch = walk.next_batch([tmp_path / "p7/in"])
    assert batch is not None
    assert ([file.path.parent.parent.name for file in batch.files], batch.distance) == (["p7"], 0)
    assert listed == [str(tmp_path / "p7/in")]
    walk.next_batch([tmp_path / "p9/in"])  # another document is opened meanwhile
    assert listed[1:] == [str(tmp_path / "p9/in")]
    while walk.next_batch([tmp_path / "p9/in"]):
        pass
    assert len(listed) == len(set(listed)) == 61


STEP = st.sampled_from(["a", "b", "c"])
FOLDERS = st.lists(st.lists(STEP, max_size=3).map("/".join), min_size=1, max_size=6)


@given(FOLDERS, st.lists(st.lists(STEP, max_size=4).map("/".join), max_size=3), st.integers(1, 4))
def test_every_file_comes_once_in_order_of_its_distance(
    tmp_path_factory: pytest.TempPathFactory, folders: list[str], near: list[str], batch_files: int
) -> None:
    """The judge sorts what ``rglob`` finds; batches of a few files must not change the order of distances."""
    root = tmp_path_factory.mktemp("tree")
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "m.py").write_text("x = 1\n")
    places = [root / place for place in near if (root / place).is_dir()]

    def distance(path: Path) -> int:
        return min((_steps(path.parent, place) for place in places), default=len(path.parent.parts))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree_walk, "BATCH_FILES", batch_files)
        walk, found = TreeWalk([root], {".py"}, anything, Bounds()), []
        while (batch := walk.next_batch(places)) is not None:
            found += [file.path for file in batch.files]
    assert sorted(found) == sorted(root.rglob("*.py"))
    assert [distance(path) for path in found] == sorted(map(distance, found))


def _steps(one: Path, other: Path) -> int:
    """By way of the nearest folder that contains both."""
    above = next(place for place in (one, *one.parents) if other.is_relative_to(place))
    return len(one.relative_to(above).parts) + len(other.relative_to(above).parts)
