"""What tests need that not every system has. Where it is lacking, the test is skipped and says why; in the gate, a skip fails."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

_ENDLESS = Path("/dev/zero")
_WAITS_FOR = os.environ.get("FIM_LSP_TEST_WAITS_FOR")  # now: a test's environment is without the developer's settings


def wait_for_programs() -> None:
    """Wait until editors and the like are installed: until there is the file that FIM_LSP_TEST_WAITS_FOR names, if it is set."""
    while _WAITS_FOR and not Path(_WAITS_FOR).exists():
        time.sleep(0.5)


def make_fifo(path: Path) -> None:
    """A named pipe that nobody writes to: who opens it for reading waits."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(path, 0o600)


def link_to_endless_device(path: Path) -> None:
    """A link to a device that can be read without end."""
    if not _ENDLESS.exists():
        pytest.skip("this system has no /dev/zero")
    path.symlink_to(_ENDLESS)
