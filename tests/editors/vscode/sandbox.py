"""What a test of VS Code runs in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.editors.cases import CURSOR
from tests.editors.vscode.code_server import CodeServer, Editor
from tests.editors.waiting import until
from tests.editors.wire import EXECUTE, INLINE
from tests.fakes.codestral import FakeCodestral
from tests.fakes.replies import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """VS Code and its back end. ``thief`` is the address that the settings of the opened project name."""

    code_server: CodeServer
    editor: Editor
    fake: FakeCodestral
    thief: FakeCodestral
    pictures: Path | None
    _cases: itertools.count[int] = field(default_factory=itertools.count)

    async def at(self, marked: str, suffix: str = ".py", newline: str = "\n") -> OpenFile:
        """Open a new file with this text, the cursor where it is marked."""
        before, after = marked.split(CURSOR)
        name = f"case{next(self._cases)}{suffix}"
        file = await self.editor.open(name, before, (before + after).replace("\n", newline).encode())
        return OpenFile(file=file, before=before, after=after, newline=newline)

    async def new_server(self, act: Callable[[], object]) -> None:
        """Do something that makes VS Code start another server, and wait for that one."""
        await self.all_answered()
        before = self.servers
        done = act()
        if hasattr(done, "__await__"):
            await done
        await until(lambda: self.servers > before, "another server")

    @property
    def servers(self) -> int:
        """How many servers have been started."""
        return len(self.code_server.wire.sent("initialized"))

    @property
    def asked(self) -> int:
        """How often VS Code has asked for a suggestion."""
        return len(self.code_server.wire.sent(INLINE))

    def executed(self, command: str) -> Sequence[list[Any]]:
        """The arguments with which a command of the server was executed, each time."""
        sent = (message["params"] for message in self.code_server.wire.sent(EXECUTE))
        return [params["arguments"] for params in sent if params["command"] == command]

    async def clear(self) -> None:
        """Clear all messages, and wait for all replies."""
        await self.editor.notifications()
        await self.all_answered()

    async def all_answered(self) -> None:
        """Wait until every request for a suggestion has its reply."""
        await until(lambda: not self.asked or self.code_server.wire.all_answered(INLINE), "all replies")

    async def type_without_asking(self) -> None:
        """Type so slowly that VS Code, which asks 50 ms after a key, would ask after each: it does not, and shows nothing."""
        asked = self.asked
        await self.editor.type("x = 5; ", delay=150)
        assert await self.editor.ghost() == ""
        assert self.asked == asked


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFile:
    """A file that is being edited."""

    file: Path
    before: str
    after: str
    newline: str

    def with_text(self, text: str) -> bytes:
        """The file as it should be on disk, with this text at the place where the cursor was."""
        return (self.before + text + self.after).replace("\n", self.newline).encode()


def once(answer: str) -> Callable[[Body], str]:
    """A model that answers this, and nothing where it has been accepted."""
    return lambda body: "" if body["prompt"].endswith(answer) else answer
