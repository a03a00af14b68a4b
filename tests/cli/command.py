"""``fim-lsp``, run as a user runs it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lsp.forking import forked

SOURCE = "total = compute(alpha, beta)\nprint(total)\n" * 8
"""What the embedded model has read eight times, it completes."""

UNFINISHED = SOURCE + "total = compute(alp"

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 1, 2  # linux/prctl.h, linux/capability.h

posix = pytest.mark.skipif(os.name != "posix", reason="signals, shell redirections and devices are those of POSIX")


def run(
    home: Path,
    *arguments: str,
    stdin: str = "",
    preexec_fn: Callable[[], None] | None = None,
    own_python: bool = False,
    **env: str,
) -> subprocess.CompletedProcess[str]:
    """In a process that is forked, which takes a tenth of the time.

    ``own_python``: in one that is started, as also if a ``preexec_fn`` shall prepare it, or a variable is set that Python
    reads when it starts.
    """
    own_python = own_python or preexec_fn is not None or "PYTHONIOENCODING" in env
    return subprocess.run(
        [sys.executable, "-m", "fim_lsp", *arguments] if own_python else forked(arguments),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        cwd=home,
        env={
            **os.environ,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            **env,
        },
        timeout=120,
        check=False,
        preexec_fn=preexec_fn,
    )


def run_in_shell(home: Path, command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """``fim-lsp`` stands for the command."""
    return subprocess.run(
        ["bash", "-c", f'fim-lsp() {{ "{sys.executable}" -m fim_lsp "$@"; }}; {command}'],
        stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", cwd=home, timeout=120, check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "", "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"),
             "XDG_STATE_HOME": str(home / "state"), **env},
    )  # fmt: skip


def give_up_reading_everything() -> None:
    """For a child: root may read every file, unless the program is started without that capability (Linux)."""
    if sys.platform == "linux" and os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def allow_interrupt() -> None:
    """For a child: shells start background jobs with SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
