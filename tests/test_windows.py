"""What Windows and macOS do otherwise, through seams that hold on any system: their path rules, their errors, their loops."""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import ntpath
import os
import posixpath
import signal
import socket
import sys
import threading
from pathlib import Path, PureWindowsPath

import platformdirs
import platformdirs.windows
import pytest

from fim_lsp.backends.credentials import run_command
from fim_lsp.doctor.editor_blocks import EDITORS, Paths
from fim_lsp.lsp.access_token import TokenCheck
from fim_lsp.lsp.shared_server import SharedServer
from fim_lsp.secret import Secret
from fim_lsp.settings.sources import config_folder, is_null_device
from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.private_file import replace_file, write_private
from fim_lsp.workspace.setting_globs import SettingGlobs


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("C:\\work\\secret\\", r"C:\work\secret\a.py"),
        (r"c:\Work\*.py", r"C:\work\a.py"),
        (r"secret\keys", r"C:\work\secret\keys\a.py"),
        (r"secret\*\.env", r"C:\work\secret\deep\.env"),
        (r"\\server\share\secret", r"\\server\share\secret\a.py"),
        ("C:/work/secret/", r"C:\work\secret\a.py"),
        ("//server/share/secret/", r"\\server\share\secret\a.py"),
    ],
)
def test_a_glob_that_is_written_as_windows_writes_paths_restricts_what_it_names(glob: str, path: str) -> None:
    absolute = PureWindowsPath(path).as_posix().lstrip("/")  # as FilePolicy writes it
    assert SettingGlobs([glob]).match(_below(path), absolute, folder=False)
    assert not SettingGlobs([glob]).match("other.py", "C:/work/other.txt", folder=False)


def _below(path: str) -> str:
    """The path in the workspace ``C:\\work``, or nothing."""
    windows = PureWindowsPath(path)
    return windows.relative_to(r"C:\work").as_posix() if windows.is_relative_to(r"C:\work") else ""


def test_a_glob_that_re_includes_lets_through_what_git_would_and_no_more() -> None:
    globs = SettingGlobs(["*.py", r"!secret\a.py"])
    assert globs.match("secret/a.py", "w/secret/a.py", folder=False)
    assert not SettingGlobs([r"\~name", r"a\*b"]).match("x/a/b", "w/x/a/b", folder=False)


@pytest.mark.parametrize("ignore_case", [True, False])
def test_the_workspace_in_another_case_is_the_same_folder_where_the_system_says_so(ignore_case: bool) -> None:
    top = Path(Path.cwd().anchor)
    policy = FilePolicy([top / "Users/me/Project"], ["/secret/"], ignore_case=ignore_case)
    named, other, elsewhere = (
        top / path
        for path in ("Users/me/Project/secret/a.py", "users/ME/project/secret/a.py", "users/ME/project/open/a.py")
    )
    assert not policy.may_send(named.as_uri(), named)
    assert policy.may_send(other.as_uri(), other) is not ignore_case
    assert policy.may_send(elsewhere.as_uri(), elsewhere)


def test_a_file_that_is_open_elsewhere_is_replaced_when_it_is_free_again() -> None:
    """Windows refuses with ERROR_SHARING_VIOLATION meanwhile."""
    refused = PermissionError(13, "in use")
    refused.winerror = 32  # type: ignore[attr-defined, unused-ignore]
    left, pauses = [refused, refused], list[float]()

    def replace(_source: object, _target: object) -> None:
        if left:
            raise left.pop()

    replace_file("draft", "keys.json", replace=replace, sleep=pauses.append)
    assert len(pauses) == 2
    left += [refused] * 20
    with pytest.raises(PermissionError):
        replace_file("draft", "keys.json", replace=replace, sleep=pauses.append)
    assert sum(pauses) < 1


def test_a_folder_that_may_not_be_written_to_is_reported_at_once(tmp_path: Path) -> None:
    def replace(_source: object, _target: object) -> None:
        raise PermissionError(13, "not allowed")

    with pytest.raises(PermissionError, match="not allowed"):
        replace_file("draft", "keys.json", replace=replace, sleep=lambda _seconds: pytest.fail("it waited"))
    write_private(tmp_path / "keys.json", "{}")
    write_private(tmp_path / "keys.json", '{"a": 1}')
    assert (tmp_path / "keys.json").read_text("utf-8") == '{"a": 1}'


@pytest.mark.parametrize(("name", "null"), [("NUL", True), ("nul", True), ("nul.toml", False), ("", False)])
def test_the_empty_device_has_a_name_in_any_case(name: str, null: bool) -> None:
    assert is_null_device(name, null="nul", normcase=ntpath.normcase) is null
    assert is_null_device(os.devnull)
    assert not is_null_device(name.upper(), null="/dev/null", normcase=posixpath.normcase)


def test_settings_lie_in_the_users_application_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a folder of an author inside it, as platformdirs would have it by itself."""
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.windows.Windows)
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", platformdirs.windows.get_win_folder_from_env_vars)
    assert config_folder() == tmp_path / "fim-lsp"


async def test_a_key_that_a_command_prints_with_crlf_is_the_key() -> None:
    key = await run_command((sys.executable, "-c", r"import sys; sys.stdout.buffer.write(b'abc-123\r\nmore\r\n')"))
    assert key.reveal() == "abc-123"


@pytest.mark.parametrize("editor", EDITORS.values(), ids=lambda editor: editor.name)
def test_a_block_of_configuration_contains_the_path_of_windows(editor: object) -> None:
    command = r"C:\Users\new\fim-lsp.exe"
    block = editor.block(Paths(command=command, plugins=None))  # type: ignore[attr-defined]
    literal = f"'{command}'"  # of Vim script: nothing is escaped in it
    assert command.replace("\\", "\\\\") in block or command.replace("\\", "/") in block or literal in block


class LoopWithoutSignals(asyncio.SelectorEventLoop):
    """As on Windows, where no event loop can watch for signals."""

    def add_signal_handler(self, sig: int, callback: object, *args: object) -> None:  # type: ignore[override]
        raise NotImplementedError


def test_ctrl_c_ends_connections_on_a_loop_that_knows_no_signals() -> None:
    """asyncio then cancels the task. Without that, sessions would not be closed and their counts would be lost."""
    server = SharedServer({}, trusted=False, token_check=TokenCheck(Secret("a-made-up-token")))
    sock = socket.create_server(("127.0.0.1", 0))
    closed = threading.Event()

    def use() -> None:
        with socket.create_connection(sock.getsockname(), timeout=60) as connection:
            params = '{"processId": null, "capabilities": {}, "initializationOptions": {"token": "a-made-up-token"}}'
            body = b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": %s}' % params.encode()
            try:
                connection.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                served = b"capabilities" in connection.recv(4096)
            finally:
                _thread.interrupt_main(signal.SIGINT)  # its handler runs when the loop wakes
                connection.sendall(b"\r\n")
            with contextlib.suppress(ConnectionError):
                while connection.recv(4096):
                    pass
            if served:
                closed.set()

    client = threading.Thread(target=use, daemon=True)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (
            asyncio.Runner(loop_factory=LoopWithoutSignals) as runner,
            pytest.raises(KeyboardInterrupt),
        ):
            runner.run(server.serve([sock], client.start))
    finally:
        signal.signal(signal.SIGINT, previous)
        sock.close()
    assert closed.wait(60)
    client.join(60)
