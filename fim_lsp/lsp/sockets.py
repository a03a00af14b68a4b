"""The sockets on which a shared server listens. Errors are :class:`UsageError`, with a sentence for the user."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from fim_lsp.errors import UsageError

_BACKLOG = 100
_LOCK_ATTEMPTS, _LOCK_INTERVAL = 100, 0.02  # attempts to lock a folder, and seconds between them


# -- TCP


def listen_on_tcp(host: str, port: int, *, allow_remote: bool) -> list[socket.socket]:
    """Listening sockets for every address of a host; ``port`` 0 is any free port.

    The host is looked up once, so that the addresses that are checked are those that are used. An address that other
    machines can reach requires ``allow_remote``.
    """
    addresses = _addresses(host)
    if not allow_remote and (remote := [address for address in addresses if not address.is_loopback]):
        raise UsageError(
            f"--tcp {host}: {remote[0]} can be reached from other machines; use 127.0.0.1 or --socket PATH, or add "
            "--allow-remote if that is intended: the traffic is not encrypted"
        )
    listening: list[socket.socket] = []
    failure = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    for address in addresses:
        try:
            listening.append(_listen(address, port or (listening[0].getsockname()[1] if listening else 0)))
        except OSError as error:
            failure = error
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # localhost on a machine without IPv6
                break
    else:
        if listening:
            return listening
    for sock in listening:
        sock.close()
    raise UsageError(f"--tcp {host}:{port}: {failure.strerror or failure}") from failure


def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # UnicodeError: not a host name
        reason = error.strerror if isinstance(error, OSError) else "it is not a host name"
        raise UsageError(f"--tcp {host}: {reason}") from error
    addresses = [_parse_address(str(entry[4][0])) for entry in found]
    return list(dict.fromkeys(addresses))


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address; an IPv4 address mapped to IPv6, ``::ffff:127.0.0.1``, as IPv4."""
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _listen(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    target = socket.getaddrinfo(str(address), port, family, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0][4]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elif hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # on Windows another program could take the same port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # :: is not 0.0.0.0 as well
        sock.bind(target)
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def is_remote(listening: list[socket.socket]) -> bool:
    """Whether other machines can reach one of these sockets."""
    return any(not ipaddress.ip_address(sock.getsockname()[0].partition("%")[0]).is_loopback for sock in listening)


def address_of(sock: socket.socket) -> str:
    """The address of a listening socket, as users write it: ``127.0.0.1:9257``, ``[::1]:9257``."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# -- Unix sockets


class UnixSocket:
    """A listening socket in the file system. Only its user can connect to it."""

    def __init__(self, path: Path) -> None:
        """Raises :class:`UsageError` if a server already listens there, or if another kind of file is in the way."""
        if os.name != "posix" or not hasattr(socket, "AF_UNIX"):
            raise UsageError("--socket: this system has no Unix sockets; use --tcp 127.0.0.1:PORT")
        self.path = path
        self._pin: int | None = None  # keeps Linux from reusing the inode number for another file
        try:
            with _locked_folder(path):
                _remove_stale(path)
                self.sock = _bind(path)
            self._pin = os.open(path, os.O_PATH | os.O_NOFOLLOW) if hasattr(os, "O_PATH") else None
            self._identity = _identity(path)
        except OSError as error:
            raise UsageError(f"--socket {path}: {error.strerror or error}") from error

    def remove(self) -> None:
        """Remove the socket's file, unless another server has replaced it."""
        with contextlib.suppress(OSError):
            if _identity(self.path) == self._identity:
                self.path.unlink()
        if self._pin is not None:
            os.close(self._pin)
            self._pin = None


def _identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


@contextlib.contextmanager
def _locked_folder(path: Path) -> Iterator[None]:
    """Lock the socket's folder against other servers that start at the same time. It must not be world-writable."""
    import fcntl  # POSIX only, as are Unix sockets in Python

    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        status = os.fstat(folder)
        if status.st_mode & 0o002 and not status.st_mode & stat.S_ISVTX:
            raise UsageError(f"--socket {path}: anybody can replace files in {path.parent}; use a folder of your own")
        for _ in range(_LOCK_ATTEMPTS):
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_LOCK_INTERVAL)
        else:
            raise UsageError(f"--socket {path}: another server has been starting in this folder for two seconds")
        yield
    finally:
        os.close(folder)


def _remove_stale(path: Path) -> None:
    """Remove a socket that no process listens on any more."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise UsageError(f"--socket {path}: a file exists that is no socket; it is left alone")
    if status.st_uid != os.geteuid():
        raise UsageError(f"--socket {path}: the socket there belongs to another user")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError:  # its backlog is full, or it is of another kind: it is in use
            pass
    raise UsageError(f"--socket {path}: a server is already listening there")


def _bind(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # mode 600 from the moment that the file exists
    try:
        sock.bind(str(path))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno is None:  # raised by Python: longer than the 104 or 108 bytes of the system
            raise UsageError(f"--socket {path}: the path is too long for a socket") from error
        raise
    finally:
        os.umask(before)
    return sock


def is_own_user(sock: socket.socket) -> bool:
    """Whether the client of a Unix socket is the server's user; true on systems that do not report this."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    credentials = sock.getsockopt(socket.SOL_SOCKET, option, 12)  # struct ucred: pid, uid, gid
    return int(struct.unpack("iII", credentials)[1]) == os.geteuid()
