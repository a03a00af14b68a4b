"""Where a shared server may listen: addresses that other machines reach take a word more, sockets belong to their user."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fim_lsp.errors import UsageError
from fim_lsp.lsp.access_token import keep_token, new_token, remove_token, token_file
from fim_lsp.lsp.endpoints import UnixSocket, is_own_user, is_remote, listen_on_tcp, shown

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
    assert shown(sock) == f"[::1]:{sock.getsockname()[1]}"
    sock.close()


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "0", "0x0", "::ffff:0.0.0.0", "::0", "0000::0000", "192.0.2.1", "2001:db8::1", "10.0.0.1",  # noqa: S104
             "::ffff:10.0.0.1", "169.254.1.1", "fe80::1", "255.255.255.255", "224.0.0.1", "::127.0.0.1", "128.0.0.1"]
)  # fmt: skip
def test_what_other_machines_reach_is_refused_without_a_word_more(host: str) -> None:
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


def test_every_address_is_listened_on_with_the_word_and_told_apart() -> None:
    [sock] = listen_on_tcp("0", 0, allow_remote=True)
    assert is_remote([sock])
    assert shown(sock) == f"0.0.0.0:{sock.getsockname()[1]}"
    sock.close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 300, "a..b", "ü" * 80, "::1::", "1.2.3.4.5"])
def test_hosts_that_are_none(host: str) -> None:
    with pytest.raises(UsageError, match=r"^--tcp "):
        listen_on_tcp(host, 0, allow_remote=True)


def test_a_port_in_use_is_a_sentence() -> None:
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
        "from fim_lsp.lsp.endpoints import UnixSocket\n"
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
    with pytest.raises(UsageError, match="listening there already"):
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
        with pytest.raises(UsageError, match="listening there already"):
            UnixSocket(path)


@posix
def test_a_socket_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        with pytest.raises(UsageError, match="listening there already"):
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
def test_of_servers_that_start_together_one_gets_the_place(tmp_path: Path) -> None:
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
def test_the_user_at_the_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
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


# -- the token's file


@posix
@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_a_new_file_is_made_whole_with_mode_600(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        token, is_new = token_file(tmp_path / "token")
    finally:
        os.umask(before)
    assert is_new
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert token_file(tmp_path / "token") == (token, False)
    assert [file.name for file in tmp_path.iterdir()] == ["token"]
    assert token.reveal() not in repr(token)
    assert new_token() != new_token()


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666, 0o620, 0o602, 0o610, 0o601, 0o660, 0o777, 0o040])
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text("a-made-up-token")
    file.chmod(mode)
    with pytest.raises(UsageError, match=r"^--tcp-token ") as caught:
        token_file(file)
    assert "chmod 600" in str(caught.value) or not os.access(file, os.R_OK)
    assert "a-made-up-token" not in str(caught.value)


@posix
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_ones_own_is_read(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text("  a-made-up-token\r\n")
    file.chmod(mode)
    token, is_new = token_file(file)
    assert (token.reveal(), is_new) == ("a-made-up-token", False)


@posix
def test_another_users_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token_file(tmp_path / "token")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(UsageError, match="another user"):
        token_file(tmp_path / "token")


@posix
@pytest.mark.parametrize(
    "content", [b"", b"\n", b"short", b"two words here", b"two\nlines-here", b"caf\xc3\xa9-token", b"a\0b-token-token",
                b"x" * 1025, b"\xff" * 20, b"x" * 1_000_000]
)  # fmt: skip
def test_a_file_without_a_token_is_refused_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(UsageError, match="must hold one token") as caught:
        token_file(file)
    assert len(str(caught.value)) < 1000
    assert "two" not in str(caught.value)


@posix
@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "dangling", "device", "no folder", "socket"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "token"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path, 0o600)
        case "link":
            token_file(tmp_path / "other")
            path.symlink_to("other")
        case "dangling":
            path.symlink_to("nowhere")
        case "device":
            path = Path("/dev/zero")
        case "no folder":
            path = tmp_path / "no" / "token"
        case _:
            UnixSocket(path).sock.close()
    with pytest.raises(UsageError, match=r"^--tcp-token "):
        token_file(path)
    assert not (tmp_path / "nowhere").exists()


@posix
def test_the_token_of_a_run_replaces_an_older_one_and_is_removed_by_its_own_run(tmp_path: Path) -> None:
    file = tmp_path / "state" / "tcp-1.token"
    first, second = new_token(), new_token()
    keep_token(file, first)
    file.chmod(0o644)
    keep_token(file, second)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    remove_token(file, first)
    assert token_file(file) == (second, False)
    remove_token(file, second)
    assert not file.exists()
    remove_token(file, second)


@posix
def test_a_token_that_cannot_be_kept_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--tcp-token names another file"):
        keep_token(tmp_path / "file" / "tcp-1.token", new_token())
