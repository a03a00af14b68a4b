"""The sockets of a shared server: addresses that other machines reach need consent, Unix sockets belong to their user."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fim_lsp.errors import UsageError
from fim_lsp.lsp.sockets import UnixSocket, address_of, is_own_user, is_remote, listen_on_tcp

posix = pytest.mark.skipif(os.name != "posix", reason="Unix sockets and file modes are POSIX")


# -- TCP


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.9.8.7", "::ffff:127.0.0.1", "::FFFF:7f00:1", "127.1", "2130706433", "0x7f.1"],
)
def test_loopback_is_listened_on(host: str) -> None:
    listening = listen_on_tcp(host, 0, allow_remote=False)
    assert not is_remote(listening)
    assert len({sock.getsockname()[1] for sock in listening}) == 1
    for sock in listening:
        assert sock.getsockname()[0] in {"127.0.0.1", "127.9.8.7", "::1"}
        sock.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_ipv6_loopback_is_listened_on_where_the_machine_has_it() -> None:
    try:
        [sock] = listen_on_tcp("::1", 0, allow_remote=False)
    except UsageError:
        with socket.socket(socket.AF_INET6) as probe:
            assert probe.connect_ex(("::1", 9)) == errno.EADDRNOTAVAIL
        return
    assert address_of(sock) == f"[::1]:{sock.getsockname()[1]}"
    sock.close()


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "0", "0x0", "::ffff:0.0.0.0", "::0", "0000::0000", "192.0.2.1", "2001:db8::1", "10.0.0.1",  # noqa: S104
             "::ffff:10.0.0.1", "169.254.1.1", "fe80::1", "255.255.255.255", "224.0.0.1", "::127.0.0.1", "128.0.0.1"]
)  # fmt: skip
def test_remote_addresses_are_refused_without_consent(host: str) -> None:
    with pytest.raises(UsageError, match="--allow-remote"):
        listen_on_tcp(host, 0, allow_remote=False)


def test_a_name_with_one_remote_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the order, and the name is looked up once: an answer that changes can't get past the check."""
    answers = [["127.0.0.1", "192.0.2.1"], ["192.0.2.1", "127.0.0.1"], ["127.0.0.1"]]
    real = socket.getaddrinfo

    def look_up(host: str, *arguments: object, **more: object) -> object:
        if host != "name.example":
            return real(host, *arguments, **more)  # type: ignore[arg-type]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for _ in range(2):
        with pytest.raises(UsageError, match=r"192\.0\.2\.1"):
            listen_on_tcp("name.example", 0, allow_remote=False)
    [sock] = listen_on_tcp("name.example", 0, allow_remote=False)
    sock.close()
    assert answers == []


def test_remote_addresses_are_listened_on_with_consent() -> None:
    [sock] = listen_on_tcp("0", 0, allow_remote=True)
    assert is_remote([sock])
    assert address_of(sock) == f"0.0.0.0:{sock.getsockname()[1]}"
    sock.close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 300, "a..b", "ü" * 80, "::1::", "1.2.3.4.5"])
def test_invalid_hosts(host: str) -> None:
    with pytest.raises(UsageError, match=r"^--tcp "):
        listen_on_tcp(host, 0, allow_remote=True)


def test_a_port_in_use_is_reported() -> None:
    [first] = listen_on_tcp("127.0.0.1", 0, allow_remote=False)
    with pytest.raises(UsageError, match=r"^--tcp 127\.0\.0\.1:\d+: "):
        listen_on_tcp("127.0.0.1", first.getsockname()[1], allow_remote=False)
    first.close()


# -- Unix sockets


@posix
@pytest.mark.parametrize("umask", [0, 0o022, 0o077, 0o777])
def test_a_socket_is_its_users_from_the_moment_it_exists(tmp_path: Path, umask: int) -> None:
    """Nothing changes its mode later, so nobody can connect in between."""
    command = (
        "import os, sys, pathlib\n"
        "from fim_lsp.lsp.sockets import UnixSocket\n"
        "sys.addaudithook(lambda event, _: os._exit(9) if event == 'os.chmod' else None)\n"
        f"os.umask({umask})\n"
        "place = UnixSocket(pathlib.Path('s'))\n"
        "print(oct(place.path.lstat().st_mode & 0o777), os.umask(0))\n"
        "place.remove()\n"
    )
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == (f"0o600 {umask}\n", 0), done.stderr
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_stale_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    first = UnixSocket(path)
    with pytest.raises(UsageError, match="already listening there"):
        UnixSocket(path)
    first.sock.close()  # as a crash leaves it
    second = UnixSocket(path)
    first.remove()
    assert path.is_socket()
    second.remove()
    second.sock.close()
    assert not path.exists()


@posix
def test_a_server_whose_backlog_is_full_is_alive(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as client:
        busy.bind(str(path))
        busy.listen(0)
        client.connect(str(path))
        with pytest.raises(UsageError, match="already listening there"):
            UnixSocket(path)


@posix
def test_a_socket_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        with pytest.raises(UsageError, match="already listening there"):
            UnixSocket(path)
    assert path.is_socket()


@posix
@pytest.mark.parametrize("kind", ["file", "empty", "folder", "pipe", "link", "dangling", "link to a stale socket"])
def test_another_kind_of_file_is_left_alone(tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / "s", tmp_path / "target"
    match kind:
        case "file":
            path.write_text("mine")
        case "empty":
            path.touch()
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link":
            target.write_text("mine")
            path.symlink_to(target)
        case "dangling":
            path.symlink_to(target)
        case _:
            UnixSocket(target).sock.close()
            path.symlink_to(target)
    before = path.lstat()
    with pytest.raises(UsageError, match="no socket; it is left alone"):
        UnixSocket(path)
    assert path.lstat() == before


@posix
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("no/such/folder/s", "No such file"),
        ("x" * 200, "too long"),
        ("x" * 5000, "too long"),
        ("file/s", "Not a directory"),
    ],
)
def test_paths_where_no_socket_can_be(tmp_path: Path, path: str, says: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=says):
        UnixSocket(tmp_path / path)


@posix
def test_a_folder_in_which_everybody_replaces_files_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(UsageError, match="a folder of your own"):
        UnixSocket(tmp_path / "s")
    tmp_path.chmod(0o1777)  # as /tmp is
    place = UnixSocket(tmp_path / "s")
    place.sock.close()
    place.remove()


@posix
def test_a_socket_of_another_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    UnixSocket(tmp_path / "s").sock.close()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(UsageError, match="another user"):
        UnixSocket(tmp_path / "s")


@posix
def test_of_servers_that_start_together_one_gets_the_socket(tmp_path: Path) -> None:
    for _ in range(20):
        UnixSocket(tmp_path / "s").sock.close()
        got: list[UnixSocket] = []
        refused: list[UsageError] = []

        def start(got: list[UnixSocket] = got, refused: list[UsageError] = refused) -> None:
            try:
                got.append(UnixSocket(tmp_path / "s"))
            except UsageError as error:
                refused.append(error)

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(got), len(refused)) == (1, 3)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "s"))
        got[0].sock.close()


@posix
def test_the_user_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    assert is_own_user(ours)
    if hasattr(socket, "SO_PEERCRED"):
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert not is_own_user(ours)
    ours.close()
    theirs.close()


def test_a_system_without_unix_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX", raising=False)
    with pytest.raises(UsageError, match="no Unix sockets; use --tcp"):
        UnixSocket(tmp_path / "s")
