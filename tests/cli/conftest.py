"""A project to run commands in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import UNFINISHED


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(UNFINISHED)
    return tmp_path
