"""``fim-lsp complete``: one completion, made the same way as an editor's."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.cli.complete import complete, parse_position
from fim_lsp.errors import UsageError
from tests.cli.command import SOURCE, UNFINISHED, posix, run
from tests.fakes.codestral import FakeCodestral


@pytest.mark.parametrize("place", ["a.py:17:20", "a.py:17"])
def test_the_completion_is_printed(project: Path, place: str) -> None:
    done = run(project, "complete", place)
    assert (done.stdout, done.stderr, done.returncode) == ("ha, beta)\n", "", 0)


def test_the_text_may_come_from_standard_input(project: Path) -> None:
    done = run(project, "complete", "-:17", "--path", "b.py", stdin=UNFINISHED)
    assert (done.stdout, done.returncode) == ("ha, beta)\n", 0)


def test_no_completion_is_exit_code_1(project: Path) -> None:
    (project / "alone").mkdir()
    (project / "alone" / "empty.py").write_text("")
    done = run(project / "alone", "complete", "empty.py:1")
    assert (done.stdout, done.returncode) == ("", 1)


@pytest.mark.parametrize("encoding", ["ascii", "utf-16", "latin-1"])
async def test_a_completion_is_printed_in_utf_8(project: Path, encoding: str) -> None:
    async with FakeCodestral(lambda body: "größe_😀") as server:
        env = {"FIM_LSP_BACKEND": "codestral", "FIM_LSP_BASE_URL": server.url, "FIM_LSP_API_KEY": "k"}
        (project / "b.py").write_text("x = \n")
        done = await asyncio.to_thread(run, project, "complete", "b.py:1:5", PYTHONIOENCODING=encoding, **env)
    assert (done.stdout, done.returncode) == ("größe_😀\n", 0)


async def test_the_back_end_is_sent_the_text_around_the_position(project: Path) -> None:
    async with FakeCodestral(lambda body: "42") as server:
        env = {"FIM_LSP_BACKEND": "codestral", "FIM_LSP_BASE_URL": server.url, "FIM_LSP_API_KEY": "k"}
        (project / "b.py").write_text("x = \r\ny = 2\r\n", newline="")
        done = await asyncio.to_thread(run, project, "complete", "b.py:1:5", **env)
    assert (done.stdout, done.stderr, done.returncode) == ("42\n", "", 0)
    body = server.requests[0].body
    assert (body["prompt"], body["suffix"]) == ("x = ", "\ny = 2\n")


def test_an_unreachable_back_end_is_reported_and_the_fallback_answers(project: Path) -> None:
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
async def test_a_long_wait_is_explained_at_a_terminal(
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


def test_the_files_of_the_index_are_counted(project: Path) -> None:
    for number in range(7):
        (project / f"more_{number}.py").write_text(SOURCE)

    async def main() -> int:
        ngram = NgramBackend()
        ngram.workspace([project], lambda *_: True)
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
async def test_a_terminal_shows_the_whole_line(project: Path, text: str, place: str, answer: str, shown: str) -> None:
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


@pytest.mark.parametrize(
    ("place", "parsed"),
    [("a.py:1:2", ("a.py", 1, 2)), ("a.py:3", ("a.py", 3, None)), ("C:\\x.py:4:5", ("C:\\x.py", 4, 5)),
     ("C:\\x.py:4", ("C:\\x.py", 4, None)), ("-:1:1", ("-", 1, 1))],
)  # fmt: skip
def test_a_position_is_a_file_a_line_and_perhaps_a_column(place: str, parsed: tuple[str, int, int | None]) -> None:
    assert parse_position(place) == parsed


@pytest.mark.parametrize("place", ["", ":", "a.py", "a.py:x", "a.py:0", ":3", "a.py:٣"])
def test_anything_else_is_no_position(place: str) -> None:
    with pytest.raises(UsageError):
        parse_position(place)
