"""The access token of a server on TCP: the check of a client's first message, and the file that holds the token.

Any program and any web page on the user's machine can connect to a TCP port, so a client must prove that it can read a
file of the user. The token appears in no log, error message or command line.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from fim_lsp.errors import UsageError
from fim_lsp.secret import Secret
from fim_lsp.workspace.private_file import close_folder, replace_file

MAX_FIRST_MESSAGE = 1 << 18
"""Bytes of the first message, before the token has been seen. VS Code sends some 15 kB."""

_MIN_LENGTH, _MAX_LENGTH = 8, 1024  # characters: the longest token still fits into a header field
_NEW_TOKEN_BYTES = 32  # 43 characters
_PRINTABLE = frozenset(map(chr, range(0x21, 0x7F)))
_MAX_ID_LENGTH = 100  # characters of a request's id that are sent back to a client without the token
_FIRST_REJECTIONS, _LATER_REJECTIONS = 100, 10_000  # all of the first are logged, then one in this many


class TokenCheck:
    """Admits clients whose first message is ``initialize`` and carries the token."""

    def __init__(self, token: Secret) -> None:
        self._digest = _digest(token.reveal().encode())
        self._rejections = 0

    def admits(self, body: bytes, header_token: bytes | None) -> bool:
        """Whether the first message carries the token: in its header, in ``initializationOptions``, or in both."""
        try:
            message = json.loads(body)
            if not isinstance(message, dict) or message.get("method") != "initialize":
                return False
            tokens = pop_tokens(message.get("params"))
        except (ValueError, RecursionError):
            return False
        if header_token is not None:
            tokens.append(header_token.decode("ascii"))
        return bool(tokens) and all(map(self._matches, tokens))

    def count_rejection(self) -> bool:
        """Count a rejected client. Returns whether to log it: rejections must not fill the disk."""
        self._rejections += 1
        return self._rejections <= _FIRST_REJECTIONS or self._rejections % _LATER_REJECTIONS == 0

    def _matches(self, token: object) -> bool:
        given = token.encode("utf-8", "surrogatepass") if isinstance(token, str) else b""
        return hmac.compare_digest(_digest(given), self._digest)


def _digest(token: bytes) -> bytes:
    """Digests are compared instead of tokens: they have the same length, whatever the client sends."""
    return hashlib.sha256(token).digest()


def pop_tokens(params: object) -> list[Any]:
    """Remove the tokens from the parameters of ``initialize``: ``initializationOptions.token``, also in ``fim-lsp``."""
    options = params.get("initializationOptions") if isinstance(params, dict) else None
    if not isinstance(options, dict):
        return []
    holders = (options, options.get("fim-lsp"))
    return [holder.pop("token") for holder in holders if isinstance(holder, dict) and "token" in holder]


def rejection(body: bytes) -> bytes:
    """The reply to a first message without the right token, with its header."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        message = None
    msg_id = message.get("id") if isinstance(message, dict) else None
    if not isinstance(msg_id, int | str) or isinstance(msg_id, bool) or len(str(msg_id)) > _MAX_ID_LENGTH:
        msg_id = None
    sentence = (
        "fim-lsp: this server requires its access token: the first message must be initialize with "
        "initializationOptions.token, or with a header field Fim-Lsp-Token."
    )
    error = {"code": -32600, "message": sentence}  # InvalidRequest
    reply = json.dumps({"jsonrpc": "2.0", "id": msg_id, "error": error}).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(reply), reply)


# -- the file


def new_token() -> Secret:
    """A random token."""
    return Secret(secrets.token_urlsafe(_NEW_TOKEN_BYTES))


def read_or_create(path: Path) -> tuple[Secret, bool]:
    """The token in the user's own file, and whether it is new: a missing file is created with mode 600.

    Raises :class:`UsageError` if the file contains no token, belongs to another user, or is accessible to others.
    """
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError):
            return _read(path), False
        token = new_token()
        try:
            _write(path, token, replace=False)
        except FileExistsError:  # another server has just created it, or it is a dangling symbolic link
            continue
        except OSError as error:
            raise UsageError(f"--tcp-token {path}: {_reason(error)}") from error
        return token, True
    raise UsageError(f"--tcp-token {path}: it can be neither read nor created; is it a link to nowhere?")


def write_token(path: Path, token: Secret) -> None:
    """Write the token of this run, with mode 600, replacing that of an earlier run. Raises :class:`UsageError`."""
    try:
        close_folder(path.parent)
        _write(path, token, replace=True)
    except OSError as error:
        raise UsageError(
            f"the token can't be written to {path}: {_reason(error)}; --tcp-token names another file"
        ) from error


def remove_token(path: Path, token: Secret) -> None:
    """Remove the file if it still contains this token."""
    with contextlib.suppress(OSError, UsageError):
        if _read(path) == token:
            path.unlink()


def _read(path: Path) -> Secret:
    """Raises :class:`UsageError`, or FileNotFoundError if there is no file."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe would block
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            content = file.read(_MAX_LENGTH + 3)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = "it is a link" if path.is_symlink() else _reason(error)
        raise UsageError(f"--tcp-token {path}: {reason}") from error
    token = content.decode("ascii", "replace").strip()
    if not (_MIN_LENGTH <= len(token) <= _MAX_LENGTH and _PRINTABLE.issuperset(token)):
        raise UsageError(
            f"--tcp-token {path}: it must contain one token, {_MIN_LENGTH} to {_MAX_LENGTH} ASCII characters "
            "without whitespace; remove the file to get a new one"
        )
    return Secret(token)


def _check_owner(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"--tcp-token {path}: it is not a regular file")
    if os.name != "posix":  # pragma: no cover - other systems have no modes
        return
    if status.st_uid != os.geteuid():
        raise UsageError(f"--tcp-token {path}: it belongs to another user, who knows the token")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise UsageError(
            f"--tcp-token {path}: others can read or change it (mode {mode:03o}); `chmod 600` it, and replace the token "
            "if somebody may have read it"
        )


def _write(path: Path, token: Secret, *, replace: bool) -> None:
    """Write a temporary file and move it into place: it is never seen incomplete or with another mode."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if hasattr(os, "fchmod"):
                os.fchmod(descriptor, 0o600)  # whatever the umask
            file.write(token.reveal().encode() + b"\n")
        if replace:
            replace_file(draft, path)
        else:
            os.link(draft, path)  # unlike rename, it fails if the file exists
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
