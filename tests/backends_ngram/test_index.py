"""The indexing thread outlives whatever a file or a folder does to it, and what is gone leaves nothing behind."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

import pytest

from fim_lsp.backends.ngram import index
from fim_lsp.backends.ngram.backend import NgramBackend
from fim_lsp.backends.ngram.model import NgramModel
from fim_lsp.surroundings import Surroundings

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

    def allowed(path: Path) -> bool:
        if where == "allowed":
            fails(path)
        return True

    if where != "allowed":
        real = getattr(index, where)
        monkeypatch.setattr(index, where, lambda path, *rest: fails(path) or real(path, *rest))
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
    made = Surroundings()
    broken = [True]

    def allowed(_path: Path) -> bool:
        if broken[0]:
            raise RuntimeError("whatever")
        return True

    text = ["from cart import ShoppingCart\n", "cart = ShoppingCart()\n"]
    made.workspace([tmp_path], allowed)
    made.opened("u", "main.py", tmp_path / "main.py", "python", lambda: text)
    await made.settled("u")
    broken[0] = False
    text[0] = "from cart import ShoppingCart, x\nimport cart\n"
    made.opened("v", "other.py", tmp_path / "other.py", "python", lambda: text)
    await made.settled("v")
    assert [found.path for found in made.around("v", "".join(text), "", 2000, True)][-1:] == ["cart.py"]
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
    backend.workspace([tmp_path], lambda _path: True)
    backend.open("u", "python", ["x = 1\n"], tmp_path / name)
    backend.forget("u")
    (tmp_path / "good.py").write_text("good_word = compute(good)\n")
    backend.open("v", "python", ["x = 1\n"], tmp_path / "good.py")
    backend.forget("v")
    assert backend.index.wait(30)
    assert next(iter(backend._models.values())).vocabulary.find("good_word") > 0
    backend.index.stop()
    assert "Traceback" not in capfd.readouterr().err
