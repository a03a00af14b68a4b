"""The command line, run as a user runs it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fim_lsp
from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.cli.complete import complete, parse_position
from fim_lsp.errors import UsageError
from tests.fakes.codestral import Behaviour, FakeCodestral

SOURCE = "total = compute(alpha, beta)\nprint(total)\n" * 8


def run(home: Path, *arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fim_lsp", *arguments],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        cwd=home,
        env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), **env},
        timeout=120,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(SOURCE + "total = compute(alp")
    return tmp_path


@pytest.mark.parametrize("place", ["a.py:17:20", "a.py:17"])
def test_complete_prints_the_completion(project: Path, place: str) -> None:
    done = run(project, "complete", place)
    assert (done.stdout, done.stderr, done.returncode) == ("ha, beta)\n", "", 0)


def test_complete_reads_standard_input(project: Path) -> None:
    done = run(project, "complete", "-:17", "--path", "b.py", stdin=SOURCE + "total = compute(alp")
    assert (done.stdout, done.returncode) == ("ha, beta)\n", 0)


def test_nothing_to_say_is_exit_1(project: Path) -> None:
    (project / "alone").mkdir()
    (project / "alone" / "empty.py").write_text("")
    done = run(project / "alone", "complete", "empty.py:1")
    assert (done.stdout, done.returncode) == ("", 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["complete", "a.py"], "must be FILE:LINE:COLUMN"),
        (["complete", "a.py:0:1"], "must be FILE:LINE:COLUMN"),
        (["complete", "a.py:99:1"], "there is no line 99"),
        (["complete", "a.py:1:999"], "there is no column 999"),
        (["complete", "none.py:1:1"], "No such file"),
        (["complete", "latin.py:1:1"], "not UTF-8"),
        (["complete", "a.py:" + "1" * 5000], "must be FILE:LINE:COLUMN"),
        (["complete", ".:1"], "not a regular file"),
        (["complete", "large.py:1"], "larger than"),
        (["complete", "-none.py:1"], "No such file"),
        (["complete"], "required"),
        (["--tcp", "nonsense"], "must be HOST:PORT"),
        (["--tcp", "127.0.0.1:99999"], "must be HOST:PORT"),
        (["--tcp", "127.0.0.1:" + "1" * 5000], "must be HOST:PORT"),
        (["--tcp", "127.0.0.1:²"], "must be HOST:PORT"),
        (["--tcp", ":9257"], "must be HOST:PORT"),
        (["--tcp", "[]:9257"], "must be HOST:PORT"),
        (["--tcp", "[[::1]]:9257"], "must be HOST:PORT"),
        (["--tcp", " :9257"], "must be HOST:PORT"),
        (["--tcp", "http://127.0.0.1:9257"], "must be HOST:PORT"),
        (["--tcp", "9257"], "must be HOST:PORT"),
        (["--tcp", ""], "must be HOST:PORT"),
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
def test_bad_use_is_a_sentence_and_exit_2(project: Path, arguments: list[str], says: str) -> None:
    (project / "latin.py").write_bytes(b"\xe9")
    (project / "open.token").write_text("a-made-up-token")
    with (project / "large.py").open("wb") as large:
        large.truncate(200_000_000)  # a hole: it takes no space
    done = run(project, *arguments)
    assert says in done.stderr
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_server_that_others_reach_says_so_and_has_a_token(project: Path) -> None:
    command = [sys.executable, "-m", "fim_lsp", "--tcp", "0.0.0.0:0", "--allow-remote"]
    env = {**os.environ, "HOME": str(project), "XDG_STATE_HOME": str(project)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", env=env) as process:
        assert process.stderr
        where, token, warning = (process.stderr.readline() for _ in range(3))
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
    assert where.startswith("fim-lsp: serving on 0.0.0.0:")
    assert token.startswith("fim-lsp: the token is ")
    assert "nothing is encrypted" in warning
    assert (rest, process.returncode) == ("", 128 + signal.SIGTERM)


@pytest.mark.parametrize("name", ["-dash.py", "-", "--dashes.py", "-a:1.py"])
def test_a_file_name_may_begin_with_a_dash(project: Path, name: str) -> None:
    (project / name).write_text(SOURCE + "total = compute(alp")
    place = f"{name}:17:20"
    done = run(project, "complete", place, "--path=b.py", stdin=SOURCE + "total = compute(alp" if name == "-" else "")
    assert (done.stdout, done.stderr, done.returncode) == ("ha, beta)\n", "", 0)


posix = pytest.mark.skipif(os.name != "posix", reason="shell redirections and devices as POSIX has them")


def run_in_shell(home: Path, command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """``fim-lsp`` stands for the command."""
    return subprocess.run(
        ["bash", "-c", f'fim-lsp() {{ "{sys.executable}" -m fim_lsp "$@"; }}; {command}'],
        stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", cwd=home, timeout=120, check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "", "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), **env},
    )  # fmt: skip


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
    ],
)
def test_streams_that_are_closed_full_or_endless(project: Path, command: str, says: str, code: int | None) -> None:
    done = run_in_shell(project, command)
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == (1 if says else 0)
    assert code is None or done.returncode == code


@pytest.mark.parametrize("encoding", ["ascii", "utf-16", "latin-1"])
async def test_a_completion_is_printed_in_utf_8(project: Path, encoding: str) -> None:
    async with FakeCodestral(lambda body: "größe_😀") as server:
        env = {"FIM_LSP_BACKEND": "codestral", "FIM_LSP_BASE_URL": server.url, "FIM_LSP_API_KEY": "k"}
        (project / "b.py").write_text("x = \n")
        done = await asyncio.to_thread(run, project, "complete", "b.py:1:5", PYTHONIOENCODING=encoding, **env)
    assert (done.stdout, done.returncode) == ("größe_😀\n", 0)


def allow_interrupt() -> None:
    """For a child: shells start background jobs with SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@posix
