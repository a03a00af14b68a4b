"""``fim-lsp config --from-…``, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import posix, run
from tests.cli.terminal import in_terminal
from tests.lsp.forking import ROOT

KEY = "lk-hunter2-hunter2"
LANGDOCK = {
    "tabAutocompleteModel": {
        "title": "Codestral", "provider": "mistral", "model": "codestral-2501", "apiKey": KEY,
        "apiBase": "https://api.langdock.com/mistral/eu/v1",
    },
    "tabAutocompleteOptions": {"debounceDelay": 500, "useCache": True},
}  # fmt: skip
LINES = """
backend = "langdock"      # apiBase
region = "eu"             # apiBase
model = "codestral-2501"  # model
debounce = 500            # tabAutocompleteOptions.debounceDelay

# Not taken over:
#   tabAutocompleteOptions.useCache: answers are cached in memory, never on disk

# The key is not copied. Store it: fim-lsp key set api.langdock.com
"""


def continue_config(home: Path, name: str = "config.json", text: str = json.dumps(LANGDOCK)) -> Path:
    path = home / ".continue" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_the_lines_are_printed_and_load(tmp_path: Path) -> None:
    path = continue_config(tmp_path)
    config = tmp_path / "config" / "fim-lsp" / "config.toml"
    done = run(tmp_path, "config", "--from-continue")
    assert (done.stdout, done.stderr, done.returncode) == (f"# From {path} (Continue), for {config}:{LINES}", "", 0)
    config.parent.mkdir(parents=True)
    config.write_text(done.stdout)
    done = run(tmp_path, "config", "--check", str(config))
    assert done.returncode == 0, done.stdout
    assert run(tmp_path, "config", "--from-continue", str(path)).returncode == 0


def test_yaml_comes_first_as_in_continue(tmp_path: Path) -> None:
    continue_config(tmp_path)
    text = "models: [{provider: ollama, model: 'qwen2.5-coder:1.5b', roles: [autocomplete]}]\n"
    continue_config(tmp_path, "config.yaml", text)
    done = run(tmp_path, "config", "--from-continue")
    assert 'backend = "ollama"' in done.stdout


@pytest.mark.parametrize(
    ("option", "name", "text", "line"),
    [
        ("--from-tabby", "config.toml", '[completion.debounce]\nmode = "fixed"\ninterval = 200\n', "debounce = 200"),
        ("--from-minuet", "init.lua", "require('minuet').setup { debounce = 300 }", "debounce = 300"),
        ("--from-llama-vim", "vimrc", "let g:llama_config = {'n_predict': 64}", "max_tokens = 64"),
    ],
)
def test_other_programs(tmp_path: Path, option: str, name: str, text: str, line: str) -> None:
    (tmp_path / name).write_text(text)
    done = run(tmp_path, "config", option, name)
    assert any(shown.startswith(line) for shown in done.stdout.splitlines())
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_file_without_counterparts_is_exit_1(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[server]\nendpoint = "http://x"\n')
    done = run(tmp_path, "config", "--from-tabby", "config.toml")
    assert "# nothing that fim-lsp has a setting for" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "text", "words"),
    [
        (
            ("--from-continue",),
            None,
            "there is no ~/.continue/config.yaml and no ~/.continue/config.json: name Continue's",
        ),
        (("--from-continue", "none.json"), None, "none.json can't be read: No such file"),
        (("--from-continue", "x.json"), b"{\n'", "x.json: line 2 is not valid JSON"),
        (("--from-continue", "x.yaml"), b"a: b: c", "x.yaml: line 1 is not valid YAML"),
        (("--from-tabby", "x.toml"), b"\n\n=", "x.toml: line 3 is not valid TOML"),
        (("--from-minuet", "x.lua"), b"\xff", "x.lua can't be read: it is not UTF-8 text"),
        (("--from-minuet", "."), None, "can't be read: "),
        (("--from-llama-vim", "x.vim"), b"x" * 300_000, "x.vim can't be read: it has more than 256 KiB"),
        (("--from-minuet",), None, "expected one argument"),
    ],
    ids=lambda value: "long" if isinstance(value, bytes) and len(value) > 1000 else None,  # it is in the environment
)
def test_a_file_that_cannot_be_read_is_one_sentence_with_its_line(
    tmp_path: Path, arguments: tuple[str, ...], text: bytes | None, words: str
) -> None:
    if text is not None:
        (tmp_path / arguments[-1]).write_bytes(text)
    done = run(tmp_path, "config", *arguments)
    assert words in done.stderr
    assert (done.stdout, done.returncode) == ("", 2)


@pytest.mark.parametrize(
    ("key", "environment", "words"),
    [
        ("${{ secrets.LANGDOCK_API_KEY }}", {}, "# The key in the variable LANGDOCK_API_KEY is used, if your editor"),
        ("${{ secrets.MY_KEY }}", {"MY_KEY": "k"}, "printenv MY_KEY | fim-lsp key set api.langdock.com"),
        (
            "${{ secrets.MY_KEY }}",
            {},
            "# The key is called MY_KEY and not in this file. Store it: fim-lsp key set api.",
        ),
        ("<YOUR_LANGDOCK_API_KEY>", {}, "#   apiKey: it is a placeholder, not a key"),
    ],
)
def test_what_is_said_about_the_key(tmp_path: Path, key: str, environment: dict[str, str], words: str) -> None:
    model = {**LANGDOCK["tabAutocompleteModel"], "apiKey": key}
    continue_config(tmp_path, text=json.dumps({"tabAutocompleteModel": model}))
    assert words in run(tmp_path, "config", "--from-continue", **environment).stdout


@posix
@pytest.mark.parametrize(("typed", "stored"), [("y", True), ("", False), ("n", False)])
def test_in_a_terminal_the_key_can_be_stored_at_once(tmp_path: Path, typed: str, stored: bool) -> None:
    path = continue_config(tmp_path)
    done = in_terminal(
        tmp_path, "config", "--from-continue", answers=(("[y/N] ", typed),),
        PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring", PYTHONPATH=str(ROOT),
    )  # fmt: skip
    assert f"Store the key from {path} for api.langdock.com now? [y/N] " in done.text
    assert KEY not in done.text
    assert done.code == 0
    keys = tmp_path / "config" / "fim-lsp" / "keys.json"
    assert keys.exists() is stored
    assert not stored or json.loads(keys.read_text()) == {"keys": {"https://api.langdock.com": KEY}}
