"""The file of counts: kept, turned off, or nowhere to be kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.doctor.check import State
from fim_lsp.doctor.statistics import check_statistics
from fim_lsp.settings.schema import Settings


def test_counts_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "state" / "stats.sqlite3"
    assert check_statistics(Settings(), path).message == f"counts, and no text, are kept in {path} (writable)"
    check = check_statistics(Settings(), path)
    assert check.state is State.OK
    assert " kB, writable" in check.message


@pytest.mark.parametrize(("settings", "path"), [(Settings(stats=False), Path("/dev/null/x")), (Settings(), None)])
def test_no_counts_are_kept(settings: Settings, path: Path | None) -> None:
    assert check_statistics(settings, path).state is State.INFO


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = check_statistics(Settings(), tmp_path / "file" / "x" / "stats.sqlite3")
    assert check.state is State.WARNING
    assert "can't be used" in check.message
    assert "stats = false" in check.remedy


def test_the_remedy_is_that_of_the_failure(tmp_path: Path) -> None:
    path = tmp_path / "a; b.sqlite3"
    path.mkdir()
    check = check_statistics(Settings(), path)
    assert check.message.startswith(f"{path} can't be used: it is not a regular file; counts are kept in memory")
    assert check.remedy == "move it away"
