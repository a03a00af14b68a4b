"""The messages that change no document of the model: requests, cancels, settings, and everything that is damaged."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.fuzz import strategies as given
from tests.fuzz.client import Place, position
from tests.fuzz.machine import Machine, running
from tests.fuzz.strategies import CELLS, URIS
from tests.fuzz.wire import key_of

MUTATED = "file:///workspace/mutated.py"
_ITEM = {"uri": MUTATED, "languageId": "python", "version": 1, "text": "a\nb"}
_RANGE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
_CHANGE = {"range": _RANGE, "text": "x"}
_CELL = {"kind": 2, "document": MUTATED}
_BOOK = {"uri": "file:///workspace/mutated.ipynb", "notebookType": "x", "version": 1}
_STRUCTURE = {
    "array": {"start": 0, "deleteCount": 1, "cells": [_CELL]},
    "didOpen": [_ITEM],
    "didClose": [{"uri": MUTATED}],
}
_TEXT = {"document": {"uri": MUTATED, "version": 2}, "changes": [_CHANGE]}
SAMPLES: dict[str, Any] = {
    "textDocument/didOpen": {"textDocument": _ITEM},
    "textDocument/didChange": {
        "textDocument": {"uri": MUTATED, "version": 2},
        "contentChanges": [_CHANGE, {"text": "y"}],
    },
    "textDocument/didClose": {"textDocument": {"uri": MUTATED}},
    "notebookDocument/didOpen": {"notebookDocument": {**_BOOK, "cells": [_CELL]}, "cellTextDocuments": [_ITEM]},
    "notebookDocument/didChange": {
        "notebookDocument": _BOOK,
        "change": {"cells": {"structure": _STRUCTURE, "data": [_CELL], "textContent": [_TEXT]}},
    },
    "notebookDocument/didClose": {"notebookDocument": _BOOK, "cellTextDocuments": [{"uri": MUTATED}]},
    "workspace/didChangeWorkspaceFolders": {
        "event": {"added": [{"uri": "file:///workspace/none", "name": "x"}], "removed": []}
    },
    "workspace/didChangeConfiguration": {"settings": {"debounce": 0}},
    "$/setTrace": {"value": "off"},
    "$/cancelRequest": {"id": 1},
    "window/workDoneProgress/cancel": {"token": "x"},
    "textDocument/inlineCompletion": {
        "textDocument": {"uri": MUTATED},
        "position": {"line": 0, "character": 0},
        "context": {"triggerKind": 1, "selectedCompletionInfo": {"range": _RANGE, "text": "ab"}},
    },
    "textDocument/completion": {
        "textDocument": {"uri": MUTATED},
        "position": {"line": 0, "character": 0},
        "context": {"triggerKind": 1},
    },
    "workspace/executeCommand": {
        "command": "fim-lsp.alternatives",
        "arguments": [MUTATED, {"line": 0, "character": 0}],
    },
    "completionItem/resolve": {"label": "x"},
}
REQUESTS = {
    "textDocument/inlineCompletion",
    "textDocument/completion",
    "workspace/executeCommand",
    "completionItem/resolve",
}


class FullMachine(Machine):
    """All rules."""

    # -- requests

    @running
    @rule(
        msg_id=given.VALID_IDS,
        uri=st.sampled_from((*URIS, *CELLS, *given.ODD_URIS)),
        place=given.odd_places,
        method=st.sampled_from(["textDocument/inlineCompletion", "textDocument/completion"]),
        context=st.one_of(given.values, st.sampled_from([{"triggerKind": kind} for kind in (0, 1, 2)])),
    )
    def ask(self, msg_id: Any, uri: str, place: Place, method: str, context: Any) -> None:
        params = {"textDocument": {"uri": uri}, "position": position(place), "context": context}
        self.wire.request(msg_id, method, params)

    @running
    @rule(msg_id=given.VALID_IDS, name=st.sampled_from(given.COMMANDS), arguments=given.arguments)
    def command(self, msg_id: Any, name: str, arguments: Any) -> None:
        self.wire.request(msg_id, "workspace/executeCommand", {"command": name, "arguments": arguments})

    @running
    @rule(msg_id=given.VALID_IDS, method=st.sampled_from((*given.METHODS, *given.NOTIFICATIONS)), params=given.values)
    def request(self, msg_id: Any, method: str, params: Any) -> None:
        self.wire.request(msg_id, method, params)

    @running
    @rule(msg_id=given.INVALID_IDS, method=st.sampled_from((*given.METHODS, *given.NOTIFICATIONS)), params=given.values)
    def invalid_id(self, msg_id: Any, method: str, params: Any) -> None:
        self.wire.request(msg_id, method, params, replied_as=None)

    @running
    @rule(number=st.integers(-3, 8), method=st.sampled_from(given.METHODS))
    def id_with_a_fraction_of_zero(self, number: int, method: str) -> None:
        self.wire.request(float(number), method, {}, replied_as=number)

    @running
    @rule(method=st.sampled_from(given.NOTIFICATIONS), params=given.values)
    def notification(self, method: str, params: Any) -> None:
        self.wire.notify(method, params)

    @running
    @rule(msg_id=st.one_of(given.VALID_IDS, given.INVALID_IDS), params=given.values)
    def cancel(self, msg_id: Any, params: Any) -> None:
        """Of a request that may be live, answered or unknown."""
        self.wire.notify("$/cancelRequest", {"id": msg_id})
        self.wire.notify("$/cancelRequest", params)

    @running
    @rule(msg_id=st.one_of(given.VALID_IDS, given.INVALID_IDS), result=given.values, is_error=st.booleans())
    def reply_to_nothing(self, msg_id: Any, result: Any, is_error: bool) -> None:
        """Also with the id of a request of the client's own."""
        self.wire.send({"jsonrpc": "2.0", "id": msg_id, ("error" if is_error else "result"): result})

    @running
    @rule(member=st.sampled_from(["error", "result", "x", "jsonrpc"]), value=given.values, msg_id=given.VALID_IDS)
    def odd_member(self, member: str, value: Any, msg_id: Any) -> None:
        self.wire.expected[key_of(msg_id)] += 1
        self.wire.send({"jsonrpc": "2.0", "id": msg_id, "method": "no/such", member: value})

    # -- settings

    @running
    @rule(values=given.settings)
    def configure(self, values: Any) -> None:
        self.client.configure(values)

    # -- damage

    @running
    @rule(method=st.sampled_from(sorted(SAMPLES)), value=given.values, data=st.data(), msg_id=given.VALID_IDS)
    def mutate(self, method: str, value: Any, data: st.DataObject, msg_id: Any) -> None:
        """A proper message, in which one value is replaced by any other."""
        params = copy.deepcopy(SAMPLES[method])
        owner, name = data.draw(st.sampled_from(list(_members(params))))
        owner[name] = value
        if method in REQUESTS:
            self.wire.request(msg_id, method, params)
        elif method == "workspace/didChangeConfiguration" and not self.client.pulls:
            self.client.configure(params["settings"])
        else:
            self.wire.notify(method, params)

    @running
    @rule(body=st.sampled_from((*given.BAD_BODIES, *given.NO_OBJECTS, given.BATCH)))
    def bad_body(self, body: bytes) -> None:
        self.wire.expected["null"] += 1
        self.wire.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    @running
    @rule(data=st.binary(max_size=40))
    def any_body(self, data: bytes) -> None:
        """Bytes that are no JSON, behind one that begins none."""
        self.bad_body(b"\x01" + data)

    @running
    @rule(
        depth=st.sampled_from([50, 900, 5000, 200_000]),
        braces=st.booleans(),
        method=st.sampled_from(["no/such", "workspace/executeCommand", "textDocument/inlineCompletion"]),
        msg_id=st.one_of(st.integers(-3, 8), st.just("a")),
    )
    def deep(self, depth: int, braces: bool, method: str, msg_id: Any) -> None:
        nested = given.deep(depth, b'{"a":', b"}") if braces else given.deep(depth)
        nested = nested.replace(b":}", b":1}", 1)
        params = nested if method == "no/such" else b'{"command":"fim-lsp.toggle","arguments":[%b]}' % nested
        head = {"jsonrpc": "2.0", "id": msg_id, "method": method}
        body = json.dumps(head).encode()[:-1] + b', "params": ' + params + b"}"
        self.wire.expected[key_of(msg_id)] += 1
        self.wire.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    @running
    @rule(size=st.sampled_from([70_000, 1 << 20]), msg_id=given.VALID_IDS, as_id=st.booleans())
    def huge(self, size: int, msg_id: Any, as_id: bool) -> None:
        self.wire.request("i" * size if as_id else msg_id, "no/such", {"text": "é\n" * (size // 2)})

    @running
    @rule(pieces=st.lists(st.integers(1, 25), max_size=4), extra=st.sampled_from(["", "Content-Type: x\r\n"]))
    def in_pieces(self, pieces: list[int], extra: str) -> None:
        """One request, cut anywhere, with another header."""
        self.wire.expected['"pieces"'] += 1
        body = json.dumps({"jsonrpc": "2.0", "id": "pieces", "method": "no/such", "params": {}}).encode()
        data = extra.encode() + b"content-LENGTH:%d \r\n\r\n%b" % (len(body), body)
        edges = [0, *itertools.accumulate(pieces), len(data)]
        self.wire.write(*(data[start:end] for start, end in itertools.pairwise(edges)))


def _members(value: Any) -> Any:
    """Every place in a value: the object or list that holds it, and its name or index there."""
    names = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for name in list(names):
        yield value, name
        yield from _members(value[name])
