"""The folder of kept indexes: other programs' files, limits, failures of the disk, two servers at once."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from fim_lsp.ngram import index_cache
from fim_lsp.ngram.index_cache import IndexCache
from fim_lsp.ngram.index_image import IndexImage
from tests.needs import link_to_endless_device, make_fifo
from tests.ngram.test_index_image import BITS, SAMPLE, image_of, nothing

ROOTS, SUFFIXES = (Path("/w"),), frozenset({".py"})
IMAGE = image_of(SAMPLE)


def read(cache: IndexCache, roots: tuple[Path, ...] = ROOTS) -> IndexImage | None:
    return cache.read(roots, SUFFIXES, bits=BITS, pause=nothing)


def write(cache: IndexCache, roots: tuple[Path, ...] = ROOTS) -> bool:
    return cache.write(roots, SUFFIXES, IMAGE, bits=BITS, pause=nothing)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    cache = IndexCache(lambda: tmp_path / "cache")
    assert read(cache) is None
    assert write(cache)
    assert read(cache) == IMAGE
    assert read(cache, (Path("/other"),)) is None
    cache.remove(ROOTS, SUFFIXES)
    assert read(cache) is None


@pytest.mark.parametrize("name", ["__version__", "_DEPENDS_ON"])
def test_another_program_does_not_use_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    cache = IndexCache(lambda: tmp_path)
    assert write(cache)
    monkeypatch.setattr(index_cache, name, {"__version__": "99", "_DEPENDS_ON": ("text",)}[name])
    assert read(IndexCache(lambda: tmp_path)) is None
    assert read(cache) == IMAGE  # the old one still runs, and what it writes is not taken for the new one's
    assert write(cache)
    assert read(IndexCache(lambda: tmp_path)) is None


def test_where_nothing_can_be_written_an_index_is_still_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = IndexCache(lambda: tmp_path)
    assert write(cache)

    def read_only(*_: object) -> None:
        raise OSError(30, os.strerror(30))

    monkeypatch.setattr("os.utime", read_only)
    assert read(cache) == IMAGE


@pytest.mark.parametrize("damage", ["others may read it", "a link", "a folder", "a FIFO", "half of it", "empty"])
def test_a_file_that_cannot_be_trusted_is_not_used_and_replaced(tmp_path: Path, damage: str) -> None:
    cache = IndexCache(lambda: tmp_path / "cache")
    assert write(cache)
    (path,) = (tmp_path / "cache").iterdir()
    data = path.read_bytes()
    if damage == "others may read it":
        path.chmod(0o644)
    else:
        path.unlink()
    if damage == "a link":
        link_to_endless_device(path)
    elif damage == "a folder":
        path.mkdir()
    elif damage == "a FIFO":
        make_fifo(path)
    elif damage in ("half of it", "empty"):
        path.write_bytes(data[: len(data) // 2] if damage == "half of it" else b"")
        path.chmod(0o600)
    assert read(cache) is None
    assert write(cache) is (damage != "a folder")
    assert (read(cache) == IMAGE) is (damage != "a folder")


def test_no_more_is_kept_than_the_bounds_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    cache = IndexCache(lambda: tmp_path, clock=lambda: now[0])
    roots = [(Path(f"/{number}"),) for number in range(4)]
    for one in roots[:3]:
        assert write(cache, one)
        read(cache, one)  # which is a use
        now[0] += 1000
    size = next(tmp_path.iterdir()).stat().st_size
    monkeypatch.setattr(index_cache, "MAX_TOTAL_BYTES", 3 * size)
    assert read(cache, roots[0]) == IMAGE
    now[0] = 1e12  # as new as a file's own time, and later
    monkeypatch.setattr(index_cache, "MAX_AGE", 1e13)
    assert write(cache, roots[3])
    assert [read(cache, one) is not None for one in roots] == [True, False, True, True]
    now[0] = 1e14
    (tmp_path / ".x.index.half").touch()
    assert write(cache, roots[3])
    assert len(list(tmp_path.iterdir())) <= 1
    monkeypatch.setattr(index_cache, "MAX_BYTES", size - 1)
    assert not write(cache, roots[3])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failure", ["no home", "read-only", "full", "a file is in the way"])
def test_where_nothing_can_be_kept_nothing_else_fails(
    tmp_path: Path, failure: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once is said why, without a path."""
    folder = tmp_path / "in" / "cache"
    if failure == "a file is in the way":
        (tmp_path / "in").touch()
    elif failure in ("full", "read-only"):

        def fails(*_: object, **__: object) -> None:
            raise OSError(28 if failure == "full" else 30, os.strerror(28 if failure == "full" else 30), str(folder))

        call = "fim_lsp.workspace.private_file.replace_file" if failure == "full" else "tempfile.mkstemp"
        monkeypatch.setattr(call, fails)
    cache = IndexCache(lambda: None if failure == "no home" else folder)
    assert not write(cache)
    assert not write(cache)
    assert read(cache) is None
    assert cache.clear() == 0
    cache.remove(ROOTS, SUFFIXES)
    assert len(caplog.records) == (0 if failure == "no home" else 1)
    assert all(
        record.levelno == logging.WARNING and str(tmp_path) not in record.getMessage() for record in caplog.records
    )
    assert not folder.exists() or list(folder.iterdir()) == []


def test_work_that_is_broken_off_leaves_the_old_index(tmp_path: Path) -> None:
    cache = IndexCache(lambda: tmp_path)
    assert write(cache)

    def stop() -> None:
        raise BrokenOff

    with pytest.raises(BrokenOff):
        cache.write(ROOTS, SUFFIXES, image_of(SAMPLE[:1]), bits=BITS, pause=stop)
    assert read(cache) == IMAGE
    assert len(list(tmp_path.iterdir())) == 1


class BrokenOff(Exception):
    """Not an error of the disk."""


def test_two_servers_write_and_read_whole_indexes(tmp_path: Path) -> None:
    seen: list[bool] = []

    def serve() -> None:
        cache = IndexCache(lambda: tmp_path)
        seen.extend(write(cache) and read(cache) == IMAGE for _ in range(10))

    threads = [threading.Thread(target=serve) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 30
    assert len(list(tmp_path.iterdir())) == 1


def test_all_of_it_can_be_deleted_and_nothing_else(tmp_path: Path) -> None:
    cache = IndexCache(lambda: tmp_path)
    assert cache.clear() == 0
    assert write(cache)
    assert write(cache, (Path("/other"),))
    (tmp_path / "notes.txt").touch()
    assert cache.clear() == 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
