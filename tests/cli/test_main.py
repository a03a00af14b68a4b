"""The command line as a whole: arguments, standard streams, exit codes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fim_lsp
from tests.cli.command import UNFINISHED, allow_interrupt, posix, run, run_in_shell
from tests.fakes.codestral import Behaviour, FakeCodestral


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["complete", "a.py"], "must be FILE:LINE:COLUMN"),
        (["complete", "a.py:0:1"], "must be FILE:LINE:COLUMN"),
        (["complete", "a.py:99:1"], "there is no line 99"),
        (["complete", "a.py:1:999"], "there is no column 999"),
        (["complete", "none.py:1:1"], "No such file"),
        (["complete", "latin.py:1:1"], "not UTF-8"),
        (["complete", "a.py:" + "1" * 5000], "must be FILE:LINE:COLUMN"),
        (["complete", ".:1"], "is a folder"),
        (["complete", "large.py:1"], "larger than"),
        (["complete", "-none.py:1"], "No such file"),
        (["complete"], "required"),
        (["--tcp", "nonsense"], "must be HOST:PORT"),
        (["--tcp", "0.0.0.0:0"], "add --allow-remote"),
        (["--tcp", ":::0"], "add --allow-remote"),
        (["--tcp", "[::]:0"], "add --allow-remote"),
        (["--tcp", "[::ffff:0.0.0.0]:0"], "add --allow-remote"),
        (["--tcp", "192.0.2.1:0"], "add --allow-remote"),
        (["--tcp", "192.0.2.1:0", "--allow-remote"], "--tcp 192.0.2.1:0: "),
        (["--tcp", "no.such.host.invalid:0"], "--tcp no.such.host.invalid"),
        (["--tcp", "127.0.0.1:0", "--stdio"], "not allowed with"),
        (["--tcp", "127.0.0.1:0", "--socket", "s"], "not allowed with"),
        (["--socket", "s", "--stdio"], "not allowed with"),
        (["--tcp", "127.0.0.1:0", "--tcp-token", "open.token"], "chmod 600"),
        (["--tcp", "127.0.0.1:0", "--tcp-token", "no/folder/token"], "--tcp-token no/folder/token"),
        (["--tcp", "127.0.0.1:0", "--tcp-token", ""], "--tcp-token"),
        (["--tcp-token", "t"], "--tcp-token goes with --tcp"),
        (["--allow-remote"], "--allow-remote goes with --tcp"),
        (["--socket", "s", "--allow-remote"], "goes with --tcp"),
        (["--socket", "s", "--tcp-token", "t"], "goes with --tcp"),
        (["--socket", ""], "must be a path"),
        (["--socket", "open.token"], "no socket; it is left alone"),
        (["--socket", "no/folder/s"], "No such file"),
        (["--socket", "x" * 200], "too long"),
        (["--nonsense"], "unrecognized"),
        (["--log-file", "no/such/folder/log"], "No such file"),
    ],
)
def test_a_mistake_is_reported_in_a_sentence_with_exit_code_2(
    project: Path, arguments: list[str], message: str
) -> None:
    (project / "latin.py").write_bytes(b"\xe9")
    (project / "open.token").write_text("a-made-up-token")
    with (project / "large.py").open("wb") as large:
        large.truncate(200_000_000)  # a hole: it takes no space
    done = run(project, *arguments)
    assert message in done.stderr
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@posix
@pytest.mark.parametrize(
    "arguments", [["complete", "a.py:1", "\x1b[2Jb.py"], ["\x1b[2J\u202e"], ["complete", "\x1b[2J:1"]]
)
def test_a_name_that_the_shell_expands_does_not_reach_the_terminal_as_it_is(
    project: Path, arguments: list[str]
) -> None:
    done = run(project, *arguments)
    assert done.returncode == 2
    assert "\\x1b[2J" in done.stderr
    assert not {"\x1b", "\u202e"} & set(done.stderr + done.stdout)


@posix
def test_a_new_log_is_the_users_alone(project: Path) -> None:
    before = os.umask(0)
    try:
        run(project, "config", "--log-file", "log")
    finally:
        os.umask(before)
    assert (project / "log").stat().st_mode & 0o777 == 0o600


def test_the_modules_of_a_project_are_not_imported(project: Path) -> None:
    """With ``python -m``, which puts the project's folder first; the command ``fim-lsp`` does not."""
    for name in (
        "httpx",
        "asyncio",
        "argparse",
        "logging",
        "json",
        "sqlite3",
        "platformdirs",
        "pygls",
        "lsprotocol",
        "cachetools",
    ):
        (project / f"{name}.py").write_text("import os\nos.mkdir('imported')\n")
    done = run(project, "complete", "a.py:17:20", own_python=True)
    assert (done.stdout, done.stderr, done.returncode) == ("ha, beta)\n", "", 0)
    assert not (project / "imported").exists()


