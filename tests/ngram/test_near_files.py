"""A workspace larger than the bounds: what is near an open document is learnt, whenever it is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.ngram import index_keeper, workspace_index
from fim_lsp.ngram.index_cache import IndexCache
from fim_lsp.ngram.index_keeper import IndexKeeper
from fim_lsp.workspace.source_files import Bounds
from tests.bench.large_workspace import write
from tests.ngram.kept import WAIT, knows, model_of

FILE_TOKENS = 9 * 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten folders with three files each."""
    for folder in range(10):
        (tmp_path / f"w/f{folder}").mkdir(parents=True)
        for number in range(3):
            word = f"f{folder}_{number}"
            (tmp_path / f"w/f{folder}/m{number}.py").write_text(f"{word} = compute({word}, 1)\n" * 20)
    return tmp_path / "w"


def opened(root: Path, name: str, *, cache: Path | None = None) -> NgramBackend:
    """A backend with one open document, and room for nine files."""
    backend = NgramBackend(bounds=Bounds(tokens=9 * FILE_TOKENS + 30))
    if cache is not None:
        backend.index.keeper = IndexKeeper(IndexCache(lambda: cache))
    backend.workspace([root], lambda *_: True)
    backend.open("u", "python", ["x = 1\n"], root / name)
    assert backend.index.wait(WAIT)
    return backend


def folder_known(backend: NgramBackend, folder: int) -> bool:
    return all(knows(backend, f"f{folder}_{number}") for number in range(3))


def test_files_are_not_tried_once_there_is_no_room(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    real = workspace_index.read_lines
    monkeypatch.setattr(workspace_index, "read_lines", lambda path: read.append(path) or real(path))
    backend = opened(root, "f7/other.py")
    assert folder_known(backend, 7)
    assert len(read) == 10  # nine that fit, and the first that did not
    assert backend.index.tokens == len(model_of(backend).file_store) == 9 * FILE_TOKENS
    backend.index.stop()


def test_the_folder_of_a_document_opened_later_takes_the_place_of_a_far_one(root: Path) -> None:
    backend = opened(root, "f7/other.py")
    assert not folder_known(backend, 0)
    backend.open("v", "python", ["x = 1\n"], root / "f0/other.py")
    assert backend.index.wait(WAIT)
    assert folder_known(backend, 0)
    assert folder_known(backend, 7)
    assert backend.index.tokens <= 9 * FILE_TOKENS + 30
    backend.index.stop()


def test_so_does_the_folder_that_another_start_begins_in(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_keeper, "MIN_TOKENS", 10)
    opened(root, "f7/other.py", cache=tmp_path / "cache").index.stop()
    backend = opened(root, "f0/other.py", cache=tmp_path / "cache")
    assert folder_known(backend, 0)
    assert backend.index.tokens <= 9 * FILE_TOKENS + 30
    backend.index.stop()


def test_a_large_workspace_is_the_same_for_a_seed(tmp_path: Path) -> None:
    """That ``python -m tests.bench.large_workspace`` measures with."""
    for name in ("one", "two"):
        write(tmp_path / name, files=25, entries=90)
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.py")}
        for name in ("one", "two")
    )
    assert one == two
    assert sum("generated" not in path.parts for path in one) == 25