async def test_ctrl_c_is_exit_130_without_a_word(project: Path) -> None:
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


async def test_complete_asks_the_back_end_on_the_servers_path(project: Path) -> None:
    async with FakeCodestral(lambda body: "42") as server:
        env = {"FIM_LSP_BACKEND": "codestral", "FIM_LSP_BASE_URL": server.url, "FIM_LSP_API_KEY": "k"}
        (project / "b.py").write_text("x = \r\ny = 2\r\n", newline="")
        done = await asyncio.to_thread(run, project, "complete", "b.py:1:5", **env)
    assert (done.stdout, done.stderr, done.returncode) == ("42\n", "", 0)
    body = server.requests[0].body
    assert (body["prompt"], body["suffix"]) == ("x = ", "\ny = 2\n")


def test_a_dead_back_end_is_said_and_stood_in_for(project: Path) -> None:
    env = {"FIM_LSP_BACKEND": "codestral", "FIM_LSP_BASE_URL": "http://127.0.0.1:9", "FIM_LSP_API_KEY": "kkk"}
    done = run(project, "complete", "a.py:17", **env)
    assert (done.stdout, done.returncode) == ("ha, beta)\n", 0)
    assert "127.0.0.1:9" in done.stderr
    assert "kkk" not in done.stderr


@pytest.mark.parametrize(
    ("env", "waits"),
    [
        ({"FIM_LSP_BACKEND": "codestral"}, 0),
        ({"FIM_LSP_BACKEND": "codestral", "FIM_LSP_FALLBACK": "[]"}, 0),
        ({"FIM_LSP_BACKEND": "ngram"}, 1),
        ({"FIM_LSP_BACKEND": "codestral", "FIM_LSP_BASE_URL": "http://127.0.0.1:9"}, 1),  # the next one is ngram
    ],
)
async def test_only_ngram_waits_for_the_workspace(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], env: dict[str, str], waits: int
) -> None:
    waited: list[float] = []
    settled = NgramBackend.settled

    async def counted(self: NgramBackend, timeout: float) -> bool:  # noqa: ASYNC109 - as the method has it
        waited.append(timeout)
        return await settled(self, timeout)

    monkeypatch.setattr(NgramBackend, "settled", counted)
    async with FakeCodestral(lambda body: "ha, beta)") as server:
        base = {"HOME": str(project), "FIM_LSP_BASE_URL": server.url, "FIM_LSP_API_KEY": "k"}
        assert await asyncio.to_thread(complete, f"{project}/a.py:17", None, {**base, **env}) == 0
    assert len(waited) == waits
    assert capsys.readouterr().out == "ha, beta)\n"


