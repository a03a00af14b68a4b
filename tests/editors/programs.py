"""Programs: where the editors are, and what runs because of a test.

Editors are in the folder that FIM_LSP_TEST_EDITORS names, in ``.cache/editors``, or on the PATH.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil
import pytest

from tests.needs import wait_for_programs

ROOT = Path(__file__).parents[2]
EDITORS = Path(os.environ.get("FIM_LSP_TEST_EDITORS", ROOT / ".cache" / "editors"))


def program(name: str) -> str:
    """The path of a program; without it, the test is skipped, which is a failure in CI."""
    wait_for_programs()
    found = shutil.which(name, path=EDITORS / "bin") or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: FIM_LSP_TEST_EDITORS may name a folder with bin/{name}")
    return found


def processes(variable: str, value: str) -> dict[int, str]:
    """All running processes with this variable in their environment: process ids and command lines."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get(variable) == value and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = " ".join(process.cmdline())
        except psutil.Error:
            continue  # it has ended, or belongs to someone else
    return found
