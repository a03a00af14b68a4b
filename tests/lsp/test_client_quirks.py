"""What clients send differently from LSP: trigger kinds (1 and 2, or VS Code's 0 and 1), and details of documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.protocol import default_converter

from fim_lsp.lsp.client_quirks import AUTOMATIC, INVOKED, ClientQuirks
from fim_lsp.lsp.documents import Documents
from fim_lsp.session.open_documents import OpenDocument
from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import RawClient


def kinds(client: str, *sent: object) -> list[int]:
    quirks = ClientQuirks()
    quirks.identify_client({"clientInfo": {"name": client}})
    method = types.TEXT_DOCUMENT_INLINE_COMPLETION
    return [quirks.normalize(method, {"context": {"triggerKind": kind}})["context"]["triggerKind"] for kind in sent]


@pytest.mark.parametrize(
    ("client", "sent", "meant"),
    [
        ("Neovim", [2, 2, 1], [AUTOMATIC, AUTOMATIC, INVOKED]),
        ("some client", [1, 1], [INVOKED, INVOKED]),
        ("Visual Studio Code", [1, 1, 0, 1], [AUTOMATIC, AUTOMATIC, INVOKED, AUTOMATIC]),
        ("Visual Studio Code", [2, 1, 2], [AUTOMATIC, INVOKED, AUTOMATIC]),
        ("an old client", [0, 1, 1], [INVOKED, AUTOMATIC, AUTOMATIC]),
        ("any", [7, None, True, "1", [1]], [AUTOMATIC] * 5),
    ],
)
def test_trigger_kinds(client: str, sent: list[object], meant: list[int]) -> None:
    assert kinds(client, *sent) == meant


@pytest.mark.parametrize("params", [None, [], "text", {}, {"clientInfo": None}, {"clientInfo": {"name": 5}}])
def test_any_client_info_is_accepted(params: object) -> None:
    ClientQuirks().identify_client(params)


AT = {"line": 0, "character": 1}
SPAN = {"start": AT, "end": AT}
MISSING = object()


def without_missing(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not MISSING}


VERSIONS = [MISSING, None, 1, -1, 1.5, 2**31, 2**60, -(2**40), "7", "", [], {}, True]
CHANGES: list[tuple[object, str]] = [
    ([{"range": SPAN, "text": "-"}], "a-b"),
    ([{"range": SPAN, "text": "-", "rangeLength": None}], "a-b"),
    ([{"range": SPAN, "text": "-", "rangeLength": -1}], "a-b"),
    ([{"range": {"start": {"line": 0.0, "character": 1.0}, "end": AT}, "text": "-"}], "a-b"),
    ([{"range": {"start": {"line": 0, "character": -5}, "end": AT}, "text": "-"}], "-b"),
    ([{"range": {"start": AT, "end": {"line": 2**40, "character": 0}}, "text": "-"}], "a-"),
    ([{"range": {"start": AT, "end": {"line": 0, "character": 2**31}}}], "a"),
    ([{"range": {"start": AT, "end": {"line": 0, "character": 2}}, "text": None}], "a"),
    ([{"range": None, "text": "-"}], "-"),
    ({"range": SPAN, "text": "-"}, "a-b"),
    ({"text": "-"}, "-"),
    ([], "ab"),
    (None, "ab"),
]


async def test_no_detail_of_a_change_leaves_the_document_wrong(tmp_path: Path) -> None:
    cases = [(version, *CHANGES[0]) for version in VERSIONS] + [(2, *change) for change in CHANGES]
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": []}
        await client.initialize(options=options)
        for number, (version, changes, text) in enumerate(cases):
            uri = f"file:///workspace/{number}.py"
            client.open("ab", uri=uri)
            document = without_missing({"uri": uri, "version": version})
            client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
            client.insert(0, 100, "é", uri=uri)
            await client.reply(client.ask(0, 100, uri=uri, kind=1))
            assert server.requests[-1].body["prompt"] == f"{text}é", (version, changes)
        assert client.messages() == []


OPENED: list[tuple[dict[str, Any], str]] = [
    ({"uri": "file:///workspace/a.py", "text": "ab"}, "python"),
    ({"uri": "file:///workspace/b.go", "text": "ab", "languageId": None, "version": None}, "go"),
    ({"uri": "file:///workspace/c.rs?x#y", "text": "ab", "languageId": 5, "version": "1"}, "rust"),
    ({"uri": "untitled:some%20thing.ts", "text": "ab", "languageId": "", "version": 2**40}, "typescript"),
    ({"uri": "untitled:Untitled-1", "text": "ab", "version": None}, "plaintext"),
    ({"uri": "file:///workspace/d.py", "text": "ab", "languageId": "cython", "version": 1}, "cython"),
]


async def test_a_document_without_version_or_language_completes(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": []}
        await client.initialize(options=options)
        for document, _ in [*OPENED, ({"uri": "file:///workspace/empty.py", "text": None}, "")]:
            uri, text = document["uri"], document["text"] or ""
            client.notify("textDocument/didOpen", {"textDocument": document})
            client.insert(0, 0, "é", uri=uri)
            assert (await client.reply(client.ask(0, 1, uri=uri, kind=1)))["result"]["items"], document
            sent = server.requests[-1].body
            assert (sent["prompt"], sent.get("suffix", "")) == ("é", text), document


@pytest.mark.parametrize(("document", "language"), OPENED)
def test_a_missing_language_follows_from_the_file_name(document: dict[str, Any], language: str) -> None:
    seen: list[OpenDocument] = []
    store = Mock(open_document=seen.append)
    params = ClientQuirks().normalize(types.TEXT_DOCUMENT_DID_OPEN, {"textDocument": document})
    opened = default_converter().structure(params, types.DidOpenTextDocumentParams)  # type: ignore[no-untyped-call]
    Documents(None, [], "utf-16", store).put_text_document(opened.text_document)
    assert [it.language for it in seen] == [language]


async def test_no_context_of_a_menu_request_is_an_error(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"}, capabilities={})
        client.open("x")
        for context in (None, {}, {"triggerKind": 0}, {"triggerKind": "x"}, 7):
            params = {"textDocument": {"uri": "file:///workspace/demo.py"}, "position": AT, "context": context}
            reply = await client.reply(client.request("textDocument/completion", params))
            assert "error" not in reply, context


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
NAMES = (
    "textDocument",
    "contentChanges",
    "range",
    "text",
    "version",
    "languageId",
    "position",
    "line",
    "context",
    "settings",
)
METHODS = (
    types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_COMPLETION,
    types.TEXT_DOCUMENT_INLINE_COMPLETION, types.WORKSPACE_DID_CHANGE_CONFIGURATION,
)  # fmt: skip


@given(
    st.sampled_from(METHODS), JSON | st.recursive(JSON, lambda inner: st.dictionaries(st.sampled_from(NAMES), inner))
)
def test_no_parameters_make_normalizing_fail(method: str, params: object) -> None:
    ClientQuirks().normalize(method, params)


@given(st.integers(), st.integers(), JSON)
def test_normalized_parameters_can_be_decoded(line: int, column: int, version: object) -> None:
    place = {"line": line, "character": column}
    sent = {
        "textDocument": {"uri": "u", "version": version},
        "contentChanges": [{"range": {"start": place, "end": place}, "rangeLength": line, "text": "x"}],
    }
    params = ClientQuirks().normalize(types.TEXT_DOCUMENT_DID_CHANGE, sent)
    default_converter().structure(params, types.DidChangeTextDocumentParams)  # type: ignore[no-untyped-call]
