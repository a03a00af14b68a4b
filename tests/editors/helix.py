"""Helix with its own defaults and the languages.toml of this repository, in a terminal."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.editors.cases import SUGGESTED
from tests.editors.driver import Editor
from tests.editors.programs import ROOT, program
from tests.editors.sandbox import Sandbox
from tests.editors.wire import MENU

FOLDER = ROOT / "editors" / "helix"
SHIPPED = (FOLDER / "languages.toml").read_text(encoding="utf-8")
KEYS = (FOLDER / "config.toml").read_text(encoding="utf-8")


def alone(config: str = "") -> str:
    """A languages.toml with no other server than ours: whatever else the machine has is not displayed."""
    names = [language["name"] for language in tomllib.loads(SHIPPED)["language"]]
    languages = [f'[[language]]\nname = "{name}"\nlanguage-servers = ["fim-lsp"]\n' for name in names]
    return "\n".join(['[language-server.fim-lsp]\ncommand = "fim-lsp"', config, *languages])


class Helix(Editor):
    """There is no config.toml: ``idle-timeout`` and everything else has Helix's defaults."""

    process_name = "hx"
    method = MENU

    def __init__(self, sandbox: Sandbox, languages: str | None = None) -> None:
        super().__init__(sandbox)
        config = sandbox.home / ".config" / "helix"
        config.mkdir(parents=True)
        (config / "languages.toml").write_text(languages or alone())
        self.log = sandbox.home / ".cache" / "helix" / "helix.log"
        sandbox.logs.append(self.log)
        self.executable = program("hx")

    def start(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        self.sandbox.install()
        self.terminal.start(self.executable, f"{path.name}:{line}:{column or 1}", folder=path.parent)

    async def open(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        await super().open(path, line=line, column=column)
        await self._insert_mode(column)

    async def visit(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        await self.normal_mode()
        self.terminal.type(f":open {path.name}:{line}:{column or 1}\n")
        await self._server_has(path)
        await self._insert_mode(column)

    async def _insert_mode(self, column: int | None) -> None:
        await self.terminal.wait_for(" NOR ")
        self.terminal.type("i" if column else "A")
        await self.terminal.wait_for(" INS ")
        # After whitespace, Helix asks while the server still starts, and asks nothing more until that is answered.
        await self.sandbox.until(lambda: len(self.wire.sent(MENU)) == len(self.wire.replies(MENU)), "all replies")

    async def open_with_suggestion(
        self, *, name: str = "demo.py", typed: str = "ret", suggested: str = f"    {SUGGESTED}"
    ) -> Path:
        """Helix asks after the indentation too, and nothing more until it has that answer: the answer begins there."""
        return await super().open_with_suggestion(name=name, typed=typed, suggested=suggested)

    async def accept(self, shown: str, *, down: int = 1) -> None:
        """Select an entry of the menu, which then is in the text already, and make it final."""
        await self.terminal.wait_for(f"{shown} ")
        self.terminal.keys(*["Tab"] * down)
        await self.terminal.wait_for(" fim-lsp")  # its detail, beside the menu
        self.terminal.keys("Enter")
        await self.terminal.wait_for(lambda screen: " fim-lsp" not in screen)  # the next menu may be open already

    async def save(self) -> None:
        await self.normal_mode()
        self.terminal.type(":w\n")

    async def normal_mode(self) -> None:
        """Leave insert mode. A key right after Escape would be one with Alt."""
        self.terminal.keys("Escape")
        await self.terminal.wait_for(" NOR ")

    async def quit(self) -> None:
        """Helix sends ``shutdown`` and ``exit`` and kills what it has started in the same moment: there is no exit code."""
        assert self.errors() == []  # what it logs while it ends is about its own closed channels
        await self.leave()

    async def leave(self) -> None:
        if " NOR " not in self.terminal.screen():
            await self.normal_mode()
        self.terminal.type(":qa!\n")
        await self.terminal.ended()

    def errors(self) -> Sequence[str]:
        """What other servers write is not Helix's."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if re.search(r"\[ERROR\] (?!\S+ err <-)|\[ERROR\] fim-lsp", line)]
