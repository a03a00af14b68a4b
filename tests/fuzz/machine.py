"""A client that does what no client should, in any order, as hypothesis has it; what holds nevertheless is in the invariants.

The server never dies or hangs, every request is answered exactly once, and its documents are those of the model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.fuzz import strategies as given
from tests.fuzz.backend import Backend
from tests.fuzz.client import Client, Place, closed_notebook, position
from tests.fuzz.strategies import CELLS, NOTEBOOK, URIS
from tests.text.reference import Reference


class Pool:
    """Servers that have done nothing wrong yet, for the next example; and the back end that all use."""

    def __init__(self, home: Path) -> None:
        self.home, self.backend = home, Backend()
        self._idle: dict[tuple[str, bool], Client] = {}
        self.examples = self.steps = 0

    def new(self, encoding: str, *, pulls: bool) -> Client:
        """A server that has received nothing."""
        return Client(self.home, self.backend, encoding, pulls=pulls)

    def take(self, encoding: str, *, pulls: bool) -> Client:
        """A server after the handshake, and after other examples."""
        if client := self._idle.pop((encoding, pulls), None):
            return client
        client = self.new(encoding, pulls=pulls)
        client.handshake()
        return client

    def put(self, client: Client) -> None:
        client.forget()
        self._idle[client.encoding, client.pulls] = client

    def close(self) -> None:
        for client in self._idle.values():
            client.wire.kill()
        self.backend.close()


running = precondition(lambda self: self.phase == "running")


class Machine(RuleBasedStateMachine):
    """``phase`` is new, running, down (after shutdown) or over. Only a server of its own is shut down or broken."""

    pool: Pool

    def __init__(self) -> None:
        super().__init__()
        self.phase, self.fresh = "none", False

    @initialize(
        encoding=st.sampled_from(given.ENCODINGS), pulls=st.booleans(), fresh=st.sampled_from([False] * 5 + [True])
    )
    def connect(self, encoding: str, pulls: bool, fresh: bool) -> None:
        self.fresh = fresh
        self.client = self.pool.new(encoding, pulls=pulls) if fresh else self.pool.take(encoding, pulls=pulls)
        self.wire = self.client.wire
        self.phase = "new" if fresh else "running"
        self.pool.examples += 1

    @invariant()
    def goes_on(self) -> None:
        self.pool.steps += 1
        if self.phase in ("new", "running", "down"):
            assert self.wire.is_alive(), self.wire.log()

    def teardown(self) -> None:
        if self.phase == "none":
            return
        try:
            if self.phase == "running":
                for uri in list(self.client.documents):
                    self.client.check(uri, (1, 1))
            if self.phase in ("new", "running", "down"):
                self.wire.settle()
            assert "Traceback" not in self.wire.log()
            if self.phase == "running" and not self.fresh:
                self.pool.put(self.client)
                return
        except BaseException:
            self.wire.kill()
            raise
        self.wire.kill()

    # -- before and after

    @precondition(lambda self: self.phase == "new")
    @rule(method=st.sampled_from((*given.METHODS, *given.NOTIFICATIONS, "shutdown")), params=given.values)
    def too_early(self, method: str, params: Any) -> None:
        reply = self.wire.reply(self.client.request(method, params))
        assert reply["error"]["code"] == -32002
        self.wire.notify(method, params)

    @precondition(lambda self: self.phase == "new")
    @rule()
    def handshake(self) -> None:
        self.client.handshake()
        self.phase = "running"

    @precondition(lambda self: self.phase == "running" and self.fresh)
    @rule()
    def shut_down(self) -> None:
        assert self.wire.reply(self.client.request("shutdown", None))["result"] is None
        self.phase = "down"

    @precondition(lambda self: self.phase == "down")
    @rule(method=st.sampled_from((*given.METHODS, "initialize", "shutdown")), params=given.values)
    def too_late(self, method: str, params: Any) -> None:
        assert self.wire.reply(self.client.request(method, params))["error"]["code"] == -32600
        self.wire.notify(method, params)

    @precondition(lambda self: self.fresh and self.phase in ("new", "running", "down"))
    @rule(by_input=st.booleans())
    def leave(self, by_input: bool) -> None:
        self.wire.barrier()
        if by_input:
            self.wire.close_input()
        else:
            self.wire.notify("exit", None)
        assert self.wire.exit_code() == (0 if self.phase == "down" else 1)
        self.phase = "over"

    @precondition(lambda self: self.fresh and self.phase in ("new", "running", "down"))
    @rule(stream=st.sampled_from(given.BROKEN_STREAMS))
    def break_stream(self, stream: bytes) -> None:
        self.wire.barrier()
        self.wire.write(stream)
        assert self.wire.exit_code() == 1
        assert "the editor's stream is not LSP" in self.wire.log()
        self.phase = "over"

    @precondition(lambda self: self.phase == "over")
    @rule(encoding=st.sampled_from(given.ENCODINGS))
    def start_again(self, encoding: str) -> None:
        self.wire.kill()
        self.connect(encoding, False, True)

    # -- documents

    @running
    @rule(
        uri=st.sampled_from(URIS),
        text=given.texts,
        language=st.sampled_from(["python", "rust", "", None, 5, "x" * 200]),
    )
    def open(self, uri: str, text: str, language: Any) -> None:
        """Also one that is open: it has the new text."""
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.wire.notify("textDocument/didOpen", {"textDocument": item})
        self.client.documents[uri] = Reference(text, self.client.encoding)

    @running
    @rule(
        uri=st.sampled_from((*URIS, *CELLS)),
        edits=st.lists(st.tuples(given.odd_places, given.odd_places, given.texts), min_size=1, max_size=3),
        version=st.sampled_from([2, None, "2", 2**40, -1, True]),
        as_request=st.booleans(),
    )
    def edit(self, uri: str, edits: list[tuple[Place, Place, str]], version: Any, as_request: bool) -> None:
        """Ranges may be reversed or reach beyond the text. A notification may have an id."""
        changes = [
            {"range": {"start": position(start), "end": position(end)}, "rangeLength": 3, "text": text}
            for start, end, text in edits
        ]
        params = {"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}
        if as_request:
            self.client.request("textDocument/didChange", params)
        else:
            self.wire.notify("textDocument/didChange", params)
        if document := self.client.documents.get(uri):
            for start, end, text in edits:
                document.replace(_valid(start), _valid(end), text)

    @running
    @rule(uri=st.sampled_from(URIS), text=given.texts, null_range=st.booleans(), null_id=st.booleans())
    def replace_all(self, uri: str, text: str, null_range: bool, null_id: bool) -> None:
        change = {"text": text, **({"range": None} if null_range else {})}
        params = {"textDocument": {"uri": uri, "version": 3}, "contentChanges": [change]}
        message = {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": params}
        self.wire.send({**message, "id": None} if null_id else message)
        if document := self.client.documents.get(uri):
            document.text = text

    @running
    @rule(uri=st.sampled_from(URIS))
    def close(self, uri: str) -> None:
        self.wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        self.client.documents.pop(uri, None)

    @running
    @rule(old=st.sampled_from(URIS), new=st.sampled_from(URIS))
    def rename(self, old: str, new: str) -> None:
        files = {"files": [{"oldUri": old, "newUri": new}]}
        assert self.wire.reply(self.client.request("workspace/willRenameFiles", files))["error"]["code"] == -32601
        if document := self.client.documents.get(old):
            text = document.text
            self.close(old)
            self.open(new, text, "python")
        self.wire.notify("workspace/didRenameFiles", files)

    @running
    @rule(uri=st.sampled_from((*URIS, *CELLS)), place=given.places)
    def look(self, uri: str, place: Place) -> None:
        if uri in self.client.documents:
            self.client.check(uri, place)

    @running
    @rule(cells=st.lists(st.sampled_from(CELLS), unique=True, max_size=4), text=given.texts)
    def open_notebook(self, cells: list[str], text: str) -> None:
        self._close_cells([])
        cell_list = [{"kind": 2, "document": uri} for uri in cells]
        items = [{"uri": uri, "languageId": "python", "version": 1, "text": text} for uri in cells]
        notebook = {"uri": NOTEBOOK, "notebookType": "jupyter-notebook", "version": 1, "cells": cell_list}
        self.wire.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": items})
        self.client.cells = list(cells)
        for uri in cells:
            self.client.documents[uri] = Reference(text, self.client.encoding)

    @running
    @rule(
        start=st.integers(0, 5),
        count=st.integers(0, 3),
        added=st.lists(st.sampled_from(CELLS), unique=True, max_size=2),
        text=given.texts,
    )
    def change_notebook(self, start: int, count: int, added: list[str], text: str) -> None:
        """Remove some cells and add others there; and change the text of the first."""
        cells = self.client.cells
        removed = cells[start : start + count]
        added = [uri for uri in added if uri not in cells]
        array = {"start": start, "deleteCount": count, "cells": [{"kind": 1, "document": uri} for uri in added]}
        structure = {
            "array": array,
            "didOpen": [{"uri": uri, "languageId": "python", "version": 1, "text": text} for uri in added],
            "didClose": [{"uri": uri} for uri in removed],
        }
        content = [{"document": {"uri": uri, "version": 2}, "changes": [{"text": text + "!"}]} for uri in added[:1]]
        change = {"cells": {"structure": structure, "textContent": content}}
        document = {"uri": NOTEBOOK, "version": 2}
        self.wire.notify("notebookDocument/didChange", {"notebookDocument": document, "change": change})
        cells[start : start + count] = added
        for uri in removed:
            self.client.documents.pop(uri, None)
        for number, uri in enumerate(added):
            self.client.documents[uri] = Reference(text if number else text + "!", self.client.encoding)

    @running
    @rule(named=st.lists(st.sampled_from(CELLS), max_size=2))
    def close_notebook(self, named: list[str]) -> None:
        self._close_cells(named)

    def _close_cells(self, named: list[str]) -> None:
        self.wire.notify("notebookDocument/didClose", closed_notebook(named))
        for uri in (*self.client.cells, *named):
            self.client.documents.pop(uri, None)
        self.client.cells = []


def _valid(place: Place) -> Place:
    """LSP's integers are not negative."""
    return max(place[0], 0), max(place[1], 0)
