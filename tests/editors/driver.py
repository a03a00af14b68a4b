"""What tests do with any editor that runs in a terminal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.editors.cases import BEFORE, SUGGESTED, Case
from tests.editors.sandbox import Sandbox, writes
from tests.editors.wire import INLINE, OPENED


class Editor(ABC):
    """An editor in a sandbox. ``process_name`` is that of its process, ``method`` the request that brings suggestions."""

    process_name: ClassVar[str]
    method: ClassVar[str] = INLINE
    log: Path

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.terminal, self.wire, self.codestral = sandbox.terminal, sandbox.wire, sandbox.codestral

    @abstractmethod
    def start(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        """Start the editor on a file. ``column`` counts from 1 as the editor does; None is the end of the line."""

    async def open(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        """Start the editor on a file, ready for typing, and wait until the server has the file."""
        self.start(path, line=line, column=column)
        await self.sandbox.until(lambda: self.wire.sent(OPENED), "the server to have the file")

    @abstractmethod
    async def visit(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        """Open a further file of the same folder, ready for typing, and wait until the server has it."""

    async def open_at(self, case: Case, *, number: int = 0) -> Path:
        """Be at a case's cursor. The editor is started for ``number`` 0, and visits a file of its own for each further one."""
        path = self.sandbox.file(f"{number}{case.file}" if number else case.file, case.content)
        column = None if case.at_end_of_line else self.width(case.line_before) + 1
        await (self.visit if number else self.open)(path, line=case.line, column=column)
        return path

    async def _server_has(self, path: Path) -> None:
        await self.sandbox.until(lambda: path.as_uri() in self.wire.opened(), f"the server to have {path.name}")

    async def open_with_suggestion(
        self, *, name: str = "demo.py", typed: str = "ret", suggested: str = SUGGESTED
    ) -> Path:
        """Open a file and type until the suggestion is displayed."""
        self.codestral.answer = writes(suggested)
        path = self.sandbox.file(name, BEFORE + "\n")
        await self.open(path, line=4)
        self.terminal.type(typed)
        await self.terminal.wait_for(suggested)
        return path

    async def wait_for_cursor_after(self, text: str) -> None:
        """Wait until the cursor is right after this text, wherever on the screen: a margin may come and shift all columns."""

        def is_there(screen: str) -> bool:
            column, row = self.terminal.cursor()
            lines = screen.splitlines()
            return row < len(lines) and lines[row].ljust(column)[:column].endswith(text)

        await self.terminal.wait_for(is_there)

    async def type_and_wait(self, text: str) -> None:
        """Type something that makes the editor ask, and wait until all is answered."""
        before = len(self.wire.sent(self.method))
        self.terminal.type(text)
        await self.sandbox.until(lambda: len(self.wire.sent(self.method)) > before, "a request")
        await self.all_answered()

    async def all_answered(self) -> None:
        """Wait until each request for a suggestion has its reply."""
        await self.sandbox.until(lambda: self.wire.all_answered(self.method), "all replies")

    async def accept(self, shown: str) -> None:
        """Accept the suggestion as soon as ``shown``, a part of it, is displayed."""
        await self.terminal.wait_for(shown, "^M")
        self.terminal.keys("Tab")
        await self.terminal.wait_for(shown)

    @abstractmethod
    async def save(self) -> None:
        """Write the file."""

    async def save_as(self, path: Path, content: bytes) -> None:
        """Write the file, and wait until it is exactly this."""
        await self.save()
        await self.sandbox.file_is(path, content)

    async def quit(self) -> None:
        """Leave the editor: no process remains, the server has ended well, and the editor's log has no error."""
        await self.leave()
        assert self.wire.exits() in ([0], [int(self.wire.was_ended_by_editor())])
        assert self.errors() == []

    @abstractmethod
    async def leave(self) -> None:
        """Leave the editor, and wait until all that it has started has ended."""

    @abstractmethod
    def errors(self) -> Sequence[str]:
        """The lines of the editor's own log that report an error."""

    def width(self, text: str) -> int:
        """The length of a string in the units of the editor's columns."""
        return len(text)
