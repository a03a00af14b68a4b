"""Versions of libraries, and whether editors find the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.doctor.check import State
from fim_lsp.doctor.installation import check_installation, check_libraries, command_path, fits, numbers


@pytest.mark.parametrize(
    ("version", "bounds", "expected"),
    [
        ("2.1.1", ">=2.1.1,<2.2", True), ("2.2", ">=2.1.1,<2.2", False), ("2.1", ">=2.1.1,<2.2", False),
        ("2.10.0", ">=2.9", True), ("2025.0.0", ">=2025.0.0", True), ("1.0rc1", "", True), ("1.0", "~=0.9", True),
    ],
)  # fmt: skip
def test_a_version_is_within_bounds(version: str, bounds: str, expected: bool) -> None:
    assert fits(version, bounds) is expected


def test_numbers_of_a_version() -> None:
    assert numbers("30.2.50") == (30, 2, 50)
    assert numbers("nightly") == ()


def test_a_library_that_is_missing_or_of_another_version_is_an_error() -> None:
    checks = list(check_libraries(["httpx>=0.28.1,<0.29", "no-such-library>=1", "platformdirs<1"]))
    assert [check.state for check in checks[:2]] == [State.ERROR, State.ERROR]
    assert "no-such-library is not installed" in checks[0].message
    assert "but <1 is needed" in checks[1].message
    assert "httpx 0.28" in checks[2].message
    assert "pipx" in checks[0].remedy


def test_the_command_is_found_on_path_or_beside_python(tmp_path: Path) -> None:
    (tmp_path / "fim-lsp").write_text("#!/bin/sh\n")
    (tmp_path / "fim-lsp").chmod(0o755)
    assert command_path({"PATH": str(tmp_path)}) == tmp_path / "fim-lsp"
    states = {check.name: check for check in check_installation({"PATH": "/nowhere"})}
    assert states["fim-lsp"].state is State.WARNING
    assert states["fim-lsp"].remedy


def test_an_editor_that_has_started_the_server_has_found_it() -> None:
    states = {check.name: check for check in check_installation({"PATH": "/nowhere"}, started=True)}
    assert states["fim-lsp"].state is State.OK
