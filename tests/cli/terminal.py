"""``fim-lsp`` in a real terminal: a pseudo-terminal is its standard input, output and error."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

_TIMEOUT = 120.0  # seconds without output


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What the terminal showed, and the exit code."""

    text: str
    code: int


def in_terminal(
    home: Path, *arguments: str, typed: str = "", answers: tuple[tuple[str, str], ...] = (), **env: str
) -> Done:
    """Run a command. ``typed`` is typed at once; each of ``answers`` when its question has appeared.

    Skips the test on a system without pseudo-terminals.
    """
    pty = pytest.importorskip("pty", reason="pseudo-terminals are POSIX")
    terminal, inside = pty.openpty()
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), **env}
    with subprocess.Popen(
        [sys.executable, "-m", "fim_lsp", *arguments], stdin=inside, stdout=inside, stderr=inside, cwd=home,
        env=environment, start_new_session=True, preexec_fn=_take_terminal,
    ) as process:  # fmt: skip
        os.close(inside)
        try:
            os.write(terminal, typed.encode())
            shown = _read(terminal, list(answers))
        except BaseException:
            process.kill()
            raise
        finally:
            os.close(terminal)
    return Done(text=shown.replace("\r\n", "\n"), code=process.returncode)


def _take_terminal() -> None:
    """Passwords are asked for on the controlling terminal, and Ctrl-C works, even if the tests run in the background."""
    import fcntl
    import termios

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(terminal: int, answers: list[tuple[str, str]]) -> str:
    shown = b""
    while select.select([terminal], [], [], _TIMEOUT)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux: the other side is closed
            return shown.decode()
        if not data:
            return shown.decode()
        shown += data
        if answers and answers[0][0] in shown.decode(errors="replace"):
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")
    raise TimeoutError(shown.decode(errors="replace"))
