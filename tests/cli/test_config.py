"""``fim-lsp config``: what applies and why, for a person and as JSON; and a file's mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from fim_lsp.settings.schema import SPECS
from tests.cli.command import give_up_reading_everything, posix, run
from tests.cli.terminal import in_terminal


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new user's home with a project in it."""
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / "src").mkdir()
    return tmp_path


def configure(home: Path, text: str | bytes) -> Path:
    path = home / "config" / "fim-lsp" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(home: Path, **env: str) -> dict[str, str]:
    """What is printed for each setting, in the project's ``src``."""
    done = run(home / "project" / "src", "config", HOME=str(home), XDG_CONFIG_HOME=str(home / "config"), **env)
    words = [line.split() for line in done.stdout.splitlines()]
    return {name: " ".join(rest) for name, *rest in filter(None, words) if name in SPECS} | {
        "": done.stdout,
        "errors": done.stderr,
        "code": str(done.returncode),
    }


def test_a_new_user_sees_the_defaults_and_where_to_change_them(home: Path) -> None:
    shown = lines(home)
    assert (shown["code"], shown["errors"]) == ("0", "")
    assert shown[""].startswith("Settings in ~/project; a later source overrides an earlier one:\n")
    assert "  ~/config/fim-lsp/config.toml  does not exist\n" in shown[""]
    assert {name: " default" in shown[name] for name in SPECS} == dict.fromkeys(SPECS, True)
    assert "fim-lsp key show" in shown["api_key"]
    assert shown["exclude"] == "the built-in list default"


def test_each_setting_is_shown_with_its_source(home: Path) -> None:
    configure(home, "max_tokens = 99\ntop_p = 0.5\nexclude = ['a']\nlanguages = { go = false }\n")
    (home / "project" / ".fim-lsp.toml").write_text("max_tokens = 64\n")
    shown = lines(home, FIM_LSP_TOP_P="0.75")
    assert shown["max_tokens"] == "64 .fim-lsp.toml (overrides ~/config/fim-lsp/config.toml)"
    assert shown["top_p"] == "0.75 FIM_LSP_TOP_P (overrides ~/config/fim-lsp/config.toml)"
    assert shown["exclude"] == 'the built-in list and ["a"] ~/config/fim-lsp/config.toml'
    assert shown["languages"] == "{ go = false } ~/config/fim-lsp/config.toml"
    assert "  ~/config/fim-lsp/config.toml  sets top_p, max_tokens, exclude, languages\n" in shown[""]
    assert "  environment variables         sets top_p\n" in shown[""]
    assert shown["code"] == "0"


