"""Context for a document: from the open ones, and from the files that it imports."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fim_lsp.context.import_resolver import Found, ImportResolver
from fim_lsp.context.provider import ContextProvider
from fim_lsp.workspace.file_policy import FilePolicy

CART = "class ShoppingCart:\n    def add_article(self, article, count):\n        self.rows.append((article, count))\n"
MAIN = "from shop.cart import ShoppingCart\n\ncart = ShoppingCart()\ncart."


def surroundings(root: Path, text: str = MAIN, name: str = "main.py") -> ContextProvider:
    made = ContextProvider()
    made.set_workspace([root], FilePolicy([root], ["private/"]).may_import)
    made.opened("u", name, root / name, "python", lambda: text.splitlines(keepends=True))
    return made


async def snippets(made: ContextProvider, text: str = MAIN, name: str = "main.py") -> list[str]:
    await made.wait_until_read("u")
    found = [snippet.path for snippet in made.snippets(name, text, "", 2000, True)]
    await made.close()
    return found


def write(path: Path, text: str = CART) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


async def test_what_a_document_imports_is_read(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    assert await snippets(surroundings(tmp_path)) == ["shop/cart.py"]


async def test_it_is_found_below_the_usual_folders(tmp_path: Path) -> None:
    write(tmp_path / "src/shop/cart/__init__.py")
    assert await snippets(surroundings(tmp_path)) == ["src/shop/cart/__init__.py"]


async def test_nothing_ignored_excluded_linked_or_outside_is_read(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    write(tmp_path / "outside/cart.py")
    write(root / "private/cart.py")
    write(root / "hidden/cart.py")
    (root / ".fimignore").write_text("hidden/\n")
    os.symlink(tmp_path / "outside/cart.py", root / "linked.py")
    text = (
        "from private.cart import ShoppingCart\nfrom hidden import cart\nimport linked\n"
        "from ..outside import cart\ncart = ShoppingCart()\ncart."
    )
    assert await snippets(surroundings(root, text), text) == []


async def test_an_open_document_counts_as_it_is_in_the_editor(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    made = surroundings(tmp_path)
    lines = ["# nothing of interest\n"]
    made.opened("v", "shop/cart.py", tmp_path / "shop/cart.py", "python", lambda: lines)
    assert await snippets(made) == []
    lines[:] = CART.splitlines(keepends=True)
    made.changed("v", 0)
    assert await snippets(made) == ["shop/cart.py"]
    made.closed("v")
    assert made.snippets("main.py", MAIN, "", 2000, True) == ()


async def test_a_document_outside_the_workspace_has_no_context(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    made = surroundings(tmp_path)
    await made.wait_until_read("u")
    assert made.snippets("", MAIN, "", 2000, True) == ()
    await made.close()


async def test_a_go_import_names_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "cart/cart.go", "package cart\n\nfunc AddArticle(c Cart, article string) {\n\tc.rows++\n}\n")
    text = 'import "cart"\n\nfunc main() {\n\tcart.AddArticle(c, article)\n'
    made = ContextProvider()
    made.set_workspace([tmp_path], FilePolicy([tmp_path], []).may_import)
    made.opened("u", "main.go", tmp_path / "main.go", "go", lambda: text.splitlines(keepends=True))
    assert await snippets(made, text, "main.go") == ["cart/cart.go"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be changed."""
    now = [1000.0]
    monkeypatch.setattr("fim_lsp.context.provider.time.monotonic", lambda: now[0])
    return now


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "happens", [Path.unlink, link, lambda path: (path.parent.parent / ".fimignore").write_text("*.py")],
    ids=["deleted", "replaced by a link", "ignored"],
)  # fmt: skip
async def test_a_file_that_may_not_be_read_any_more_is_not_sent(
    tmp_path: Path, clock: list[float], happens: Callable[[Path], object]
) -> None:
    cart = write(tmp_path / "shop/cart.py")
    allowed = [FilePolicy([tmp_path], []).may_import]
    made = ContextProvider()
    made.set_workspace([tmp_path], lambda path: allowed[0](path))
    for uri, name in (("u", "main.py"), ("v", "other.py")):
        text = MAIN if uri == "u" else "cart = ShoppingCart()\ncart.add_article(article, count)"
        made.opened(uri, name, tmp_path / name, "python", lambda text=text: text.splitlines(keepends=True))
    assert "shop/cart.py" in await snippets(made)
    happens(cart)
    allowed[0] = FilePolicy([tmp_path], []).may_import
    clock[0] += 60
    await made.wait_until_read("v")  # a look at one document's imports is a look at all files that are known
    assert "shop/cart.py" not in [snippet.path for snippet in made.snippets("v", MAIN, "", 2000, True)]
    assert "shop/cart.py" not in await snippets(made)


