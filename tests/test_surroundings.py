"""Context for a document: from the open ones, and from the files that it imports."""

from __future__ import annotations

import os
from pathlib import Path

from fim_lsp.paths import Paths
from fim_lsp.surroundings import Surroundings

CART = "class ShoppingCart:\n    def add_article(self, article, count):\n        self.rows.append((article, count))\n"
MAIN = "from shop.cart import ShoppingCart\n\ncart = ShoppingCart()\ncart."


def surroundings(root: Path, text: str = MAIN, name: str = "main.py") -> Surroundings:
    made = Surroundings()
    made.workspace([root], Paths([root], ["private/"]).indexable)
    made.opened("u", name, root / name, "python", lambda: text.splitlines(keepends=True))
    return made


async def around(made: Surroundings, text: str = MAIN, name: str = "main.py") -> list[str]:
    await made.settled("u")
    found = [snippet.path for snippet in made.around(name, text, "", 2000, True)]
    await made.close()
    return found


def write(path: Path, text: str = CART) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


async def test_what_a_document_imports_is_read(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    assert await around(surroundings(tmp_path)) == ["shop/cart.py"]


async def test_it_is_found_below_the_usual_folders(tmp_path: Path) -> None:
    write(tmp_path / "src/shop/cart/__init__.py")
    assert await around(surroundings(tmp_path)) == ["src/shop/cart/__init__.py"]


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
    assert await around(surroundings(root, text), text) == []


async def test_an_open_document_counts_as_it_is_in_the_editor(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    made = surroundings(tmp_path)
    lines = ["# nothing of interest\n"]
    made.opened("v", "shop/cart.py", tmp_path / "shop/cart.py", "python", lambda: lines)
    assert await around(made) == []
    lines[:] = CART.splitlines(keepends=True)
    made.changed("v", 0)
    assert await around(made) == ["shop/cart.py"]
    made.closed("v")
    assert made.around("main.py", MAIN, "", 2000, True) == ()


async def test_a_document_outside_the_workspace_has_no_context(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    made = surroundings(tmp_path)
    await made.settled("u")
    assert made.around("", MAIN, "", 2000, True) == ()
    await made.close()


async def test_a_go_import_names_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "cart/cart.go", "package cart\n\nfunc AddArticle(c Cart, article string) {\n\tc.rows++\n}\n")
    text = 'import "cart"\n\nfunc main() {\n\tcart.AddArticle(c, article)\n'
    made = Surroundings()
    made.workspace([tmp_path], Paths([tmp_path], []).indexable)
    made.opened("u", "main.go", tmp_path / "main.go", "go", lambda: text.splitlines(keepends=True))
    assert await around(made, text, "main.go") == ["cart/cart.go"]
