"""``fim-lsp why``: the rules for a file, and what running servers have noted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp.cli.why import NO_SERVER, NOT_KEPT, NOTHING_NOTED
from fim_lsp.stats.servers import ServerInfo
from fim_lsp.stats.store import StatsStore
from tests.stats.samples import ANSWERED, CALL, batch

HERE = ServerInfo(id="a", pid=os.getpid(), started=5.0, client="Neovim", status="idle (codestral)")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    (root / ".git").mkdir(parents=True)
    (root / "a.py").write_text("x = 1\n")
    return root


def why(workspace: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    home = workspace.parent
    folders = {f"XDG_{kind.upper()}_HOME": str(home / kind) for kind in ("config", "state", "cache")}
    return subprocess.run(
        [sys.executable, "-m", "fim_lsp", "why", *arguments],
        env={**os.environ, "HOME": str(home), **folders, **env},
        cwd=workspace,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def note(workspace: Path, server: ServerInfo = HERE) -> None:
    """Let a server that runs have noted a request and its call."""
    StatsStore(workspace.parent / "state" / "fim-lsp" / "stats.sqlite3").add(batch(ANSWERED, CALL), server)


def test_a_file_without_a_rule_gets_suggestions(workspace: Path) -> None:
    done = why(workspace, "a.py", FIM_LSP_BACKEND="ngram")
    assert done.stdout.splitlines() == [
        "By the settings in files and the environment, a.py gets suggestions from your own files (ngram).",
        NO_SERVER,
    ]
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "env", "words"),
    [
        (".env", {}, '.env is never sent: it is excluded by the rule ".env" in the built-in list.'),
        ("b.log", {}, 'it is excluded by the rule "*.log" in line 2 of '),
        ("a.py", {"FIM_LSP_TRIGGER": "manual"}, 'because the setting trigger is "manual"'),
        ("a.py", {"FIM_LSP_LANGUAGES": '{"python": false}'}, "because the setting languages says so"),
        (
            "a.py",
            {
                "FIM_LSP_BACKEND": "codestral",
                "FIM_LSP_API_KEY": "k",
                "FIM_LSP_FALLBACK": "[]",
                "FIM_LSP_LOCAL_ONLY": '["*.py"]',
            },
            'a.py must not leave this machine, because of the rule "*.py" in the setting local_only',
        ),
    ],
)
def test_the_reason_for_silence_comes_first(workspace: Path, name: str, env: dict[str, str], words: str) -> None:
    (workspace / ".gitignore").write_text("# what is made\n*.log\n")
    (workspace / name).write_text("secret_name = 1\n")
    done = why(workspace, name, **env)
    assert words in done.stdout.splitlines()[0]
    assert done.returncode == 1
    assert "secret_name" not in done.stdout


def test_damaged_settings_are_listed_in_full(workspace: Path) -> None:
    (workspace / ".fim-lsp.toml").write_text("exclude = 7\ntop_p = 7\n")
    done = why(workspace, "a.py")
    assert "damaged settings let nothing leave this machine" in done.stdout
    assert done.stdout.count("A problem with the settings: ") == 2


def test_what_running_servers_have_noted_is_listed(workspace: Path) -> None:
    note(workspace, replace(HERE, workspace=str(workspace), problems=("top_p must be a number.",)))
    done = why(workspace)
    server, problem, request = done.stdout.splitlines()
    assert server == f"Neovim (process {os.getpid()} in {workspace}) is idle (codestral)."
    assert problem == "A problem with a server's settings: top_p must be a number."
    assert f" {ANSWERED.place.path}:" in request
    assert "codestral, " in request
    assert done.returncode == 0
    assert "codestral-latest at" in why(workspace, "--verbose").stdout


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("idle (codestral)", 0),
        ("offline (codestral), it is not there; meanwhile suggestions come from your own files (ngram)", 0),
        ("offline (codestral), it is not there", 1),
        ("snoozed (codestral), until 14:05", 1),
    ],
)
def test_the_exit_code_says_whether_suggestions_come_in_an_editor(workspace: Path, status: str, code: int) -> None:
    note(workspace, replace(HERE, status=status))
    assert why(workspace).returncode == code


def test_requests_in_other_files_are_left_out(workspace: Path) -> None:
    note(workspace)
    done = why(workspace, "a.py", FIM_LSP_BACKEND="ngram")
    assert NOTHING_NOTED in done.stdout
    assert ANSWERED.place.path not in done.stdout


def test_without_counts_the_editor_has_to_be_asked(workspace: Path) -> None:
    note(workspace)
    assert why(workspace, FIM_LSP_STATS="false").stdout.splitlines() == [NOT_KEPT]


def test_json_has_the_same(workspace: Path) -> None:
    note(workspace)
    found = json.loads(why(workspace, "--json").stdout)
    assert found["suggestions_may_appear"] is True
    assert found["servers"][0]["client"] == "Neovim"
    assert found["requests"][0]["call"]["host"] == "codestral.mistral.ai"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.py", "missing.py: No such file or directory"),
        (".", ". is a folder: name a file in it"),
        ("/dev/null", "/dev/null is not a regular file"),
        ("", "is empty"),
    ],
)
def test_bad_use(workspace: Path, name: str, words: str) -> None:
    done = why(workspace, name)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.mark.parametrize(
    ("fallback", "words", "code"), [("[]", "There is no key for codestral", 1), ('["ngram"]', "ngram", 0)]
)
def test_a_back_end_without_its_key_is_not_where_suggestions_come_from(
    workspace: Path, fallback: str, words: str, code: int
) -> None:
    done = why(workspace, "a.py", FIM_LSP_BACKEND="codestral", FIM_LSP_FALLBACK=fallback)
    assert words in done.stdout.splitlines()[0]
    assert "suggestions from codestral" not in done.stdout
    assert done.returncode == code
