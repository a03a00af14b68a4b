"""What went over the wire between an editor and the server, as ``wire_recorder.py`` recorded it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

INLINE = "textDocument/inlineCompletion"
MENU = "textDocument/completion"
OPENED = "textDocument/didOpen"
EXECUTE = "workspace/executeCommand"
_PATIENCE = 0.4  # seconds


class Wire:
    """Reads what has been added to the file since the last question: the editor is still running."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: list[dict[str, Any]] = []
        self._read = 0  # bytes

    def entries(self) -> Sequence[dict[str, Any]]:
        """Everything, in order. A line that is still being written is left out."""
        if self.path.exists():
            with self.path.open("rb") as lines:
                lines.seek(self._read)
                for line in lines:
                    if line.endswith(b"\n"):
                        self._read += len(line)
                        self._entries.append(json.loads(line))
        return self._entries

    def sent(self, *methods: str) -> Sequence[dict[str, Any]]:
        """The editor's messages with these methods, in order."""
        return self._messages("editor", *methods)

    def pauses(self, method: str) -> Sequence[float]:
        """The seconds from each of the editor's messages with this method to the next one."""
        times = [entry["at"] for entry in self.entries() if entry.get("message", {}).get("method") == method]
        return [later - earlier for earlier, later in itertools.pairwise(times)]

    def received(self, method: str) -> Sequence[dict[str, Any]]:
        """The server's requests and notifications with this method."""
        return self._messages("server", method)

    def replies(self, method: str) -> Sequence[dict[str, Any]]:
        """The server's replies to the editor's requests with this method, in the order of their arrival."""
        return self._replies(method)[0]

    def all_answered(self, method: str) -> bool:
        """Whether there are requests with this method, and each to the server that runs now has its reply."""
        return bool(self.sent(method)) and not self._replies(method)[1]

    def opened(self) -> Sequence[str]:
        """The URIs of all documents that were opened, in order."""
        return [message["params"]["textDocument"]["uri"] for message in self.sent(OPENED)]

    def notices(self) -> Sequence[str]:
        """The messages that the server showed to the user."""
        return [message["params"]["message"] for message in self.received("window/showMessage")]

    def logged(self) -> Sequence[str]:
        """The messages that the server wrote into the editor's log."""
        return [message["params"]["message"] for message in self.received("window/logMessage")]

    def exits(self) -> Sequence[int]:
        """The exit codes of the servers that have ended."""
        return [entry["exit"] for entry in self.entries() if "exit" in entry]

    def was_ended_by_editor(self) -> bool:
        """Whether the server ended so long after ``shutdown`` that the editor may have ended it: on a busy machine, Neovim waits
        for half a second."""
        asked = [entry["at"] for entry in self.entries() if entry.get("message", {}).get("method") == "shutdown"]
        ended = [entry["at"] for entry in self.entries() if "exit" in entry]
        return bool(asked and ended) and ended[-1] - asked[-1] > _PATIENCE

    def _messages(self, side: str, *methods: str) -> Sequence[dict[str, Any]]:
        messages = [entry["message"] for entry in self.entries() if entry.get("from") == side]
        return [message for message in messages if message.get("method") in methods]

    def _replies(self, method: str) -> tuple[Sequence[dict[str, Any]], set[object]]:
        """All replies, and the ids of the requests that have none. A new server counts from the first id again."""
        replies, waiting = [], set[object]()
        for entry in self.entries():
            message = entry.get("message", {})
            if message.get("method") == "initialize":
                waiting.clear()
            elif message.get("method") == method:
                waiting.add(message["id"])
            elif entry.get("from") == "server" and "method" not in message and message.get("id") in waiting:
                waiting.remove(message["id"])
                replies.append(message)
        return replies, waiting
