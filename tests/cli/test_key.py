"""``fim-lsp key``, run as a user runs it, with keyrings and without."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fim_lsp.cli.main import main
from tests.cli.command import posix, run
from tests.cli.terminal import in_terminal
from tests.lsp.forking import ROOT

NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "PYTHONPATH": str(ROOT)}
KEY = "k-hunter2"


def keyring_of(home: Path, kind: str = "FileKeyring") -> dict[str, str]:
    """An environment whose keyring keeps its passwords in a file of this home."""
    return {
        "PYTHON_KEYRING_BACKEND": f"tests.fakes.keyrings.{kind}",
        "TEST_KEYRING": str(home / "passwords"),
        "PYTHONPATH": str(ROOT),
    }


def stored(home: Path) -> Path:
    return home / "config" / "fim-lsp" / "keys.json"


def config(home: Path, text: str) -> None:
    if not text:
        return  # an empty file that is new may be half written: its settings are unknown
    (home / "config" / "fim-lsp").mkdir(parents=True, exist_ok=True)
    (home / "config" / "fim-lsp" / "config.toml").write_text(text)


def test_a_key_is_stored_shown_and_removed(tmp_path: Path) -> None:
    done = run(tmp_path, "key", "set", "--no-test", "codestral", stdin=f"{KEY}\r\n", **NO_KEYRING)
    assert done.stdout == (
        f"The key for codestral.mistral.ai is in {stored(tmp_path)}.\n"
        "Running editors use it from their next request on.\n"
    )
    assert done.stderr == "fim-lsp: the library keyring finds no keyring here, so the key is kept in a file\n"
    assert done.returncode == 0
    assert json.loads(stored(tmp_path).read_text()) == {"keys": {"https://codestral.mistral.ai": KEY}}
    for host in ("codestral", "Codestral.Mistral.AI", "https://codestral.mistral.ai/v1/fim/completions"):
        done = run(tmp_path, "key", "show", host)
        assert done.stdout.startswith(f"codestral.mistral.ai: {stored(tmp_path)}, stored on 2")
        assert (done.stderr, done.returncode) == ("", 0)
        assert KEY not in done.stdout
    done = run(tmp_path, "key", "remove", "codestral")
    assert done.stdout == f"The key for codestral.mistral.ai was removed from {stored(tmp_path)}.\n"
    assert done.returncode == 0
    assert KEY not in stored(tmp_path).read_text()
    done = run(tmp_path, "key", "remove", "codestral")
    assert (done.stderr, done.returncode) == ("fim-lsp: no key for codestral.mistral.ai is stored\n", 1)
    done = run(tmp_path, "key", "show", "codestral")
    assert done.stdout == (
        "codestral.mistral.ai: no key. Run `fim-lsp key set codestral.mistral.ai`, or set CODESTRAL_API_KEY.\n"
    )
    assert done.returncode == 1


def test_a_key_in_the_keyring(tmp_path: Path) -> None:
    environment = keyring_of(tmp_path)
    done = run(tmp_path, "key", "set", "--no-test", "mistral", stdin=KEY, **environment)
    assert done.stdout.startswith("The key for api.mistral.ai is in the system's keyring.\n")
    assert (done.stderr, done.returncode, stored(tmp_path).exists()) == ("", 0, False)
    assert KEY in (tmp_path / "passwords").read_text()
    done = run(tmp_path, "key", "show")
    assert done.stdout.startswith("api.mistral.ai: the system's keyring, stored on ")
    done = run(tmp_path, "key", "set", "--no-test", "mistral", "--file", stdin="k-2", **environment)
    assert (done.returncode, (tmp_path / "passwords").read_text()) == (0, "{}")
    run(tmp_path, "key", "set", "--no-test", "mistral", stdin=KEY, **environment)
    assert "k-2" not in stored(tmp_path).read_text()
    done = run(tmp_path, "key", "remove", "mistral", **environment)
    assert done.stdout == "The key for api.mistral.ai was removed from the system's keyring.\n"
    assert (tmp_path / "passwords").read_text() == "{}"


def test_a_locked_keyring_stores_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, "key", "set", "--no-test", "mistral", stdin=KEY, **keyring_of(tmp_path, "LockedKeyring"))
    assert done.stderr == (
        "fim-lsp: the system's keyring is locked: unlock it, or keep the key in a file with "
        "`fim-lsp key set api.mistral.ai --file`\n"
    )
    assert (done.stdout, done.returncode, stored(tmp_path).exists()) == ("", 1, False)


def test_a_key_that_remains_in_a_locked_keyring_is_not_used(tmp_path: Path) -> None:
    run(tmp_path, "key", "set", "--no-test", "mistral", stdin=KEY, **keyring_of(tmp_path))
    done = run(tmp_path, "key", "remove", "mistral", **keyring_of(tmp_path, "LockedKeyring"))
    assert "the keyring still has an entry fim-lsp for https://api.mistral.ai, which is not used" in done.stderr
    assert done.returncode == 1
    assert run(tmp_path, "key", "show", "mistral").returncode == 1


@posix
@pytest.mark.parametrize("typed", [KEY, ""])
def test_a_key_is_typed_without_echo(tmp_path: Path, typed: str) -> None:
    done = in_terminal(
        tmp_path, "key", "set", "--no-test", "codestral", answers=(("not shown): ", typed),), **NO_KEYRING
    )
    assert done.text.startswith("API key for codestral.mistral.ai (it is not shown): \n")
    assert KEY not in done.text
    if typed:
        assert done.code == 0
        assert KEY in stored(tmp_path).read_text()
    else:
        assert done.text.endswith("fim-lsp: the key is empty, so nothing was changed\n")
        assert done.code == 2


def test_a_key_on_the_command_line_is_refused_and_not_repeated(tmp_path: Path) -> None:
    for arguments in (("codestral", KEY), (KEY,), (f"--file={KEY}", "codestral")):
        done = run(tmp_path, "key", "set", "--no-test", *arguments)
        assert done.returncode == 2
        if not arguments[0].startswith("--"):
            assert KEY not in done.stdout + done.stderr
    done = run(tmp_path, "key", "set", "--no-test", "codestral", KEY)
    assert "a key is not taken from the command line" in done.stderr
    assert "fim-lsp key set codestral" in done.stderr


@pytest.mark.parametrize(
    ("files", "environment", "shown", "code"),
    [
        ("", {"CODESTRAL_API_KEY": KEY}, ["codestral.mistral.ai: CODESTRAL_API_KEY (in this terminal; "], 0),
        ('api_key = "k-hunter2"', {}, ["codestral.mistral.ai: the setting api_key in {config}"], 0),
        (
            'api_key = "k-hunter2"\nbackend = "openai"\nbase_url = "http://llm.example:8080/v1"',
            {"FIM_LSP_MODEL": "m"},
            ["http://llm.example:8080: the setting api_key in {config}"],
            0,
        ),
        ('api_key_command = ["k-hunter2"]', {}, ["codestral.mistral.ai: the setting api_key_command in {config}"], 0),
        (
            "",
            {"FIM_LSP_API_KEY": KEY, "MISTRAL_API_KEY": KEY},
            ["codestral.mistral.ai: the setting api_key in environment variable FIM_LSP_API_KEY", "api.mistral.ai: M"],
            0,
        ),
        ("", {}, ["There is no key. Store one with `fim-lsp key set HOST`, such as `fim-lsp key set codestral`."], 1),
    ],
)
def test_show_says_where_each_key_comes_from(
    tmp_path: Path, files: str, environment: dict[str, str], shown: list[str], code: int
) -> None:
    config(tmp_path, files)
    done = run(tmp_path, "key", "show", **environment)
    lines = done.stdout.splitlines()
    expected = [line.format(config=tmp_path / "config" / "fim-lsp" / "config.toml") for line in shown]
    assert [line.startswith(start) for line, start in zip(lines, expected, strict=True)] == [True] * len(expected), (
        lines
    )
    assert (done.stderr, done.returncode) == ("", code)
    assert KEY not in done.stdout


def test_show_lists_what_a_key_overrides(tmp_path: Path) -> None:
    run(tmp_path, "key", "set", "--no-test", "codestral", "--file", stdin=KEY)
    config(tmp_path, 'api_key = "k"\n')
    done = run(tmp_path, "key", "show", "codestral", CODESTRAL_API_KEY="k")
    first, *others = done.stdout.splitlines()
    assert first.startswith("codestral.mistral.ai: the setting api_key in ")
    assert [line.strip()[:34] for line in others] == [
        "not used: CODESTRAL_API_KEY (in th", f"not used: {stored(tmp_path)}"[:34]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "environment", "host", "words"),
    [
        ("", {"CODESTRAL_API_KEY": "k"}, "codestral", ", because CODESTRAL_API_KEY (in this terminal; your editor"),
        ('api_key = "k"', {}, "codestral", ", because the setting api_key in "),
        ('backend = "mistral"', {}, "codestral", ', because your settings use mistral: set backend = "codestral" in'),
        (
            "",
            {},
            "llm.example:1",
            ', because your settings use ngram: set base_url = "https://llm.example:1", and `back',
        ),
        ('exlude = ["*.sql"]', {}, "codestral", ': {config}: there is no setting "exlude"; it looks like "exclude"'),
        ('backend = "mistral"\nfallback = ["codestral"]', {}, "codestral", ""),
    ],
)
def test_set_says_what_keeps_the_key_from_being_used(
    tmp_path: Path, files: str, environment: dict[str, str], host: str, words: str
) -> None:
    config(tmp_path, files)
    done = run(tmp_path, "key", "set", "--no-test", host, "--file", stdin=KEY, **environment)
    words = words.format(config=tmp_path / "config" / "fim-lsp" / "config.toml")
    assert done.stderr.startswith(f"fim-lsp: it is not used yet{words}" if words else "")
    assert ("Running editors" in done.stdout) is not bool(words)
    assert done.returncode == 0


def test_remove_says_what_is_still_used(tmp_path: Path) -> None:
    run(tmp_path, "key", "set", "--no-test", "codestral", "--file", stdin=KEY)
    for code in (0, 1):
        done = run(tmp_path, "key", "remove", "codestral", CODESTRAL_API_KEY="k")
        assert "; still used: CODESTRAL_API_KEY (in this terminal; your editor" in done.stdout + done.stderr
        assert done.returncode == code


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_file_that_others_can_read_is_reported_once_with_the_remedy(tmp_path: Path) -> None:
    for host in ("codestral", "mistral"):
        run(tmp_path, "key", "set", "--no-test", host, "--file", stdin=KEY)
    stored(tmp_path).chmod(0o640)
    done = run(tmp_path, "key", "show")
    remedy = f"chmod 600 {stored(tmp_path)}"
    assert done.stderr == (
        f"fim-lsp: {stored(tmp_path)} is not used: other users of this machine can read it: run `{remedy}`\n"
    )
    assert done.returncode == 1
    done = run(tmp_path, "key", "set", "--no-test", "langdock", "--file", stdin=KEY)
    assert remedy in done.stderr
    assert done.returncode == 1


def test_damaged_settings_use_no_key(tmp_path: Path) -> None:
    run(tmp_path, "key", "set", "--no-test", "codestral", "--file", stdin=KEY)
    config(tmp_path, "api_keys = 1\n")
    done = run(tmp_path, "key", "show", "codestral")
    assert "nothing leaves this machine" in done.stderr
    assert done.returncode == 1


def test_without_a_home_there_is_no_place_for_keys(tmp_path: Path) -> None:
    done = run(tmp_path, "key", "set", "--no-test", "codestral", stdin=KEY, FIM_LSP_CONFIG=os.devnull)
    assert "keys can't be stored" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("test", "codestral", KEY),
        ("show", "codestral", KEY),
        ("remove", "codestral", KEY),
        ("set", "codestral", "--key", KEY),
        ("set", "codestral", f"--key={KEY}"),
        ("set", "codestral", f"-{KEY}"),
        (KEY,),
    ],
)
def test_a_key_in_the_wrong_place_is_not_repeated(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["key", *arguments])
    said = capsys.readouterr()
    assert done.value.code == 2
    assert KEY not in said.out + said.err
    assert "a key never is one" in said.err