FAILURES = {
    "misspelled": (b'modle = "x"\n', 'there is no setting "modle"; did you mean "model"?'),
    "value": (b"top_p = 9\n", '"top_p" is 9, but must be a number greater than 0 and up to 1'),
    "restriction": (b"excludes = []\n", "until it is corrected, nothing leaves this machine"),
    "syntax": (
        b"backend = codestral\n",
        "is not valid TOML: a string is written between quotes (at line 1, column 11)",
    ),
    "bytes": (b"\xff\n", "can't be read: it is not UTF-8, the encoding in which it must be saved"),
    "saving": (b"", "was saved just now"),
    "windows": (b"\xef\xbb\xbftop_p = 9\r\n", '"top_p" is 9'),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_every_problem_is_listed_in_full_and_the_exit_code_is_1(home: Path, failure: str) -> None:
    content, message = FAILURES[failure]
    path = configure(home, content)
    (home / "project" / ".fim-lsp.toml").write_text('backend = "mistral"\n')
    shown = lines(home)
    assert shown["code"] == "1"
    problems = shown[""].partition("problem")[2]
    assert f"  {path}" in problems
    assert message in problems
    assert "not taken from a project's settings" in problems
    assert shown["backend"].endswith("see below)")


@posix
def test_a_file_that_may_not_be_read_is_named(home: Path) -> None:
    configure(home, "top_p = 0.5").chmod(0)
    shown = run(home, "config", preexec_fn=give_up_reading_everything).stdout
    assert "can't be read: Permission denied" in shown


def test_a_folder_in_place_of_the_file_is_named(home: Path) -> None:
    (home / "config" / "fim-lsp" / "config.toml").mkdir(parents=True)
    shown = lines(home)
    assert "config.toml can't be read: it is not a regular file" in shown[""]
    assert "  ~/config/fim-lsp/config.toml  can't be used: see below\n" in shown[""]
    assert shown["backend"] == '"ngram" held back because of damage, see below'


def test_a_named_file_that_does_not_exist_is_a_problem(home: Path) -> None:
    shown = lines(home, FIM_LSP_CONFIG=str(home / "none.toml"))
    assert "  ~/none.toml            does not exist: see below\n" in shown[""]
    assert shown["code"] == "1"


def test_a_key_is_shown_as_stars(home: Path) -> None:
    configure(home, "api_key = 'hunter2'\nlimits_store = 'redis://me:hunter2@redis.corp'\n")
    for arguments in ([], ["--json"]):
        done = run(home, "config", *arguments, FIM_LSP_API_KEY_COMMAND='["echo", "hunter2"]')
        assert "***" in done.stdout
        assert "hunter2" not in done.stdout + done.stderr


def test_escape_sequences_of_a_project_do_not_reach_the_terminal(home: Path) -> None:
    (home / "project" / ".fim-lsp.toml").write_text('model = "\\u001b[2J\\u009b2J\\u202e"\n')
    shown = lines(home)[""]
    assert not set("\x1b\x9b\u202e") & set(shown)
    assert "[2J" in shown


def test_the_same_as_json(home: Path) -> None:
    configure(home, "max_tokens = 64\ntop_p = 9\n")
    done = run(home, "config", "--json")
    shown = json.loads(done.stdout)
    assert done.returncode == 1
    assert set(shown) == {"workspace", "failed_closed", "settings", "sources", "problems"}
    assert list(shown["settings"]) == list(SPECS)
    assert shown["settings"]["max_tokens"] == {
        "value": 64, "default": 128, "is_default": False, "origins": [str(home / "config/fim-lsp/config.toml")],
        "overridden": [], "ignored": [], "closed": False,
    }  # fmt: skip
    assert shown["settings"]["top_p"]["ignored"] == shown["problems"]
    assert shown["sources"][0]["state"] == "used"
    assert not shown["failed_closed"]


def test_the_schema_is_one(home: Path) -> None:
    done = run(home, "config", "--schema")
    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("name", "text", "shown", "code"),
    [
        ("c.toml", "top_p = 0.5\n", "c.toml: no mistakes (checked as your own settings)\n", 0),
        ("-", "top_p = 0.5\n", "standard input: no mistakes (checked as your own settings)\n", 0),
        (".fim-lsp.toml", "top_p = 0.5\n", ".fim-lsp.toml: no mistakes (checked as the settings of a project)\n", 0),
        ("c.toml", "\nmodle = 'x'\n", 'c.toml:2: there is no setting "modle"; did you mean "model"?\n', 1),
        ("-", "\ntop_p = .5\n", "standard input:2: is not valid TOML: a string is written between quotes\n", 1),
        (".fim-lsp.toml", "api_key = 'k'\n", "not taken from a project's settings", 1),
    ],
)
def test_a_file_is_checked(home: Path, name: str, text: str, shown: str, code: int) -> None:
    if name != "-":
        (home / name).write_text(text)
    done = run(home, "config", "--check", name, stdin=text)
    assert (done.stderr, done.returncode) == ("", code)
    assert done.stdout.endswith(shown) if shown.endswith("\n") else shown in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check", "none.toml"], "No such file"),
        (["--check", "project"], "is a folder"),
        (["--check", "bytes.toml"], "is not UTF-8"),
        (["--check"], "expected one argument"),
        (["--check", "-", "--json"], "not allowed with"),
        (["nonsense"], "unrecognized"),
    ],
)
def test_a_mistake_is_reported_with_exit_code_2(home: Path, arguments: list[str], message: str) -> None:
    (home / "bytes.toml").write_bytes(b"\xff")
    done = run(home, "config", *arguments)
    assert message in done.stderr
    assert done.returncode == 2


@posix
def test_defaults_are_dimmed_in_a_terminal(home: Path) -> None:
    configure(home, "top_p = 0.5\n")
    shown = in_terminal(home, "config", TERM="xterm", NO_COLOR="").text.splitlines()
    assert next(line for line in shown if "max_tokens" in line).startswith("\x1b[2m")
    assert next(line for line in shown if line.startswith("top_p")).endswith("config.toml")
    assert "\x1b" not in in_terminal(home, "config", TERM="xterm", NO_COLOR="1").text
