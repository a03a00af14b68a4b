"""What a test of VS Code has before it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.editors.vscode.code_server import CodeServer, Editor, until
from tests.fakes.codestral import FakeCodestral
from tests.fakes.replies import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """VS Code and the back end. ``thief`` is the address that the opened project would like to have."""

    code_server: CodeServer
    editor: Editor
    fake: FakeCodestral
    thief: FakeCodestral
    pictures: Path | None
    _cases: itertools.count[int] = field(default_factory=itertools.count)

    async def at(self, marked: str, suffix: str = ".py", newline: str = "\n") -> Case:
        """Open a new file with this text, the cursor at the ‸ in it."""
        before, after = marked.split("‸")
        name = f"case{next(self._cases)}{suffix}"
        file = await self.editor.open(name, before, (before + after).replace("\n", newline).encode())
        return Case(file=file, before=before, after=after, newline=newline)

    async def new_server(self, act: Callable[[], object]) -> None:
        """Do something that makes VS Code start another server, and wait for that one."""
        before = self.servers
        done = act()
        if hasattr(done, "__await__"):
            await done
        await until(lambda: self.servers > before, "another server")

    @property
    def servers(self) -> int:
        """How many servers have been started."""
        return len(self.code_server.messages("client", "initialized"))

    @property
    def asked(self) -> int:
        """How often VS Code has asked for a suggestion."""
        return len(self.code_server.messages("client", "textDocument/inlineCompletion"))

    async def clear(self) -> None:
        """Nothing being asked, nothing told."""
        await self.editor.settled()
        await self.editor.notifications()

    async def silent(self) -> None:
        """Typing asks nobody and shows nothing."""
        asked = self.asked
        await self.editor.type("x = 5; ")
        await self.editor.settled()
        assert await self.editor.ghost() == ""
        assert self.asked == asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A file that is being edited."""

    file: Path
    before: str
    after: str
    newline: str

    def with_text(self, text: str) -> bytes:
        """The file as it should be on the disk with this text at the cursor's first place."""
        return (self.before + text + self.after).replace("\n", self.newline).encode()


def once(answer: str) -> Callable[[Body], str]:
    """A back end that answers so, and has nothing more to say where the answer has been taken."""
    return lambda body: "" if body["prompt"].endswith(answer) else answer
