"""A terminal that a test types into and looks at: tmux, on a socket and with a home of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from tests.editors.programs import processes
from tests.editors.waiting import until

_MARK = "TERMINAL_UNDER_TEST"  # in the environment of all that runs in the terminal
_FOLDERS = ("config", "data", "state", "cache")


class Terminal:
    """One program on one screen. ``folder`` holds its home and its socket; nothing of the user's is seen or touched.

    ``bin/`` in the folder comes first on the PATH: what a test puts there is found by the editor.
    """

    def __init__(self, folder: Path, *, columns: int = 80, rows: int = 20) -> None:
        self.home, self.bin = folder / "home", folder / "bin"
        self.columns, self.rows = columns, rows
        self._mark = uuid.uuid4().hex
        self._folder = Path(tempfile.mkdtemp(prefix="tmux-"))  # a socket's path has to be short
        self._socket = self._folder / "socket"
        for path in (self.bin, self.home / "run", *(self.home / f".{name}" for name in _FOLDERS)):
            path.mkdir(parents=True, exist_ok=True)
        self._environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "HOME": str(self.home),
            **{f"XDG_{name.upper()}_HOME": str(self.home / f".{name}") for name in _FOLDERS},
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "SHELL": "/bin/sh",
            _MARK: self._mark,
        }

    def start(self, *command: str, env: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        """Run a program; ``env`` is added to the terminal's own environment, ``folder`` is where it runs."""
        settings = self.home / "tmux.conf"
        settings.write_text(
            "set -g escape-time 0\nset -g status off\nset -g remain-on-exit on\nset -g default-terminal xterm-256color\n"
            "set -as terminal-features ',*:RGB'\n"
        )
        inside = [f"{name}={value}" for name, value in {**self._environment, **(env or {})}.items()]
        size = ["-x", str(self.columns), "-y", str(self.rows)]
        place = ["-c", str(folder or self.home)]
        # `env -i`: tmux would add its own variables, which change what editors do
        self._tmux("-f", str(settings), "new-session", "-d", *size, *place, "--", "env", "-i", *inside, *command)

    def type(self, text: str) -> None:
        """Type text, all of it at once, as a terminal receives it."""
        text = text.replace("\n", "\r")
        if text.endswith(";"):  # which would end tmux' own command
            text = text[:-1] + "\\;"
        self._tmux("send-keys", "-l", "--", text)

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names: ``Escape``, ``Tab``, ``C-g``, ``M-]``."""
        self._tmux("send-keys", *names)

    def screen(self) -> str:
        """What is on the screen now, without colours."""
        return self._tmux("capture-pane", "-p")

    def coloured(self) -> str:
        """The same with its colours, as escape sequences."""
        return self._tmux("capture-pane", "-p", "-e")

    def cursor(self) -> tuple[int, int]:
        """The cursor's column and row, from 0."""
        column, row = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(row)

    async def wait_for(self, seen: str | Callable[[str], object], *absent: str) -> str:
        """Wait until a text is on the screen, or a condition of the screen is true, and none of ``absent`` is there."""
        sought = (lambda screen: seen in screen) if isinstance(seen, str) else seen
        screen = ""

        def look() -> bool:
            nonlocal screen
            screen = self.screen()
            return bool(sought(screen)) and not any(text in screen for text in absent)

        await until(look, lambda: f"{seen!r}, without {absent!r}; the screen:\n{screen}")
        return screen

    async def ended(self) -> None:
        """Wait until the program and all that it started have gone."""
        await until(lambda: not self.processes(), lambda: f"the end of {self.processes()}")

    def processes(self) -> Sequence[str]:
        """Command lines of all that runs in this terminal."""
        return list(processes(_MARK, self._mark).values())

    def kill(self, name: str) -> None:
        """Kill a program that runs in the terminal, without a chance to clean up."""
        self._kill(lambda process: process.name() == name)

    def kill_command(self, part: str) -> None:
        """Kill whatever has ``part`` in its command line."""
        self._kill(lambda process: part in " ".join(process.cmdline()))

    def close(self) -> None:
        """End the terminal and what still runs in it."""
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], check=False, capture_output=True)
        self._kill(lambda _: True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _kill(self, is_meant: Callable[[psutil.Process], bool]) -> None:
        for pid in processes(_MARK, self._mark):
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended meanwhile, as when its terminal has
                process = psutil.Process(pid)
                if is_meant(process):
                    process.kill()

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self._socket), *arguments]
        clean = {name: value for name, value in os.environ.items() if name not in {"TMUX", "TMUX_PANE"}}
        done = subprocess.run(command, env={**clean, "LC_ALL": "C.UTF-8"}, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"tmux {arguments[0]}: {done.stderr.decode()}")
        return done.stdout.decode()
