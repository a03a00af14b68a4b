"""The access token: the check of a client's first message, and the file, which only its user can open."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from fim_lsp.errors import UsageError
from fim_lsp.lsp.access_token import (
    TokenCheck,
    new_token,
    pop_tokens,
    read_or_create,
    rejection,
    remove_token,
    write_token,
)
from fim_lsp.lsp.sockets import UnixSocket
from fim_lsp.secret import Secret

posix = pytest.mark.skipif(os.name != "posix", reason="Unix sockets and file modes are POSIX")


def first_message(options: object, method: str = "initialize") -> bytes:
    return json.dumps({"id": 1, "method": method, "params": {"initializationOptions": options}}).encode()


@pytest.mark.parametrize(
    ("body", "header", "admitted"),
    [
        (first_message({"token": "the-token"}), None, True),
        (first_message({"fim-lsp": {"token": "the-token"}}), None, True),
        (first_message({}), b"the-token", True),
        (first_message({"token": "the-token"}), b"the-token", True),
        (first_message({"token": "the-token"}), b"another", False),
        (first_message({"token": "another"}), b"the-token", False),
        (first_message({"token": "the-token", "fim-lsp": {"token": "another"}}), None, False),
        (first_message({"token": "the-token"}, method="shutdown"), None, False),
        (first_message({"token": None}), None, False),
        (first_message({}), None, False),
        (b"[" * 100_000, b"the-token", False),
        (b"\xff", b"the-token", False),
    ],
    ids=range(12),
)  # fmt: skip
def test_who_is_admitted(body: bytes, header: bytes | None, admitted: bool) -> None:
    assert TokenCheck(Secret("the-token")).admits(body, header) is admitted


def test_tokens_are_removed_from_the_options() -> None:
    params = {"initializationOptions": {"token": "a", "model": "m", "fim-lsp": {"token": "b"}}}
    assert pop_tokens(params) == ["a", "b"]
    assert params == {"initializationOptions": {"model": "m", "fim-lsp": {}}}
    assert pop_tokens(None) == pop_tokens({"initializationOptions": ["token"]}) == []


@pytest.mark.parametrize(("sent", "replied"), [(7, 7), ("a", "a"), (True, None), ([1], None), ("x" * 101, None)])
def test_a_rejection_repeats_the_id_of_the_request_only(sent: object, replied: object) -> None:
    header, _, body = rejection(json.dumps({"id": sent, "method": "secret-method"}).encode()).partition(b"\r\n\r\n")
    assert header == b"Content-Length: %d" % len(body)
    assert json.loads(body)["id"] == replied
    assert b"secret-method" not in body


@posix
@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_a_new_file_is_created_with_mode_600(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        token, is_new = read_or_create(tmp_path / "token")
    finally:
        os.umask(before)
    assert is_new
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert read_or_create(tmp_path / "token") == (token, False)
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
        read_or_create(file)
    assert "chmod 600" in str(caught.value) or not os.access(file, os.R_OK)
    assert "a-made-up-token" not in str(caught.value)


@posix
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_the_user_is_read(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text("  a-made-up-token\r\n")
    file.chmod(mode)
    token, is_new = read_or_create(file)
    assert (token.reveal(), is_new) == ("a-made-up-token", False)


@posix
def test_another_users_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_or_create(tmp_path / "token")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(UsageError, match="another user"):
        read_or_create(tmp_path / "token")


@posix
@pytest.mark.parametrize(
    "content", [b"", b"\n", b"short", b"two words here", b"two\nlines-here", b"caf\xc3\xa9-token", b"a\0b-token-token",
                b"x" * 1025, b"\xff" * 20, b"x" * 1_000_000]
)  # fmt: skip
def test_a_file_without_a_token_is_refused_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(UsageError, match="must contain one token") as caught:
        read_or_create(file)
    assert len(str(caught.value)) < 1000
    assert "two" not in str(caught.value)


@posix
@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "dangling", "device", "no folder", "socket"])
def test_other_kinds_of_files_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "token"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path, 0o600)
        case "link":
            read_or_create(tmp_path / "other")
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
        read_or_create(path)
    assert not (tmp_path / "nowhere").exists()


@posix
def test_the_token_of_a_run_replaces_an_older_one_and_is_removed_by_its_own_run(tmp_path: Path) -> None:
    file = tmp_path / "state" / "tcp-1.token"
    first, second = new_token(), new_token()
    write_token(file, first)
    file.chmod(0o644)
    write_token(file, second)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    remove_token(file, first)
    assert read_or_create(file) == (second, False)
    remove_token(file, second)
    assert not file.exists()
    remove_token(file, second)


@posix
def test_a_token_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--tcp-token names another file"):
        write_token(tmp_path / "file" / "tcp-1.token", new_token())