async def test_what_is_no_longer_imported_is_dropped(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    lines = MAIN.splitlines(keepends=True)
    made = ContextProvider()
    made.set_workspace([tmp_path], FilePolicy([tmp_path], []).may_import)
    made.opened("u", "main.py", tmp_path / "main.py", "python", lambda: lines)
    assert await snippets(made) == ["shop/cart.py"]
    lines[0] = "import os\n"
    made.changed("u", 0)
    assert "shop/cart.py" not in await snippets(made)


async def test_two_documents_of_one_name_are_two(tmp_path: Path) -> None:
    made = ContextProvider()
    made.set_workspace([tmp_path / "a", tmp_path / "b"], FilePolicy([tmp_path / "a", tmp_path / "b"], []).may_import)
    write(tmp_path / "a/shop/cart.py")
    for folder in "ab":
        made.opened(folder, "main.py", tmp_path / folder / "main.py", "python", lambda: MAIN.splitlines(keepends=True))
    assert made.snippets("main.py", MAIN, "", 2000, True) == ()  # nobody knows whose
    made.closed("b")
    await made.wait_until_read("b")
    await made.wait_until_read("a")
    assert [snippet.path for snippet in made.snippets("a", MAIN, "", 2000, True)] == ["shop/cart.py"]
    await made.close()


async def test_a_document_by_two_uris_stays_until_both_are_closed(tmp_path: Path) -> None:
    made = surroundings(tmp_path)
    for uri in ("v", "w"):
        made.opened(uri, "cart.py", tmp_path / "cart.py", "python", lambda: CART.splitlines(keepends=True))
    made.closed("w")
    assert await snippets(made) == ["cart.py"]
    made.closed("v")
    assert await snippets(made) == []


async def test_a_closed_document_counts_as_it_is_on_the_disk(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    made = surroundings(tmp_path)
    made.opened("v", "shop/cart.py", tmp_path / "shop/cart.py", "python", lambda: ["# nothing\n"])
    assert await snippets(made) == []
    made.closed("v")
    assert await snippets(made) == ["shop/cart.py"]


@pytest.mark.parametrize("root", ["/", None], ids=["the whole disk", "a folder"])
@pytest.mark.parametrize("text", [f'import "{"a" * 260}/x"\n', "import x from '.'\n", "import x from '\0'\n"])
async def test_no_import_is_an_error(
    tmp_path: Path, root: str | None, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    for language, name in (("go", "main.go"), ("javascript", "main.js")):
        place = Path(root or tmp_path)
        made = ContextProvider()
        made.set_workspace([place], FilePolicy([place], []).may_import)
        made.opened("u", name, place / name, language, lambda: [text])
        await snippets(made, text, name)
    gc.collect()
    assert caplog.text == ""


async def test_one_file_is_read_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0
    run = ImportResolver.run

    def watched(search: ImportResolver, wanted: Sequence[str]) -> Found:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return run(search, wanted)
        finally:
            running -= 1

    monkeypatch.setattr(ImportResolver, "run", watched)
    lines = ["\n"]
    made = ContextProvider()
    made.set_workspace([tmp_path], FilePolicy([tmp_path], []).may_import)
    made.opened("u", "main.py", tmp_path / "main.py", "python", lambda: lines)
    write(tmp_path / "shop/cart.py")
    for number in range(30):
        lines[0] = f"from x{number} import y\n"
        made.snippets("u", MAIN, "", 2000, True)
        await asyncio.sleep(0)
    lines[:] = MAIN.splitlines(keepends=True)
    assert await snippets(made) == ["shop/cart.py"]
    assert most == 1


async def test_import_lines_are_looked_at_when_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    monkeypatch.setattr("fim_lsp.context.provider.stems", lambda _lines, path: looks.append(path) or ())
    lines = ["a\n"] * 400
    made = ContextProvider()
    made.set_workspace([tmp_path], lambda _path: True)
    made.opened("u", "main.py", tmp_path / "main.py", "python", lambda: lines)
    for line in (300, 301, 302):
        lines[line] = "b\n"
        made.changed("u", line)
        made.snippets("u", MAIN, "", 2000, True)
    assert len(looks) == 1
    lines[3] = "b\n"
    made.snippets("u", MAIN, "", 2000, True)
    assert len(looks) == 2
    await made.close()
