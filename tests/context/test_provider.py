"""Context for a document: from the open ones, and from the files that it imports."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fim_lsp.context.import_resolver import ImportResolver, ResolvedImports
from fim_lsp.context.provider import ContextProvider
from fim_lsp.workspace.file_policy import FilePolicy

CART = "class ShoppingCart:\n    def add_article(self, article, count):\n        self.rows.append((article, count))\n"
MAIN = "from shop.cart import ShoppingCart\n\ncart = ShoppingCart()\ncart."


def provider_in(root: Path, text: str = MAIN, name: str = "main.py") -> ContextProvider:
    provider = ContextProvider()
    provider.set_workspace([root], FilePolicy([root], ["private/"]).may_import)
    provider.opened("u", name, root / name, "python", lambda: text.splitlines(keepends=True))
    return provider


async def snippet_paths(provider: ContextProvider, text: str = MAIN) -> list[str]:
    await provider.wait_until_read("u")
    found = [snippet.path for snippet in provider.snippets("u", text, "", 2000, True)]
    await provider.close()
    return found


def write(path: Path, text: str = CART) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


async def test_what_a_document_imports_is_read(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    assert await snippet_paths(provider_in(tmp_path)) == ["shop/cart.py"]


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
    assert await snippet_paths(provider_in(root, text), text) == []


async def test_an_open_document_is_context_as_it_is_in_the_editor(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    provider = provider_in(tmp_path)
    lines = ["# nothing of interest\n"]
    provider.opened("v", "shop/cart.py", tmp_path / "shop/cart.py", "python", lambda: lines)
    assert await snippet_paths(provider) == []
    lines[:] = CART.splitlines(keepends=True)
    provider.changed("v", 0)
    assert await snippet_paths(provider) == ["shop/cart.py"]
    provider.closed("v")
    assert provider.snippets("u", MAIN, "", 2000, True) == ()


async def test_a_document_outside_the_workspace_has_no_context(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    provider = provider_in(tmp_path)
    await provider.wait_until_read("u")
    assert provider.snippets("", MAIN, "", 2000, True) == ()
    await provider.close()


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "happens", [Path.unlink, link, lambda path: (path.parent.parent / ".fimignore").write_text("*.py")],
    ids=["deleted", "replaced by a link", "ignored"],
)  # fmt: skip
async def test_a_file_that_may_no_longer_be_read_is_not_sent(tmp_path: Path, happens: Callable[[Path], object]) -> None:
    cart = write(tmp_path / "shop/cart.py")
    allowed, now = [FilePolicy([tmp_path], []).may_import], [1000.0]
    provider = ContextProvider(clock=lambda: now[0])
    provider.set_workspace([tmp_path], lambda path: allowed[0](path))
    for uri, name in (("u", "main.py"), ("v", "other.py")):
        text = MAIN if uri == "u" else "cart = ShoppingCart()\ncart.add_article(article, count)"
        provider.opened(uri, name, tmp_path / name, "python", lambda text=text: text.splitlines(keepends=True))
    assert "shop/cart.py" in await snippet_paths(provider)
    happens(cart)
    allowed[0] = FilePolicy([tmp_path], []).may_import
    now[0] += 60
    await provider.wait_until_read("v")  # all known files are checked, whoever imports them
    assert "shop/cart.py" not in [snippet.path for snippet in provider.snippets("v", MAIN, "", 2000, True)]
    assert "shop/cart.py" not in await snippet_paths(provider)


async def test_what_is_no_longer_imported_is_dropped(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    lines = MAIN.splitlines(keepends=True)
    provider = ContextProvider()
    provider.set_workspace([tmp_path], FilePolicy([tmp_path], []).may_import)
    provider.opened("u", "main.py", tmp_path / "main.py", "python", lambda: lines)
    assert await snippet_paths(provider) == ["shop/cart.py"]
    lines[0] = "import os\n"
    provider.changed("u", 0)
    assert "shop/cart.py" not in await snippet_paths(provider)


async def test_two_documents_may_have_the_same_name(tmp_path: Path) -> None:
    provider = ContextProvider()
    provider.set_workspace(
        [tmp_path / "a", tmp_path / "b"], FilePolicy([tmp_path / "a", tmp_path / "b"], []).may_import
    )
    write(tmp_path / "a/shop/cart.py")
    for folder in "ab":
        provider.opened(
            folder, "main.py", tmp_path / folder / "main.py", "python", lambda: MAIN.splitlines(keepends=True)
        )
    provider.closed("b")
    await provider.wait_until_read("b")
    await provider.wait_until_read("a")
    assert [snippet.path for snippet in provider.snippets("a", MAIN, "", 2000, True)] == ["shop/cart.py"]
    await provider.close()


async def test_a_file_open_by_two_uris_is_context_until_both_are_closed(tmp_path: Path) -> None:
    provider = provider_in(tmp_path)
    for uri in ("v", "w"):
        provider.opened(uri, "cart.py", tmp_path / "cart.py", "python", lambda: CART.splitlines(keepends=True))
    provider.closed("w")
    assert await snippet_paths(provider) == ["cart.py"]
    provider.closed("v")
    assert await snippet_paths(provider) == []


async def test_a_closed_document_is_context_as_it_is_on_the_disk(tmp_path: Path) -> None:
    write(tmp_path / "shop/cart.py")
    provider = provider_in(tmp_path)
    provider.opened("v", "shop/cart.py", tmp_path / "shop/cart.py", "python", lambda: ["# nothing\n"])
    assert await snippet_paths(provider) == []
    provider.closed("v")
    assert await snippet_paths(provider) == ["shop/cart.py"]


@pytest.mark.parametrize("root", ["/", None], ids=["the whole disk", "a folder"])
@pytest.mark.parametrize("text", [f'import "{"a" * 260}/x"\n', "import x from '.'\n", "import x from '\0'\n"])
async def test_odd_imports_log_nothing(
    tmp_path: Path, root: str | None, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    for language, name in (("go", "main.go"), ("javascript", "main.js")):
        place = Path(root or tmp_path)
        provider = ContextProvider()
        provider.set_workspace([place], FilePolicy([place], []).may_import)
        provider.opened("u", name, place / name, language, lambda: [text])
        await snippet_paths(provider, text)
    gc.collect()
    assert caplog.text == ""


async def test_one_documents_imports_are_read_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running, highest = 0, 0
    run = ImportResolver.run

    def watched(resolver: ImportResolver, candidates: Sequence[str]) -> ResolvedImports:
        nonlocal running, highest
        running += 1
        highest = max(highest, running)
        try:
            return run(resolver, candidates)
        finally:
            running -= 1

    monkeypatch.setattr(ImportResolver, "run", watched)
    lines = ["\n"]
    provider = ContextProvider()
    provider.set_workspace([tmp_path], FilePolicy([tmp_path], []).may_import)
    provider.opened("u", "main.py", tmp_path / "main.py", "python", lambda: lines)
    write(tmp_path / "shop/cart.py")
    for number in range(30):
        lines[0] = f"from x{number} import y\n"
        provider.snippets("u", MAIN, "", 2000, True)
        await asyncio.sleep(0)
    lines[:] = MAIN.splitlines(keepends=True)
    assert await snippet_paths(provider) == ["shop/cart.py"]
    assert highest == 1


async def test_imports_are_parsed_only_when_their_lines_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    monkeypatch.setattr("fim_lsp.context.provider.import_candidates", lambda _lines, path: parsed.append(path) or ())
    lines = ["a\n"] * 400
    provider = ContextProvider()
    provider.set_workspace([tmp_path], lambda _path: True)
    provider.opened("u", "main.py", tmp_path / "main.py", "python", lambda: lines)
    for line in (300, 301, 302):
        lines[line] = "b\n"
        provider.changed("u", line)
        provider.snippets("u", MAIN, "", 2000, True)
    assert len(parsed) == 1
    lines[3] = "b\n"
    provider.snippets("u", MAIN, "", 2000, True)
    assert len(parsed) == 2
    await provider.close()
