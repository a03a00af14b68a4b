"""Reading files that somebody else may have written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fim_lsp.workspace.safe_read import file_stamp, read_text


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("é\r\n", "utf-8", newline="")
    assert read_text(tmp_path / "a") == "é\r\n"


def test_up_to_max_bytes_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x" * 2048)
    assert len(read_text(tmp_path / "a", max_bytes=2048)) == 2048
    with pytest.raises(OSError, match="more than 1 KiB"):
        read_text(tmp_path / "a", max_bytes=2047)


def test_text_that_is_not_utf_8_is_a_value_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="utf-8"):
        read_text(tmp_path / "a")


@pytest.mark.skipif(sys.platform == "win32", reason="FIFOs and devices are POSIX")
def test_a_link_to_something_endless_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("fifo", "device"):
        with pytest.raises(OSError, match="not a regular file"):
            read_text(tmp_path / name)


def test_a_stamp_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    missing = file_stamp(path)
    path.write_text("one")
    one = file_stamp(path)
    path.write_text("other")
    assert len({missing, one, file_stamp(path)}) == 3
    assert file_stamp(path) == file_stamp(str(path))
    assert file_stamp("a\0b") is None
