"""The fuzz's side of one connection: what it has told the server, and what must be true of the server therefore."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.fuzz.backend import Backend
from tests.fuzz.wire import Wire
from tests.text.reference import Reference

Place = tuple[int, int]


class Client:
    """A server process, and a model of its documents by URI. ``pulls``: the server asks for the settings."""

    def __init__(self, home: Path, backend: Backend, encoding: str, *, pulls: bool) -> None:
        self.backend, self.encoding, self.pulls = backend, encoding, pulls
        self.wire = Wire(home)
        self.wire.answer = self._answer
        self.documents: dict[str, Reference] = {}
        self.cells: list[str] = []
        self.config: object = {}
        self._numbers = 0

    # -- the handshake and the settings

    def handshake(self) -> None:
        offered = {"positionEncodings": [self.encoding, "utf-16"]}
        workspace = {"configuration": True} if self.pulls else {}
        options = {
            "backend": "codestral", "base_url": self.backend.url, "api_key": "k", "fallback": [], "debounce": 0,
            "prompt_tokens": 4000, "suffix_share": 0.5, "timeout": 60, "context_tokens": 0, "stream": False,
        }  # fmt: skip
        capabilities = {"general": offered, "workspace": workspace, "textDocument": {"inlineCompletion": {}}}
        reply = self.wire.reply(
            self.request("initialize", {"capabilities": capabilities, "initializationOptions": options})
        )
        assert reply["result"]["capabilities"]["positionEncoding"] == self.encoding
        self.wire.notify("initialized", {})

    def configure(self, values: object) -> None:
        """Change the settings of the workspace, either way."""
        self.config = values
        self.wire.notify("workspace/didChangeConfiguration", {"settings": None if self.pulls else values})

    def reset(self) -> None:
        """Undo whatever commands and settings have changed."""
        asked = len(self.wire.requests)
        self.configure({})
        if self.pulls:
            self.wire.until(lambda: len(self.wire.requests) > asked, "request for the settings")
        nowhere = {
            "textDocument": {"uri": "file:///nowhere"},
            "position": position((0, 0)),
            "context": {"triggerKind": 2},
        }
        self.request("textDocument/inlineCompletion", nowhere)  # after a 0, which is VS Code's, a 1 is not by hand
        for command, arguments in (
            ("toggle", [True]), ("toggleLanguage", ["python", True]), ("trigger", [None]), ("model", [None]),
            ("snooze", [0]), ("clearCache", []), ("restart", []),
        ):  # fmt: skip
            self.command(command, *arguments)
        self.wire.barrier()

    def forget(self) -> None:
        """Bring a server that goes on to the state after the handshake."""
        self.wire.settle()
        for uri in self.documents:
            self.wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        self.wire.notify("notebookDocument/didClose", closed_notebook(self.cells))
        self.documents.clear()
        self.cells.clear()
        self.reset()
        self.wire.settle()
        for counts in (self.wire.expected, self.wire.replies, self.wire.bodies, self.wire.requests):
            counts.clear()

    # -- requests

    def request(self, method: str, params: object) -> str:
        """A request with an id of its own."""
        self._numbers += 1
        return self.wire.request(f"own {self._numbers}", method, params)

    def command(self, name: str, *arguments: object) -> dict[str, Any]:
        params = {"command": f"fim-lsp.{name}", "arguments": [*arguments, {"quiet": True}]}
        return self.wire.reply(self.request("workspace/executeCommand", params))

    # -- documents

    def check(self, uri: str, place: Place) -> None:
        """Ask for a completion: the prompt is the text around the cursor in the model's document."""
        self.reset()
        seen = len(self.backend.prompts)
        params = {"textDocument": {"uri": uri}, "position": position(place), "context": {"triggerKind": 1}}
        reply = self.wire.reply(self.request("textDocument/inlineCompletion", params))
        document = self.documents[uri]
        at = document.offset(place)
        wanted = for_model(document.text[:at]), for_model(document.text[at:])
        sent = self.backend.prompts[seen:] or self.backend.prompts[-20:]  # the latter if a call in flight was used
        is_cell = "#" in uri  # others surround it
        if not any(_matches(one, wanted, part=is_cell) for one in sent):
            why = self.command("why", {"uri": uri, "verbose": True, "quiet": True})["result"]
            raise AssertionError(f"{uri} {place}: wanted {wanted!r}, sent {self.backend.prompts[seen:]!r}; {why}")
        for item in reply["result"]["items"]:
            start, end = (item["range"][name] for name in ("start", "end"))
            assert document.offset((start["line"], start["character"])) == at
            assert document.offset((end["line"], end["character"])) >= at

    def _answer(self, request: dict[str, Any]) -> dict[str, Any] | None:
        if request["method"] == "workspace/configuration":
            return {"result": [self.config]}
        return {"result": None}


def _matches(sent: tuple[str, str], wanted: tuple[str, str], *, part: bool) -> bool:
    return sent[0].endswith(wanted[0]) and sent[1].startswith(wanted[1]) if part else sent == wanted


def position(place: Place) -> dict[str, int]:
    return {"line": place[0], "character": place[1]}


def closed_notebook(cells: list[str]) -> dict[str, object]:
    from tests.fuzz.strategies import NOTEBOOK

    return {"notebookDocument": {"uri": NOTEBOOK}, "cellTextDocuments": [{"uri": uri} for uri in cells]}


def for_model(text: str) -> str:
    """What a model gets of a text: line feeds only, and characters that can be encoded."""
    text = re.sub("\r\n|\r", "\n", text)
    text = re.sub("([\ud800-\udbff])([\udc00-\udfff])", _joined, text)
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _joined(pair: re.Match[str]) -> str:
    return chr(0x10000 + ((ord(pair[1]) - 0xD800) << 10) + ord(pair[2]) - 0xDC00)
