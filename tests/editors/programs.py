"""Where the editors are: in the folder that FIM_LSP_TEST_EDITORS names, in ``.cache/editors``, or on the PATH."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EDITORS = Path(os.environ.get("FIM_LSP_TEST_EDITORS", ROOT / ".cache" / "editors"))


def program(name: str) -> str:
    """The path of a program; the test is skipped where it is missing, which is a failure in CI."""
    found = shutil.which(name, path=EDITORS / "bin") or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: FIM_LSP_TEST_EDITORS may name a folder with bin/{name}")
    return found