@pytest.mark.parametrize("name", ["-dash.py", "-", "--dashes.py", "-a:1.py"])
def test_a_file_name_may_begin_with_a_dash(project: Path, name: str) -> None:
    (project / name).write_text(UNFINISHED)
    place = f"{name}:17:20"
    done = run(project, "complete", place, "--path=b.py", stdin=UNFINISHED if name == "-" else "")
    assert (done.stdout, done.stderr, done.returncode) == ("ha, beta)\n", "", 0)


@posix
@pytest.mark.parametrize(
    ("command", "says", "code"),
    [
        ("fim-lsp <&-", "standard input", 2),
        ("fim-lsp >&-", "standard output", 2),
        ("fim-lsp <&- >&- 2>&-", "", 2),
        ("fim-lsp complete -:1 <&-", "standard input", 2),
        ("fim-lsp complete a.py:17 >&-", "standard output", 2),
        ("fim-lsp complete a.py:17 >/dev/full", "No space left", 2),
        ("fim-lsp --help >/dev/full", "No space left", 2),
        ("fim-lsp complete none.py:1 2>&-", "", 2),
        ("fim-lsp complete a.py:17 2>&- <&-", "", 0),
        ("fim-lsp complete a.py:17 | head -0; exit ${PIPESTATUS[0]}", "", 141),
        ("fim-lsp --help | true; exit ${PIPESTATUS[0]}", "", None),
        ("mkfifo pipe; fim-lsp complete pipe:1", "not a regular file", 2),
        ("fim-lsp complete /dev/zero:1", "not a regular file", 2),
        ("fim-lsp complete -:1 </dev/zero", "larger than", 2),
        ("mkdir x; cd x; rmdir ../x; fim-lsp config", "the folder that this was started in is gone", 2),
    ],
)
def test_streams_that_are_closed_full_or_endless(project: Path, command: str, says: str, code: int | None) -> None:
    done = run_in_shell(project, command)
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == (1 if says else 0)
    assert code is None or done.returncode == code


@posix
async def test_ctrl_c_ends_with_exit_code_130_and_no_message(project: Path) -> None:
    async with FakeCodestral(behaviour=Behaviour(gate=asyncio.Event())) as server:
        env = {"FIM_LSP_BACKEND": "codestral", "FIM_LSP_BASE_URL": server.url, "FIM_LSP_API_KEY": "k"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fim_lsp", "complete", "a.py:17", cwd=project, stderr=subprocess.PIPE,
            env={**os.environ, "HOME": str(project), **env}, preexec_fn=allow_interrupt,
        )  # fmt: skip
        await server.until(lambda: len(server.requests) == 1)
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
    assert (errors, process.returncode) == (b"", 130)


def test_the_version_is_printed() -> None:
    done = run(Path.cwd(), "--version")
    assert done.stdout == f"fim-lsp {fim_lsp.__version__}\n"
