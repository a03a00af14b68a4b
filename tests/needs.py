"""What tests make that not every system has. Where it is lacking, the test is skipped and says why; in the gate, a skip fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ENDLESS = Path("/dev/zero")


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
