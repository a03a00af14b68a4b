"""Files of the user's that nobody else may read or change: how they are written, and when they are not trusted."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, Final

from fim_lsp.workspace.safe_read import MAX_BYTES, read_bytes, read_text

_OTHERS_READ: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_IN_USE: Final = (5, 32)  # Windows' ERROR_ACCESS_DENIED and ERROR_SHARING_VIOLATION
_REPLACE_PAUSES: Final = (0.01, 0.02, 0.05, 0.1, 0.15)  # seconds


def read_private(path: Path, *, max_bytes: int = MAX_BYTES) -> str:
    """The text of a file that only its owner, the user, can read.

    Raises ``OSError``, with the remedy, if others can read it or it is not the user's; otherwise like
    :func:`~fim_lsp.workspace.safe_read.read_text`. A symbolic link is followed: what counts is the file that it leads to.
    """
    return read_text(path, max_bytes=max_bytes, check=lambda status: _check(path, status, _OTHERS_READ, "read"))


def read_private_bytes(path: Path, *, max_bytes: int) -> bytearray:
    """The bytes of such a file."""
    return read_bytes(path, max_bytes=max_bytes, check=lambda status: _check(path, status, _OTHERS_READ, "read"))


def read_own(path: Path, *, max_bytes: int = MAX_BYTES) -> str:
    """The text of a file that only the user can change. Others may read it. Raises like :func:`read_private`."""
    return read_text(path, max_bytes=max_bytes, check=lambda status: _check(path, status, _OTHERS_WRITE, "change"))


def write_private(path: Path, text: str) -> None:
    """Write a file that only the user can read, at once: whoever reads it finds the old text or the new one.

    A missing folder is created for the user alone; an existing one is closed to others. A symbolic link remains, and the
    file that it leads to is replaced. Raises ``OSError``.
    """
    folder = _own_folder(path.parent)
    with _replacing(Path(os.path.realpath(path))) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(OSError):  # the new name, too, should survive a power failure; not all systems can do it
        _sync_folder(folder)


def create_private(path: Path) -> None:
    """Make sure that a regular file exists, for programs that open it by its name, and that only its owner can read it.

    Raises ``OSError``, also for a pipe, a device or a socket. A file that exists is not opened: closing it would drop the locks
    that SQLite holds on it for this process (POSIX).
    """
    close_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file; move it away", str(path))
    if os.name == "posix" and status.st_mode & _OTHERS_READ and status.st_uid == os.geteuid():
        path.chmod(0o600)


def close_folder(folder: Path) -> None:
    """Create a folder, and those above it, for the user alone whatever the umask. Close an existing one of the user's."""
    missing = takewhile(lambda place: not place.exists(), (folder, *folder.parents))
    for place in reversed(tuple(missing)):  # mkdir() would apply its mode to the last one only
        place.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(exist_ok=True)  # which says so if it is a file
    if os.name == "posix":
        status = folder.stat()
        if status.st_uid == os.geteuid() and status.st_mode & _OTHERS_READ:
            folder.chmod(0o700)


def write_private_cache(path: Path, pieces: Iterable[bytes]) -> None:
    """Like :func:`write_private`, piece by piece, for what can be made again: it need not survive a power failure.

    If ``pieces`` raises, the old file remains.
    """
    _own_folder(path.parent)
    with _replacing(path) as file:
        for piece in pieces:
            file.write(piece)


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """A file for the user alone that takes the place of ``target`` at the end, unless something fails before."""
    import tempfile  # only writers pay for it

    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # with mode 600
    try:
        with open(handle, "wb") as file:
            yield file
        replace_file(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def replace_file(
    source: str | Path,
    target: str | Path,
    *,
    replace: Callable[[str | Path, str | Path], None] = os.replace,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """``os.replace``, which on Windows fails while another process, or a virus scanner, has the file open: then again, for
    up to a third of a second. Raises ``OSError``.
    """
    for pause in _REPLACE_PAUSES:
        try:
            return replace(source, target)
        except PermissionError as error:
            if getattr(error, "winerror", None) not in _IN_USE:
                raise
            sleep(pause)
    return replace(source, target)


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Wait until no other process changes this folder's private files, and keep others waiting. Raises ``OSError``."""
    _own_folder(folder)
    if os.name != "posix":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a network file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _check(path: Path, status: os.stat_result, mask: int, verb: str) -> None:
    if os.name != "posix":
        return  # the profile folder's access list protects it
    if status.st_uid == os.geteuid() and not status.st_mode & mask:
        return
    import shlex

    quoted = shlex.quote(str(path))
    if status.st_uid != os.geteuid():
        raise PermissionError(
            errno.EPERM,
            f"it belongs to another user ({_user(status.st_uid)}): delete it, or run "
            f"`sudo chown {_user(os.geteuid())} {quoted}`",
        )
    raise PermissionError(errno.EPERM, f"other users of this machine can {verb} it: run `chmod 600 {quoted}`")


def _user(number: int) -> str:
    """The name of a user, or the number if there is no name."""
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # in a container
        return str(number)


def _own_folder(folder: Path) -> Path:
    """:func:`close_folder` for a folder that must be the user's. Raises ``OSError`` if it is not."""
    close_folder(folder)
    if os.name == "posix" and (owner := folder.stat().st_uid) != os.geteuid():
        raise PermissionError(errno.EPERM, f"the folder belongs to another user ({_user(owner)})", str(folder))
    return folder


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
