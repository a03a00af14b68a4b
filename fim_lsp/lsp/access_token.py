"""The file of the token that a server on TCP asks for: only its user can read it.

Any program and any web page of the user's machine can connect to a TCP port. The token is in no log, no error and no
argument of a process.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from fim_lsp.errors import UsageError
from fim_lsp.secret import Secret

_MIN_LENGTH, _MAX_LENGTH = 8, 1024  # characters; a header field of the longest token still fits into a header
_NEW_BYTES = 32  # of a new token, 43 characters
_PLAIN = frozenset(map(chr, range(0x21, 0x7F)))


def new_token() -> Secret:
    """A token that nobody can guess."""
    return Secret(secrets.token_urlsafe(_NEW_BYTES))


def token_file(path: Path) -> tuple[Secret, bool]:
    """The token in the user's own file, and whether it is new: a file that does not exist is created with mode 600.

    Raises :class:`UsageError` for a file that others can read or write, that is another user's, or that has no token.
    """
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError):
            return _read(path), False
        token = new_token()
        try:
            _write(path, token, replace=False)
        except FileExistsError:  # another server has just created it, or it is a dangling link
            continue
        except OSError as error:
            raise UsageError(f"--tcp-token {path}: {error.strerror or type(error).__name__}") from error
        return token, True
    raise UsageError(f"--tcp-token {path}: it can be neither read nor created; is it a link to nowhere?")


def keep_token(path: Path, token: Secret) -> None:
    """Write a token of this run to its file, mode 600, in place of an older run's. Raises :class:`UsageError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, token, replace=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"the token can't be kept in {path}: {reason}; --tcp-token names another file") from error


def remove_token(path: Path, token: Secret) -> None:
    """Remove the file of a token, if it still holds this one."""
    with contextlib.suppress(OSError, UsageError):
        if _read(path) == token:
            path.unlink()


def _read(path: Path) -> Secret:
    """The token in a file. Raises :class:`UsageError`, and FileNotFoundError where there is none."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe must not hold us up
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            content = file.read(_MAX_LENGTH + 3)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = "it is a link" if path.is_symlink() else error.strerror or type(error).__name__
        raise UsageError(f"--tcp-token {path}: {reason}") from error
    text = content.decode("ascii", "replace").strip()
    if not (_MIN_LENGTH <= len(text) <= _MAX_LENGTH and _PLAIN.issuperset(text)):
        raise UsageError(
            f"--tcp-token {path}: it must hold one token, {_MIN_LENGTH} to {_MAX_LENGTH} ASCII characters "
            "without blanks; remove the file to get a new one"
        )
    return Secret(text)


def _check_owner(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"--tcp-token {path}: it is not a regular file")
    if os.name != "posix":  # pragma: no cover - other systems have no mode to look at
        return
    if status.st_uid != os.geteuid():
        raise UsageError(f"--tcp-token {path}: it belongs to another user, who knows the token")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise UsageError(
            f"--tcp-token {path}: others can read or change it (mode {mode:03o}); `chmod 600` it, and change the token "
            "if somebody may have read it"
        )


def _write(path: Path, token: Secret, *, replace: bool) -> None:
    """Create a file as a whole: nobody sees it without its content, or with another mode."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if hasattr(os, "fchmod"):
                os.fchmod(descriptor, 0o600)  # whatever the umask
            file.write(token.reveal().encode() + b"\n")
        if replace:
            draft.replace(path)
        else:
            os.link(draft, path)  # unlike a rename, it fails where a file is
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
