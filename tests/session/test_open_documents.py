"""What is indexed, used as context and sent of the open documents."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.context.provider import ContextProvider
from fim_lsp.session.open_documents import OpenDocument, OpenDocuments
from fim_lsp.text.cells import OtherCells
from fim_lsp.text.document import Change, Document
from fim_lsp.text.positions import Encoding
from fim_lsp.workspace.file_policy import FilePolicy


class Index(NgramBackend):
    """Records which documents the embedded model knows, and their changes."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[str] = set()
        self.changes: list[tuple[int, int, list[str]]] = []

    def open(self, uri, *arguments) -> None:  # type: ignore[no-untyped-def]
        super().open(uri, *arguments)  # which forgets it first
        self.known.add(uri)

    def change(self, uri, first_line, old_lines, new_lines) -> None:  # type: ignore[no-untyped-def]
        self.changes.append((first_line, old_lines, list(new_lines)))
        super().change(uri, first_line, old_lines, new_lines)

    def forget(self, uri: str) -> None:
        self.known.discard(uri)
        super().forget(uri)


@pytest.fixture
async def index() -> AsyncGenerator[Index, None]:
    index = Index()
    yield index
    await index.close()


@pytest.fixture
def documents(index: Index, tmp_path: Path) -> OpenDocuments:
    documents = OpenDocuments(index, ContextProvider())
    documents.apply_policy(FilePolicy([tmp_path], ["secret/**"], ["local/**"]), [tmp_path])
    return documents


def document(path: Path, text: str = "x = 1\n", notebook: Path | None = None) -> OpenDocument:
    return OpenDocument(
        uri=path.as_uri(),
        language="python",
        path=path,
        text=Document(text, Encoding.UTF16),
        notebook=(notebook.as_uri(), notebook) if notebook else None,
    )


@pytest.mark.parametrize(
    ("name", "excluded", "local_only"),
    [("a.py", False, False), ("secret/a.py", True, False), ("local/a.py", False, True)],
)
def test_the_policy_decides_about_a_document(
    documents: OpenDocuments, index: Index, tmp_path: Path, name: str, excluded: bool, local_only: bool
) -> None:
    opened = document(tmp_path / name)
    documents.open(opened)
    assert (documents.is_excluded(opened.uri), documents.is_local_only(opened.uri)) == (excluded, local_only)
    assert (opened.uri in index.known) is not excluded
    assert documents.relative_path(opened) == name


def test_a_document_that_is_not_open_is_never_sent(documents: OpenDocuments) -> None:
    assert documents.is_excluded("file:///a.py")
    assert documents.is_local_only("file:///a.py")


@pytest.mark.parametrize(("folder", "attribute"), [("secret", "excluded"), ("local", "local_only")])
def test_a_cell_is_restricted_like_its_notebook(
    documents: OpenDocuments, tmp_path: Path, folder: str, attribute: str
) -> None:
    cell = document(tmp_path / "cell.py", notebook=tmp_path / folder / "a.ipynb")
    documents.open(cell)
    assert getattr(cell, attribute)


def test_another_policy_indexes_and_forgets(documents: OpenDocuments, index: Index, tmp_path: Path) -> None:
    visible, secret = document(tmp_path / "a.py"), document(tmp_path / "secret/b.py")
    for opened in (visible, secret):
        documents.open(opened)
    documents.apply_policy(FilePolicy([tmp_path], ["a.py"]), [tmp_path])
    assert index.known == {secret.uri}
    assert visible.excluded
    assert not secret.excluded


def test_changes_apply_one_after_the_other(documents: OpenDocuments, index: Index, tmp_path: Path) -> None:
    opened = document(tmp_path / "a.py", "one\ntwo\n")
    documents.open(opened)
    edits = documents.change(opened.uri, [Change("1\n", ((0, 0), (1, 0))), Change("", ((0, 0), (1, 0)))])
    assert (opened.text.lines, opened.size, len(edits)) == (["two\n", ""], 4, 2)
    assert index.changes == [(0, 2, ["1\n", "two\n"]), (0, 2, ["two\n"])]


def test_an_excluded_document_changes_without_being_indexed(
    documents: OpenDocuments, index: Index, tmp_path: Path
) -> None:
    opened = document(tmp_path / "secret/a.py", "one\n")
    documents.open(opened)
    documents.change(opened.uri, [Change("two\n")])
    assert (opened.text.lines, index.changes) == (["two\n", ""], [])


def test_a_closed_document_is_forgotten(documents: OpenDocuments, index: Index, tmp_path: Path) -> None:
    opened = document(tmp_path / "a.py")
    documents.open(opened)
    documents.close(opened.uri)
    documents.close(opened.uri)
    assert (list(documents), index.known) == ([], set())


@pytest.mark.parametrize(("cell_folder", "lines"), [("", ["open\n"]), ("local", ["local\n", "open\n"])])
def test_a_cell_has_only_neighbours_that_may_go_where_it_goes(
    documents: OpenDocuments, tmp_path: Path, cell_folder: str, lines: list[str]
) -> None:
    above = [document(tmp_path / folder / "above.py", f"{folder or 'open'}\n") for folder in ("secret", "local", "")]
    cell = document(tmp_path / cell_folder / "cell.py")
    for opened in (*above, cell):
        documents.open(opened)
    uris = ("file:///not-open.py", *(other.uri for other in above))
    other_cells = OtherCells(notebook="n", above=uris, below=(), prose=frozenset({above[-1].uri}))
    found, below = documents.neighbours(cell, other_cells)
    assert ([other.lines[0] for other in found], below) == (lines, [])
    assert [other.prose for other in found] == [line == "open\n" for line in lines]
