"""``fim-lsp stats``, as a user runs it."""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp.stats.store import StatsStore
from tests.cli.command import posix, run, run_in_shell
from tests.stats.samples import ACCEPTED, ANSWERED, CALL, KEPT, SHOWN, batch


def path_in(home: Path) -> Path:
    return home / "state" / "fim-lsp" / "stats.sqlite3"


def count(home: Path, *, days_ago: int = 0) -> None:
    at = time.time() - 86_400 * days_ago
    events = [replace(event, at=at) for event in (CALL, ANSWERED, SHOWN, ACCEPTED, KEPT)]
    StatsStore(path_in(home)).add(batch(*events))


def test_before_anything_is_counted_a_sentence_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, "stats")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("fim-lsp: nothing has been counted yet; counts appear")
    assert not path_in(tmp_path).exists()
    off = run(tmp_path, "stats", FIM_LSP_STATS="false")
    assert "because the setting stats is false" in off.stderr
    count(tmp_path, days_ago=50)
    assert "--days looks further back" in run(tmp_path, "stats").stderr


def test_what_was_counted_is_printed(tmp_path: Path) -> None:
    count(tmp_path)
    done = run(tmp_path, "stats")
    assert (done.stderr, done.returncode) == ("", 0)
    assert "1 shown, 100 % accepted; 1 call" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    egress = run(tmp_path, "stats", "--egress").stdout
    assert "project/src/main.py" in egress


def test_the_period_can_be_chosen(tmp_path: Path) -> None:
    count(tmp_path)
    count(tmp_path, days_ago=40)
    calls = {}
    since = (datetime.date.today() - datetime.timedelta(days=40)).isoformat()
    for arguments in (("--days=1",), (), ("--days", "60"), ("--since", since)):
        report = json.loads(run(tmp_path, "stats", "--json", *arguments).stdout)
        calls[arguments] = report["periods"][-1]["calls"]["calls"]
    assert list(calls.values()) == [1, 1, 2, 2]


def test_the_users_prices_are_used(tmp_path: Path) -> None:
    count(tmp_path)
    done = run(tmp_path, "stats", "--json", FIM_LSP_PRICES='{"codestral-latest": [1000, 0]}')
    assert json.loads(done.stdout)["periods"][0]["cost"]["dollars"] == pytest.approx(1.0)


def test_the_page_is_written(tmp_path: Path) -> None:
    count(tmp_path)
    done = run(tmp_path, "stats", "--html", "page.html")
    assert (done.stderr, done.returncode) == ("fim-lsp: the page is in page.html\n", 0)
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert run(tmp_path, "stats", "--html", "-").stdout.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--days", "0"], "number of days from 1 to 36500"),
        (["--days", "many"], "number of days from 1 to 36500"),
        (["--since", "yesterday"], "a date like 2026-11-26"),
        (["--since", "2999-01-01"], "has not come yet"),
        (["--days", "3", "--since", "2026-01-01"], "not allowed with"),
        (["--json", "--html", "x"], "not allowed with"),
        (["--html", "no/such/folder/page.html"], "--html no/such/folder/page.html: No such file"),
        (["--yes"], "--yes goes with --reset"),
        (["--reset"], "add --yes"),
    ],
)
def test_mistakes_are_reported_in_a_sentence(tmp_path: Path, arguments: list[str], message: str) -> None:
    count(tmp_path)
    done = run(tmp_path, "stats", *arguments)
    assert message in done.stderr
    assert (done.stdout, done.returncode) == ("", 2)
    assert "Traceback" not in done.stderr


@posix
def test_a_page_overwrites_no_device_or_pipe(tmp_path: Path) -> None:
    count(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "/dev/null"):
        done = run(tmp_path, "stats", "--html", name)
        assert f"--html {name}: this is not a regular file; - writes to standard output" in done.stderr
        assert done.returncode == 2


def test_a_home_in_which_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path, "stats", XDG_STATE_HOME=str(tmp_path / "file"))
    assert f"nothing can be counted, because {tmp_path / 'file' / 'fim-lsp'} can't be written; set HOME" in done.stderr


def test_everything_can_be_forgotten(tmp_path: Path) -> None:
    assert run(tmp_path, "stats", "--reset", "--yes").returncode == 1
    count(tmp_path)
    done = run(tmp_path, "stats", "--reset", "--yes")
    assert (done.returncode, done.stdout) == (0, "")
    assert "what was counted is forgotten" in done.stderr
    assert run(tmp_path, "stats").returncode == 1
    assert b"src/main.py" not in path_in(tmp_path).read_bytes()


@posix
@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_forgetting_asks_on_a_terminal(tmp_path: Path, typed: str, code: int) -> None:
    count(tmp_path)
    command = f'printf "{typed}\\n" | script -qec "$(declare -f fim-lsp); fim-lsp stats --reset" /dev/null'
    done = run_in_shell(tmp_path, f"export -f fim-lsp; {command}", SHELL="/bin/bash")
    assert "Forget them? [y/N]" in done.stdout
    assert done.returncode == code


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = path_in(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database" * 1000)
    done = run(tmp_path, "stats")
    assert done.returncode == 2
    assert f"{path} is damaged" in done.stderr
    assert run(tmp_path, "stats", "--reset", "--yes").returncode == 0
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
    assert "the database of another program" in run(tmp_path, "stats", "--json").stderr


@posix
def test_output_that_is_closed_ends_quietly(tmp_path: Path) -> None:
    count(tmp_path)
    assert run_in_shell(tmp_path, "fim-lsp stats | head -0; exit ${PIPESTATUS[0]}").returncode == 141
    done: subprocess.CompletedProcess[str] = run_in_shell(tmp_path, "fim-lsp stats >&-")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