@pytest.mark.parametrize("terminal", [True, False])
async def test_a_person_who_waits_is_told_what_for(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    for number in range(30):
        (project / f"more_{number}.py").write_text(SOURCE)
    monkeypatch.setattr("fim_lsp.backends.ngram_backend.SLOW_LOAD", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    env = {"HOME": str(project), "FIM_LSP_BACKEND": "ngram"}
    assert await asyncio.to_thread(complete, f"{project}/a.py:17", None, env) == 0
    told = capsys.readouterr().err
    assert bool(re.fullmatch(r"fim-lsp: (reading \d+|looking for) files …\n", told)) is terminal
    assert terminal or not told


def test_the_files_that_are_read_are_counted(project: Path) -> None:
    for number in range(7):
        (project / f"more_{number}.py").write_text(SOURCE)

    async def main() -> int:
        ngram = NgramBackend()
        ngram.workspace([project], lambda _path: True)
        ngram.open("file:///a.py", "python", ["x\n"], None)
        await ngram.settled(60)
        files = ngram.index.files
        await ngram.close()
        return files

    assert asyncio.run(main()) == 8


@posix
@pytest.mark.parametrize(
    ("text", "place", "answer", "shown"),
    [
        ("x = \n", "b.py:1", "42", "x = 42\n"),
        ("f(, b)\n", "b.py:1:3", "a", "f(a, b)\n"),
        ("def f():\r\n    \r\nx = 1\r\n", "b.py:2", "a = 1\n    return a", "    a = 1\n    return a\n"),
        ("x = \x1b[2J\n", "b.py:1", "5", "x = \\x1b[2J5\n"),
    ],
)
async def test_a_terminal_shows_the_line_that_is_continued(
    project: Path, text: str, place: str, answer: str, shown: str
) -> None:
    import pty

    (project / "b.py").write_text(text, newline="")
    ours, theirs = pty.openpty()
    async with FakeCodestral(lambda body: answer) as server:
        env = {"FIM_LSP_BACKEND": "codestral", "FIM_LSP_BASE_URL": server.url, "FIM_LSP_API_KEY": "k"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fim_lsp", "complete", place, cwd=project, stdout=theirs,
            env={**os.environ, "HOME": str(project), "FIM_LSP_MULTILINE": "always", **env},
        )  # fmt: skip
        assert await process.wait() == 0
    os.close(theirs)
    assert os.read(ours, 1000).decode().replace("\r\n", "\n") == shown
    os.close(ours)


def test_version() -> None:
    done = run(Path.cwd(), "--version")
    assert done.stdout == f"fim-lsp {fim_lsp.__version__}\n"


@pytest.mark.parametrize(
    ("place", "parsed"),
    [("a.py:1:2", ("a.py", 1, 2)), ("a.py:3", ("a.py", 3, None)), ("C:\\x.py:4:5", ("C:\\x.py", 4, 5)),
     ("C:\\x.py:4", ("C:\\x.py", 4, None)), ("-:1:1", ("-", 1, 1))],
)  # fmt: skip
def test_places(place: str, parsed: tuple[str, int, int | None]) -> None:
    assert parse_position(place) == parsed


@pytest.mark.parametrize("place", ["", ":", "a.py", "a.py:x", "a.py:0", ":3", "a.py:٣"])
def test_places_that_are_none(place: str) -> None:
    with pytest.raises(UsageError):
        parse_position(place)
