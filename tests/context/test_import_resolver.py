"""Which files a document's imports are, and which of them are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fim_lsp.context.import_resolver import ImportResolver, ResolvedImports, Stamp


def write(path: Path, text: str = "x = 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def resolve(
    root: Path,
    *candidates: str,
    document: str = "main.py",
    language: str = "python",
    known: dict[Path, Stamp] | None = None,
    may_read: Callable[[Path], bool] = lambda _path: True,
) -> ResolvedImports:
    return ImportResolver((root,), may_read, root / document, language, known or {}).run(candidates)


@pytest.mark.parametrize(
    ("document", "language", "candidate", "file"),
    [
        ("main.py", "python", "shop/cart", "shop/cart.py"),
        ("main.py", "python", "shop/cart", "src/shop/cart/__init__.py"),
        ("pkg/sub/main.py", "python", "cart", "pkg/cart.py"),
        ("pkg/main.py", "python", "/pkg/cart", "pkg/cart.py"),
        ("src/main.ts", "typescript", "/src/cart", "src/cart/index.ts"),
        ("src/main.js", "javascript", "/src/cart.js", "src/cart.js"),
        ("src/main.rs", "rust", "/src/cart", "src/cart/mod.rs"),
        ("main.go", "go", "cart", "cart/cart.go"),
    ],
)
def test_a_candidate_is_found_where_its_language_has_it(
    tmp_path: Path, document: str, language: str, candidate: str, file: str
) -> None:
    path = write(tmp_path / file)
    found = resolve(tmp_path, candidate, document=document, language=language)
    assert list(found.imported) == [path]
    assert [(it.name, list(it.lines())) for it in found.read] == [(file, ["x = 1\n"])]


def test_a_candidate_relative_to_the_workspace_is_looked_for_nowhere_else(tmp_path: Path) -> None:
    write(tmp_path / "pkg/cart.py")
    assert not resolve(tmp_path, "/cart", document="pkg/main.py").imported


def test_a_go_import_is_not_a_test(tmp_path: Path) -> None:
    write(tmp_path / "cart/cart_test.go")
    assert not resolve(tmp_path, "cart", document="main.go", language="go").imported


def test_the_nearest_file_wins(tmp_path: Path) -> None:
    near, _far = write(tmp_path / "pkg/cart.py"), write(tmp_path / "cart.py")
    assert list(resolve(tmp_path, "cart", document="pkg/main.py").imported) == [near]


def test_a_document_does_not_import_itself(tmp_path: Path) -> None:
    write(tmp_path / "main.py")
    assert not resolve(tmp_path, "main").imported


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "cart.py")
    (file,) = resolve(tmp_path, "cart").read
    again = resolve(tmp_path, "cart", known={path: file.stamp})
    assert (list(again.imported), again.read, again.gone) == ([path], [], set())


@pytest.mark.parametrize(
    "change", [Path.unlink, lambda path: path.write_text("longer = 1\n")], ids=["deleted", "changed"]
)
def test_a_known_file_that_is_not_as_it_was_is_gone(tmp_path: Path, change: Callable[[Path], object]) -> None:
    path = write(tmp_path / "cart.py")
    (file,) = resolve(tmp_path, "cart").read
    change(path)
    assert path in resolve(tmp_path, known={path: file.stamp}).gone


def test_a_known_file_that_may_no_longer_be_read_is_gone(tmp_path: Path) -> None:
    path = write(tmp_path / "cart.py")
    (file,) = resolve(tmp_path, "cart").read
    found = resolve(tmp_path, "cart", known={path: file.stamp}, may_read=lambda _path: False)
    assert (list(found.imported), found.read, found.gone) == ([], [], {path})


def test_links_and_large_files_are_not_imported(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    write(root / "main.py")
    (root / "link.py").symlink_to(write(tmp_path / "outside.py"))
    write(root / "large.py", "x = 1\n" * 50_000)
    assert not resolve(root, "link", "large").imported


def test_up_to_twelve_files_are_imported(tmp_path: Path) -> None:
    names = [f"module_{number}" for number in range(20)]
    for name in names:
        write(tmp_path / f"{name}.py")
    assert len(resolve(tmp_path, *names).imported) == 12
