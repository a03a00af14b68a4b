"""What happens to documents, from the notification to the session."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest
from lsprotocol import types

from fim_lsp.lsp.documents import Documents, local_path
from fim_lsp.text.document import Change
from tests.lsp.raw_client import NGRAM, SOURCE, RawClient


def test_the_changes_of_one_notification_are_reported_together() -> None:
    store = Mock(documents={"untitled:a"})
    start, end = types.Position(0, 1), types.Position(0, 2)
    changes = [
        types.TextDocumentContentChangePartial(range=types.Range(start, end), text="x"),
        types.TextDocumentContentChangeWholeDocument(text="y"),
    ]
    document = types.VersionedTextDocumentIdentifier(uri="untitled:a", version=2)
    Documents(None, [], "utf-16", store).update_text_documents(types.DidChangeTextDocumentParams(document, changes))
    store.change_document.assert_called_once_with("untitled:a", (Change("x", ((0, 1), (0, 2))), Change("y")))


def test_documents_that_are_not_open_are_neither_changed_nor_closed() -> None:
    store = Mock(documents={})
    documents = Documents(None, [], "utf-16", store)
    document = types.VersionedTextDocumentIdentifier(uri="untitled:a", version=2)
    documents.update_text_documents(types.DidChangeTextDocumentParams(document, []))
    documents.remove_text_document("untitled:a")
    store.change_document.assert_not_called()
    store.close_document.assert_not_called()


@pytest.mark.skipif(Path("/").root != "/", reason="POSIX paths")
@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b.py", "/a/b.py"),
        ("FILE:///a/b%20c.py", "/a/b c.py"),
        ("file:///a/../b.py", "/b.py"),
        ("untitled:a.py", None),
        ("vscode-notebook-cell:/a.ipynb#W0s", None),
        ("file://[", None),
    ],
)
def test_the_path_of_a_uri(uri: str, path: str | None) -> None:
    assert local_path(uri) == (Path(path) if path else None)


async def test_an_impossible_workspace_folder_costs_no_answer(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        change = {"added": [{"uri": "file:///%00", "name": "x"}], "removed": []}
        client.notify("workspace/didChangeWorkspaceFolders", {"event": change})
        for _ in range(2):
            assert "result" in await client.reply(client.ask(41, 19))
