"""What the fuzz sends: texts, places, ids, settings and damaged messages."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.lsp.raw_client import framed
from tests.text.strategies import PIECES

ENCODINGS = ("utf-8", "utf-16", "utf-32")
URIS = (
    "file:///workspace/one.py",
    "file:///workspace/two.rs",
    "file:///workspace/d%C3%A9j%C3%A0%20vu.md",
    "untitled:Untitled-1",
    "file:///workspace/book.ipynb#a1",
    "vscode-notebook-cell:/workspace/book.ipynb#W0sZmlsZQ%3D%3D",
)
CELLS = tuple(f"vscode-notebook-cell:/workspace/nb.ipynb#cell{number}" for number in range(4))
NOTEBOOK = "file:///workspace/nb.ipynb"
ODD_URIS = (
    "",
    "file:",
    "file://",
    "file:///\ud800",
    "file:///%00",
    "file://host/x",
    "x" * 5000,
    "://",
    "file:///a\n",
    "\u202e",
)

texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
places = st.tuples(st.integers(0, 8), st.one_of(st.integers(0, 12), st.sampled_from([1000, 2**31 - 1])))
odd_places = st.one_of(
    places, st.tuples(st.sampled_from([-1, 7, 2**31, 2**70]), st.sampled_from([-5, 3, 2**31, 2**70]))
)

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "x", "\ud800", "\0", "file:///workspace/mutated.py", "jsonrpc", "x" * 300]),
)
values: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["uri", "line", "jsonrpc", "_x", "class", "fi", "ﬁ", "", "a b", "quiet", "range", "text", "id"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)

METHODS = (
    "textDocument/inlineCompletion",
    "textDocument/completion",
    "completionItem/resolve",
    "textDocument/hover",
    "workspace/executeCommand",
    "workspace/willRenameFiles",
    "workspace/symbol",
    "$/unknown",
    "no/such",
    "",
    "shutdown2",
)
NOTIFICATIONS = (
    "initialized",
    "$/setTrace",
    "$/progress",
    "window/workDoneProgress/cancel",
    "workspace/didRenameFiles",
    "workspace/didChangeWatchedFiles",
    "workspace/didChangeWorkspaceFolders",
    "textDocument/didSave",
    "textDocument/willSave",
    "no/such",
)
DOCUMENT_NOTIFICATIONS = (
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didClose",
    "notebookDocument/didOpen",
    "notebookDocument/didChange",
    "notebookDocument/didClose",
    "notebookDocument/didSave",
)
COMMANDS = (
    "fim-lsp.why",
    "fim-lsp.status",
    "fim-lsp.toggle",
    "fim-lsp.toggleLanguage",
    "fim-lsp.snooze",
    "fim-lsp.clearCache",
    "fim-lsp.restart",
    "fim-lsp.alternatives",
    "fim-lsp.model",
    "fim-lsp.trigger",
    "fim-lsp.stats",
    "fim-lsp.accepted",
    "fim-lsp.acceptedPart",
    "fim-lsp.noSuch",
)
arguments = st.one_of(
    st.lists(values, max_size=3),
    st.sampled_from(
        [
            [{"quiet": True}],
            [{"uri": URIS[0]}],
            [URIS[0], {"line": 0, "character": 0}],
            [True],
            ["python", False],
            [1, 2],
            [10**30],
            [1e300],
            ["\ud800"],
            [None],
        ]
    ),
)

VALID_IDS = st.one_of(
    st.integers(-3, 8), st.sampled_from([2**31, -(2**63), 10**30, "", "a", "1", "\ud800", "\0", "x" * 500])
)
INVALID_IDS = st.sampled_from([True, False, 1.5, [], [1], {}, {"a": 1}])

settings = st.one_of(
    st.sampled_from(
        [
            {},
            {"fim-lsp": {}},
            {"debounce": 0, "max_tokens": 5},
            {"exclude": ["*.rs"]},
            {"exclude": 5},
            {"local_only": {"a": 1}},
            {"exlude": ["x"]},
            {"trigger": "manual"},
            {"languages": {"python": False}},
            {"languages": 3, "multiline": "never", "timeout": -1},
            {"api_key": "stolen", "base_url": "http://127.0.0.1:9", "backend": "openai"},
            {"prompt_tokens": 64},
            {"stream": False, "stop": ["\ud800"]},
        ]
    ),
    values,
    st.dictionaries(
        st.sampled_from(["exclude", "model", "fallback", "debounce", "languages", "menu", "prices"]), values
    ),
)


def deep(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + closing * depth


BAD_BODIES = (
    b"",
    b"{",
    b"{a}",
    b"\xff\xfe",
    b"nul",
    b'"',
    b"{} {}",
    b"1" * 6000,
    b'{"id": ' + b"9" * 6000 + b"}",
    b"[" * 50,
)
"""They are not JSON: each is answered once, with a null id."""

NO_OBJECTS = (b"[]", b"[1, 2]", b"null", b"1", b'"text"', b"true", b"1e999", b"NaN")
"""Nor are these messages."""

BATCH = json.dumps([{"jsonrpc": "2.0", "id": n, "method": "shutdown"} for n in (1, 2)]).encode()
"""A batch is answered once: LSP has none."""

BROKEN_STREAMS = (
    b"Content-Length: x\r\n\r\n",
    b"Content-Length: -1\r\n\r\n{}",
    b"Content-Length: 99999999999\r\n\r\n",
    b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\0",
    b"{}",
    b"Content-Length: 2\n\n{}",
    b"Content-Type: " + b"x" * 5000,
    b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    framed({"jsonrpc": "2.0", "method": "x"}).replace(b"Content-Length: ", b"Content-Length: 1", 1) + b"x" * 200,
    framed({"jsonrpc": "2.0", "method": "x"}).replace(b": 3", b": 1", 1),
)
"""After each, nobody knows where the next message begins."""
