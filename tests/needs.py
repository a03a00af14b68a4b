"""What tests need that not every system has. Where it is lacking, the test is skipped and says why; in the gate, a skip fails."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

_ENDLESS = Path("/dev/zero")
_PAUSE = 0.5
_UNTIL = time.monotonic() + 1800  # for all tests of a process together
_WAITS_FOR = os.environ.get("FIM_LSP_TEST_WAITS_FOR")  # now: a test's environment is without the developer's settings


def wait_for_programs() -> None:
    """Wait until editors and the like are installed, if FIM_LSP_TEST_WAITS_FOR names a file: it will contain the exit code.

    The test fails if that is not 0, or if there is no file half an hour after the tests' start.
    """
    if not _WAITS_FOR:
        return
    while not Path(_WAITS_FOR).exists() and time.monotonic() < _UNTIL:
        time.sleep(_PAUSE)
    if not Path(_WAITS_FOR).exists():
        pytest.fail(f"what tests need is not installed after half an hour: there is no {_WAITS_FOR}")
    if (code := Path(_WAITS_FOR).read_text().strip()) != "0":
        pytest.fail(f"what tests need could not be installed: exit code {code}")


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
