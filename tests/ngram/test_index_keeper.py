"""What is kept of a workspace between starts: as good as learnt afresh, nothing excluded, nothing secret, nothing for little."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.ngram import held_files, index_keeper, workspace_index
from fim_lsp.ngram.predict import predict
from fim_lsp.workspace.source_files import Bounds
from tests.ngram.kept import kept_bytes, knows, model_of, started

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_keeper, "MIN_TOKENS", 10)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "w"
    for name in ("main", "alpha", "beta", "lib/gamma", "lib/delta"):
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{path.stem}_{n} = compute({path.stem}, {n})\n    if {path.stem}:\n\n" for n in range(30)]
        path.write_text("".join(lines))
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "index"


@pytest.fixture
def learnt(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read."""
    read: list[str] = []
    real = workspace_index.read_lines
    monkeypatch.setattr(workspace_index, "read_lines", lambda path: read.append(path.stem) or real(path))
    return read


def stop(*backends: NgramBackend) -> None:
    for backend in backends:
        backend.index.stop()


def offers(backend: NgramBackend) -> Iterator[object]:
    """What is offered at many places, to the last digit."""
    model = model_of(backend)
    for stem in ("alpha", "beta", "gamma", "delta"):
        for typed in (f"{stem}_7 = comp", f"{stem}_", f"    if {stem[:3]}", f"x = compute({stem}, ", ""):
            yield predict(model, "u", f"a = 1\n{typed}", "\n")


def test_a_second_start_reads_no_file_again_and_offers_the_same(root: Path, cache: Path, learnt: list[str]) -> None:
    first = started(root, cache)
    assert sorted(learnt) == ["alpha", "beta", "delta", "gamma"]
    learnt.clear()
    second = started(root, cache)
    assert learnt == []
    fresh = started(root, None)
    assert second.index.tokens == fresh.index.tokens == first.index.tokens > 0
    assert list(offers(second)) == list(offers(fresh)) == list(offers(first))
    assert any(offers(second))
    stop(first, second, fresh)


def test_what_was_read_back_can_be_removed_without_a_trace(root: Path, cache: Path) -> None:
    stop(started(root, cache))
    backend = started(root, cache)
    backend.forget("u")
    backend.workspace([], lambda *_: False)
    assert backend.index.wait(60)
    model = model_of(backend)
    assert (len(model.file_store), len(model.vocabulary), backend.index.tokens) == (0, 0, 0)
    stop(backend)


def test_changed_new_and_deleted_files_are_noticed(root: Path, cache: Path, learnt: list[str]) -> None:
    stop(started(root, cache))
    learnt.clear()
    (root / "alpha.py").write_text("changed_word = compute(alpha)\n" * 3)
    (root / "lib/new.py").write_text("new_word = compute(new)\n" * 3)
    (root / "beta.py").unlink()
    backend = started(root, cache)
    assert sorted(learnt) == ["alpha", "new"]
    assert knows(backend, "changed_word")
    assert knows(backend, "new_word")
    assert knows(backend, "gamma_3")
    assert not knows(backend, "alpha_3")
    assert not knows(backend, "beta_3")
    assert b"beta_3" not in kept_bytes(cache)
    learnt.clear()
    again = started(root, cache)
    assert learnt == []
    assert list(offers(again)) == list(offers(backend))
    stop(backend, again)


@pytest.mark.parametrize("how", ["exclude", ".gitignore", ".fimignore"])
def test_what_is_excluded_now_counts_no_longer_and_leaves_the_disk(root: Path, cache: Path, how: str) -> None:
    stop(started(root, cache))
    assert b"gamma_3" in kept_bytes(cache)
    if how != "exclude":
        (root / how).write_text("lib/gamma.py\n")
    backend = started(root, cache, exclude=["gamma.py"] if how == "exclude" else [])
    assert not knows(backend, "gamma_3")
    assert knows(backend, "delta_3")
    assert b"gamma" not in kept_bytes(cache)
    assert b"delta_3" in kept_bytes(cache)
    stop(backend)


@pytest.mark.parametrize("how", ["excluded", "deleted"])
def test_a_file_that_is_open_leaves_the_disk_too(root: Path, cache: Path, how: str) -> None:
    (root / "main.py").unlink()  # nothing is new but what is tested
    stop(started(root, cache))
    stop(started(root, cache, opened="lib/gamma.py"))
    assert b"gamma_3" in kept_bytes(cache)  # what it was may stay while it is open
    if how == "deleted":
        (root / "lib/gamma.py").unlink()
    exclude = ["gamma.py"] if how == "excluded" else []
    stop(started(root, cache, exclude=exclude, opened="lib/gamma.py"))
    assert b"gamma" not in kept_bytes(cache)
    assert b"delta_3" in kept_bytes(cache)


