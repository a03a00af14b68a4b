"""The indexing thread outlives whatever a file or a folder does to it, and what is gone leaves nothing behind."""

from __future__ import annotations

import errno
import logging
import shutil
from pathlib import Path

import pytest

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.context.provider import ContextProvider
from fim_lsp.ngram import workspace_index
from fim_lsp.ngram.model import NgramModel
from fim_lsp.workspace.source_files import Bounds
from fim_lsp.workspace.tree_walk import find

ERRORS = [OSError(code, "x") for code in (errno.ENAMETOOLONG, errno.EACCES, errno.ESTALE, errno.EIO, errno.ELOOP)]
ERRORS += [ValueError("embedded null byte"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"), RuntimeError("loop")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ["allowed", "read_lines", "reachable"])
def test_one_failure_ends_nothing(
    tmp_path: Path, error: Exception, where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Of two files one fails, when the folder is listed, read, or looked at again after it was closed."""
    for name in ("bad", "good"):
        (tmp_path / f"{name}.py").write_text(f"{name}_word = compute({name})\n")

    def fails(path: Path) -> None:
        if path.name == "bad.py":
            raise error

    def allowed(path: Path, _is_folder: bool) -> bool:
        if where == "allowed":
            fails(path)
        return True

    if where != "allowed":
        real = getattr(workspace_index, where)
        monkeypatch.setattr(workspace_index, where, lambda path, *rest: fails(path) or real(path, *rest))
    backend = NgramBackend()
    backend.workspace([tmp_path], allowed)
    backend.open("u", "python", ["x = 1\n"], None)
    for name in ("bad", "good"):
        backend.open(name, "python", ["y = 2\n"], tmp_path / f"{name}.py")
        backend.forget(name)
    assert backend.index.wait(30)
    model = next(iter(backend._models.values()))
    assert model.vocabulary.uses(model.vocabulary.find("good_word")) == 1
    assert backend.index._thread is not None
    assert backend.index._thread.is_alive()
    assert type(error).__name__ in caplog.text
    assert str(tmp_path) not in caplog.text
    assert all(record.exc_info is None for record in caplog.records)
    backend.index.stop()


async def test_the_reading_of_imports_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cart.py").write_text(
        "class ShoppingCart:\n    def add_article(self, article):\n        return article\n"
    )
    made = ContextProvider()
    broken = [True]

    def allowed(_path: Path) -> bool:
        if broken[0]:
            raise RuntimeError("whatever")
        return True

    text = ["from cart import ShoppingCart\n", "cart = ShoppingCart()\n"]
    made.set_workspace([tmp_path], allowed)
    made.opened("u", "main.py", tmp_path / "main.py", "python", lambda: text)
    await made.wait_until_read("u")
    broken[0] = False
    text[0] = "from cart import ShoppingCart, x\nimport cart\n"
    made.opened("v", "other.py", tmp_path / "other.py", "python", lambda: text)
    await made.wait_until_read("v")
    assert [found.path for found in made.snippets("v", "".join(text), "", 2000, True)][-1:] == ["cart.py"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize("count", [20, 40, 80])
def test_what_is_closed_leaves_nothing_behind(count: int) -> None:
    model = NgramModel(index_bits=8)
    sizes = set()
    for number in range(count):
        model.open(
            "u",
            [f"{chr(97 + number % 26)}{number}qz{letter}w = {letter}{number}(x)\n" for letter in "abcdef"],
            folder="",
        )
        model.close("u")
        vocabulary = model.vocabulary
        sizes.add((len(vocabulary._by_prefix), len(vocabulary._number), len(model.folders), len(model.open_store)))
    assert sizes == {(0, 0, 0, 0)}


@pytest.mark.parametrize("name", ["a" * 300 + ".py", "a/" * 3_000 + "b.py", "a\0b.py", "a\ud800b.py"])
def test_a_document_whose_name_no_file_can_have_ends_nothing(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    backend = NgramBackend()
    backend.workspace([tmp_path], lambda *_: True)
    backend.open("u", "python", ["x = 1\n"], tmp_path / name)
    backend.forget("u")
    (tmp_path / "good.py").write_text("good_word = compute(good)\n")
    backend.open("v", "python", ["x = 1\n"], tmp_path / "good.py")
    backend.forget("v")
    assert backend.index.wait(30)
    assert next(iter(backend._models.values())).vocabulary.find("good_word") > 0
    backend.index.stop()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("where", ["read_lines", "reachable", "TreeWalk"])
def test_want_of_memory_ends_the_reading_and_not_the_program(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next file is not read as if that one had been at fault; what is known stays, and nobody waits for more."""
    (tmp_path / "one.py").write_text("alpha = beta\n")
    (tmp_path / "two.py").write_text("gamma = delta\n")
    asked: list[object] = []

    def fails(*_: object, **__: object) -> None:
        asked.append(1)
        raise MemoryError

    monkeypatch.setattr(workspace_index, where, fails)
    backend = NgramBackend()
    backend.open("file:///other.py", "python", ["x = 1\n"], tmp_path / "one.py")
    backend.workspace([tmp_path], lambda *_: True)
    backend.forget("file:///other.py")
    assert backend.index.wait(60)
    backend.index.stop()
    assert len(asked) == 1
    assert [record.getMessage() for record in caplog.records] == ["indexing: MemoryError, no more files are read"]
    assert not any(record.exc_info for record in caplog.records)


def test_a_folder_that_vanishes_while_it_is_listed_is_passed_over(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.py").write_text("x = 1\n")

    def allowed(path: Path, _is_folder: bool) -> bool:
        if path.name == "b":
            shutil.rmtree(path)
        return True

    found = find([tmp_path], {".py"}, allowed, Bounds())
    assert sorted(file.path.parent.name for file in found) == ["a", "c"]


def test_folders_that_link_to_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file.py").write_text("x = 1\n")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "self").symlink_to("self")
    found = find([tmp_path], {".py"}, lambda *_: True, Bounds())
    assert [file.path.name for file in found] == ["file.py"]
