"""What went over the wire between an editor and the server, as ``tap.py`` wrote it down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

INLINE = "textDocument/inlineCompletion"
MENU = "textDocument/completion"


class Wire:
    """Reads the file anew at each question: the editor is still running."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> Sequence[dict[str, Any]]:
        """Everything, in order. A line that is still being written is left out."""
        if not self.path.exists():
            return ()
        lines = self.path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def sent(self, method: str) -> Sequence[dict[str, Any]]:
        """The editor's messages of this method."""
        return self._messages("editor", method)

    def received(self, method: str) -> Sequence[dict[str, Any]]:
        """The server's messages of this method, replies not among them."""
        return self._messages("server", method)

    def replies(self, method: str) -> Sequence[dict[str, Any]]:
        """The server's replies to the editor's requests of this method, in the order of their arrival."""
        asked = {message["id"] for message in self.sent(method)}
        replies = [entry["message"] for entry in self.entries() if entry.get("from") == "server"]
        return [reply for reply in replies if "method" not in reply and reply.get("id") in asked]

    def settled(self, method: str) -> bool:
        """Whether each request of this method has its reply, and there is one."""
        return 0 < len(self.sent(method)) == len(self.replies(method))

    def exits(self) -> Sequence[int]:
        """The exit codes of the servers that have ended."""
        return [entry["exit"] for entry in self.entries() if "exit" in entry]

    def _messages(self, side: str, method: str) -> Sequence[dict[str, Any]]:
        return [e["message"] for e in self.entries() if e.get("from") == side and e["message"].get("method") == method]
