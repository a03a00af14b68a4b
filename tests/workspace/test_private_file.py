"""Files that only their owner can read: how they are written, and which ones are refused."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fim_lsp.workspace.private_file import create_private, folder_lock, read_own, read_private, write_private
from tests.needs import make_fifo

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "keys"
    write_private(path, "secret\n")
    assert read_private(path) == read_own(path) == "secret\n"
    assert (mode(path), mode(path.parent), mode(path.parent.parent) & 0o022) == (0o600, 0o700, 0)


def test_an_open_file_and_folder_are_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    path = folder / "keys"
    path.write_text("old")
    path.chmod(0o666)
    write_private(path, "new")
    assert (path.read_text(), mode(path), mode(folder)) == ("new", 0o600, 0o700)
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize(
    ("bits", "private", "own"),
    [
        (0o600, "", ""),
        (0o400, "", ""),
        (0o640, "can read it: run `chmod 600 ", ""),
        (0o604, "can read it: run `chmod 600 ", ""),
        (0o622, "can read it: run `chmod 600 ", "can change it: run `chmod 600 "),
    ],
)
def test_a_file_that_others_can_read_or_change_is_refused_with_the_remedy(
    tmp_path: Path, bits: int, private: str, own: str
) -> None:
    path = tmp_path / "it's keys"
    path.write_text("text")
    path.chmod(bits)
    for read, refusal in ((read_private, private), (read_own, own)):
        if refusal:
            with pytest.raises(PermissionError) as caught:
                read(path)
            assert caught.value.strerror
            assert refusal in caught.value.strerror
            command = caught.value.strerror.split("`")[1]
            assert subprocess.run(["sh", "-c", f"{command} && stat {command[10:]}"], check=False).returncode == 0
            path.chmod(bits)
        else:
            assert read(path) == "text"


@pytest.mark.skipif(os.name != "posix", reason="files have an owner there")
def test_a_file_of_another_users_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys"
    write_private(path, "text")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 12345)
    for read in (read_private, read_own):
        with pytest.raises(
            PermissionError, match=r"belongs to another user \(\S+\): delete it, or run `sudo chown \d+ "
        ):
            read(path)
    with pytest.raises(PermissionError, match="the folder belongs to another user"):
        write_private(path, "new")


def test_a_link_remains_and_its_file_is_what_counts(tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles"
    kept.mkdir()
    (tmp_path / "config").mkdir()
    link = tmp_path / "config" / "keys"
    link.symlink_to(kept / "keys")
    write_private(link, "one")
    write_private(link, "two")
    assert link.is_symlink()
    assert ((kept / "keys").read_text(), mode(kept / "keys")) == ("two", 0o600)
    assert read_private(link) == "two"
    (kept / "keys").chmod(0o644)
    with pytest.raises(PermissionError, match="chmod 600"):
        read_private(link)


def test_what_is_not_a_file_of_reasonable_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(0o700)
    make_fifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    write_private(tmp_path / "large", "x" * 2_000)
    for name in ("folder", "fifo", "zero", "loop", "large", "missing"):
        with pytest.raises(OSError):  # noqa: PT011 - each system has its own errors
            read_private(tmp_path / name, max_bytes=1_000)


def test_a_failed_write_leaves_the_old_text_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    write_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_lock_keeps_another_process_waiting(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from fim_lsp.workspace.private_file import folder_lock\n"
        "print('ready', flush=True)\n"
        "with folder_lock(pathlib.Path(sys.argv[1])): print(pathlib.Path(sys.argv[1], 'note').exists())"
    )
    with folder_lock(tmp_path):
        other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert other.stdout
        assert other.stdout.readline() == "ready\n"
        (tmp_path / "note").write_text("written under the lock")
    assert other.communicate(timeout=60)[0] == "True\n"


@pytest.mark.parametrize("write", [create_private, lambda path: write_private(path, "new")], ids=["create", "write"])
def test_nobody_else_gets_in_whatever_the_umask(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "local" / "state" / "fim-lsp" / "file"
    before = os.umask(0)
    try:
        write(path)
    finally:
        os.umask(before)
    places = (path, path.parent, path.parent.parent, path.parent.parent.parent)
    assert [mode(place) for place in places] == [0o600, 0o700, 0o700, 0o700]


def test_a_file_that_is_there_is_closed_to_others_and_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "open" / "file"
    path.parent.mkdir(mode=0o777)
    path.write_text("old")
    path.chmod(0o666)
    create_private(path)
    assert (path.read_text(), mode(path), mode(path.parent)) == ("old", 0o600, 0o700)


@pytest.mark.parametrize(
    "make", [make_fifo, os.mkdir, lambda path: path.symlink_to(os.devnull)], ids=["pipe", "folder", "device"]
)
def test_what_is_no_file_is_not_opened_as_one(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "file"
    make(path)
    with pytest.raises(OSError, match=r"not a regular file|Is a directory"):
        create_private(path)


def test_creating_an_existing_file_keeps_the_locks_of_this_process(tmp_path: Path) -> None:
    """POSIX: to close a file drops the process's locks on it, those of SQLite too."""
    import fcntl

    path = tmp_path / "database"
    create_private(path)
    take = f"import fcntl; fcntl.lockf(open({str(path)!r}, 'rb+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    with path.open("rb+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        create_private(path)
        other = subprocess.run([sys.executable, "-c", take], capture_output=True, text=True, check=False)
    assert "BlockingIOError" in other.stderr
    subprocess.run([sys.executable, "-c", take], check=True)
