"""Neovim with the plugin, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.editors.driver import Editor
from tests.editors.programs import ROOT, program
from tests.editors.sandbox import Sandbox

PLUGIN = ROOT / "editors" / "neovim"
RUNTIMEPATH = f"vim.opt.runtimepath:append('{PLUGIN}')\n"
SETUP = "require('fim_lsp').setup()\n"
_QUIET = "vim.o.swapfile = false\nvim.o.shortmess = vim.o.shortmess .. 'I'\n"


def flat(screen: str) -> str:
    """A screen as one line, to find in it what Neovim has wrapped; frames of windows are left out."""
    return " ".join(word for word in screen.replace("│", " ").split() if word != "~")


class Neovim(Editor):
    """With the plugin on its runtimepath and one line of setup, unless ``config`` says otherwise."""

    process_name = "nvim"

    def __init__(self, sandbox: Sandbox, config: str = RUNTIMEPATH + SETUP, *, executable: str = "nvim") -> None:
        super().__init__(sandbox)
        init = sandbox.home / ".config" / "nvim" / "init.lua"
        init.parent.mkdir(parents=True)
        init.write_text(_QUIET + config)
        self.log = sandbox.home / ".state" / "nvim" / "lsp.log"
        sandbox.logs.append(self.log)
        self.executable = program(executable)

    def start(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        self.sandbox.install()
        place = [f"+call cursor({line}, {column or 1})", "+startinsert" if column else "+startinsert!"]
        self.terminal.start(self.executable, *place, path.name, folder=path.parent)

    async def open(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        await super().open(path, line=line, column=column)
        await self.terminal.wait_for("-- INSERT --")

    async def visit(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        await self.normal_mode()
        self.terminal.type(f":edit {path.name}\n:call cursor({line}, {column or 1})\n{'i' if column else 'A'}")
        await self.terminal.wait_for("-- INSERT --")
        await self._server_has(path)

    async def save(self) -> None:
        await self.normal_mode()
        self.terminal.type(":w\n")

    async def normal_mode(self) -> None:
        """Leave insert mode."""
        self.terminal.keys("Escape")
        await self.terminal.wait_for(lambda screen: "-- INSERT --" not in screen)

    async def leave(self) -> None:
        self.terminal.keys("Escape")
        self.terminal.type(":qa!\n")
        await self.terminal.ended()

    def errors(self) -> Sequence[str]:
        if not self.log.exists():
            return []
        lines = [line for line in self.log.read_text().splitlines() if line.startswith(("[ERROR]", "[WARN]"))]
        return [line for line in lines if not any(message[:40] in line for message in self.wire.logged())]

    def width(self, text: str) -> int:
        return len(text.encode())