def test_it_counts_for_nothing_before_it_was_checked(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every offer that is made while the index is read back is one without the excluded file."""
    stop(started(root, cache))
    seen: list[bool] = []
    backend = NgramBackend()
    confirm = held_files.HeldFiles.confirm

    def checked(held: held_files.HeldFiles, path: Path) -> None:
        seen.append(knows(backend, "gamma_3"))
        confirm(held, path)
        seen.append(knows(backend, "gamma_3"))

    monkeypatch.setattr(held_files.HeldFiles, "confirm", checked)
    monkeypatch.setattr("tests.ngram.kept.NgramBackend", lambda **_: backend)
    started(root, cache, exclude=["gamma.py"])
    assert len(seen) == 6
    assert not any(seen)
    stop(backend)


def test_a_rule_that_comes_while_it_runs_applies_to_memory_and_disk(root: Path, cache: Path, learnt: list[str]) -> None:
    backend = started(root, cache)
    learnt.clear()
    backend.workspace([root], lambda path, _is_folder: path.name != "lib")
    assert not knows(backend, "gamma_3")  # at once
    assert backend.index.wait(60)
    assert knows(backend, "alpha_3")
    assert not knows(backend, "gamma_3")
    assert learnt == []
    assert b"gamma" not in kept_bytes(cache)
    stop(backend)


def test_a_file_with_a_secret_is_learnt_and_never_kept(root: Path, cache: Path, learnt: list[str]) -> None:
    (root / "lib/gamma.py").write_text(f'gamma_key = "{TOKEN}"\n' + "gamma_3 = compute(gamma, 3)\n" * 3)
    backend = started(root, cache)
    assert knows(backend, "gamma_key")
    kept = kept_bytes(cache)
    assert b"delta_3" in kept
    assert b"gamma_key" not in kept
    assert TOKEN[4:].encode() not in kept
    learnt.clear()
    again = started(root, cache)
    assert learnt == ["gamma"]
    assert sorted(map(str, offers(again))) == sorted(map(str, offers(backend)))
    stop(backend, again)


def test_words_of_open_documents_are_not_kept(root: Path, cache: Path) -> None:
    backend = NgramBackend()
    backend.open("v", "python", ["unsaved_word = 1\n"], root / "unsaved.py")
    stop(started(root, cache), backend)
    assert b"unsaved_word" not in kept_bytes(cache)
    assert b"main_3" not in kept_bytes(cache)  # it is open, too


def test_nothing_is_kept_before_the_settings_are_known(root: Path, cache: Path) -> None:
    stop(started(root, cache, may_keep=lambda: False))
    assert kept_bytes(cache) == b""


def test_turned_off_nothing_is_read_and_nothing_stays(root: Path, cache: Path, learnt: list[str]) -> None:
    stop(started(root, cache))
    learnt.clear()
    stop(started(root, cache, enabled=False))
    assert sorted(learnt) == ["alpha", "beta", "delta", "gamma"]
    assert kept_bytes(cache) == b""


def test_nothing_is_kept_of_a_small_workspace(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop(started(root, cache))
    monkeypatch.setattr(index_keeper, "MIN_TOKENS", 1_000_000)
    stop(started(root, cache))
    assert kept_bytes(cache) == b""


def test_a_small_change_is_not_worth_writing(root: Path, cache: Path) -> None:
    stop(started(root, cache))
    before = {path: path.stat().st_ino for path in cache.iterdir()}
    (root / "tiny.py").write_text("tiny_word = 1\n")
    stop(started(root, cache))
    assert {path: path.stat().st_ino for path in cache.iterdir()} == before


def test_a_full_index_still_learns_what_is_near(root: Path, cache: Path, learnt: list[str]) -> None:
    """Once more files did not fit, there may be room: for the file that was open, and for new ones."""
    far = root / "lib/far/large.py"
    far.parent.mkdir()
    far.write_text("large = compute(large, 7)\n" * 2000)
    whole = started(root, None)
    bounds = Bounds(tokens=whole.index.tokens - 1000)
    first = started(root, cache, bounds=bounds)
    assert not knows(first, "large")
    (root / "new.py").write_text("new_word = compute(new)\n" * 3)
    tomorrow = time.time() + 86_400
    os.utime(root / "new.py", (tomorrow, tomorrow))  # the newest of its folder, also where times are in whole seconds
    learnt.clear()
    second = started(root, cache, bounds=bounds, opened="alpha.py")
    assert learnt[:2] == ["new", "main"]
    assert knows(second, "new_word")
    assert knows(second, "main_3")
    stop(whole, first, second)


def test_it_is_private_and_its_deletion_is_a_sentence(root: Path, cache: Path) -> None:
    backend = started(root, cache)
    (path,) = cache.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert backend.index.keeper is not None
    assert backend.index.keeper.clear() == "1 kept index is deleted."
    assert list(cache.iterdir()) == []
    assert backend.index.keeper.clear() == "No index of a workspace was kept."
    stop(backend)
