"""``fim-lsp config --init``: the first ``config.toml``, asked for in a real terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fim_lsp.cli.config_init import CHOICES
from fim_lsp.settings.reference import config_file
from fim_lsp.settings.schema import BACKENDS
from tests.cli.command import posix, run
from tests.cli.terminal import in_terminal


def written(home: Path) -> Path:
    return home / "config" / "fim-lsp" / "config.toml"


def test_every_back_end_can_be_chosen() -> None:
    assert tuple(CHOICES) == BACKENDS


def test_a_file_is_written_for_the_user_alone(tmp_path: Path) -> None:
    done = run(tmp_path, "config", "--init")
    path = written(tmp_path)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith(f"Wrote {path}, which explains every setting; all of them are commented out.\n")
    assert path.read_text("utf-8") == config_file({})
    if os.name == "posix":
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert run(tmp_path, "config", "--check", str(path)).returncode == 0


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_nothing_is_ever_overwritten(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path)
    path.parent.mkdir(parents=True)
    match kind:
        case "file":
            path.write_text("# mine\n")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(tmp_path / "nowhere")
    done = run(tmp_path, "config", "--init")
    assert f"{path} exists and is left as it is; move it away first: mv {path} {path}.old" in done.stderr
    assert done.returncode == 2
    assert kind != "file" or path.read_text() == "# mine\n"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [("", ""), (os.devnull, "unset it first"), ("no/folder/c.toml", ""), ("file/c.toml", "file")],
)
def test_the_variable_says_where(tmp_path: Path, config: str, message: str) -> None:
    (tmp_path / "file").touch()
    done = run(tmp_path, "config", "--init", FIM_LSP_CONFIG=config)
    assert message in done.stderr
    assert done.returncode == (2 if message else 0)
    assert "Traceback" not in done.stderr


@posix
@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        ([("Back end [auto]:", "")], {}),
        ([("Back end [auto]:", "auto")], {}),
        ([("Back end [auto]:", "Ollama")], {"backend": "ollama"}),
        ([("Back end [auto]:", "copilot"), ('or "ngram".', "ngram")], {"backend": "ngram"}),
        ([("Back end [auto]:", "\x04")], {}),
        ([("Back end [auto]:", "codestral"), ("API key for codestral.mistral.ai", "")], {"backend": "codestral"}),
        (
            [
                ("Back end [auto]:", "openai"),
                ("address", "llm.example.com"),
                ("login or query.", "http://h.example/v1"),
                ("API key for http://h.example", ""),
            ],
            {"backend": "openai", "base_url": "http://h.example/v1"},
        ),
    ],
)
def test_in_a_terminal_the_back_end_is_asked_for(
    tmp_path: Path, answers: list[tuple[str, str]], chosen: dict[str, str]
) -> None:
    done = in_terminal(tmp_path, "config", "--init", answers=tuple(answers))
    assert done.code == 0, done.text
    assert written(tmp_path).read_text("utf-8") == config_file(chosen)
    assert f"Wrote {written(tmp_path)}" in done.text


@posix
def test_the_key_is_asked_for_without_echo_and_kept_elsewhere(tmp_path: Path) -> None:
    env = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    answers = (("Back end [auto]:", "mistral"), ("API key for api.mistral.ai", "sk-hunter2"))
    done = in_terminal(tmp_path, "config", "--init", answers=answers, **env)
    assert done.code == 0
    assert "hunter2" not in done.text + written(tmp_path).read_text()
    assert run(tmp_path, "key", "show", "mistral", **env).returncode == 0


@posix
def test_a_key_that_is_no_key_is_refused_and_the_file_remains(tmp_path: Path) -> None:
    answers = (("Back end [auto]:", "mistral"), ("API key for api.mistral.ai", "two words"))
    done = in_terminal(tmp_path, "config", "--init", answers=answers)
    assert done.code == 0
    assert "No key is stored (this is no key: it has spaces" in done.text
    assert "Later: fim-lsp key set mistral" in done.text
    assert written(tmp_path).exists()


@posix
def test_nothing_is_written_if_the_questions_are_interrupted(tmp_path: Path) -> None:
    done = in_terminal(tmp_path, "config", "--init", answers=(("Back end [auto]:", "\x03"),))
    assert done.code == 130
    assert "Traceback" not in done.text
    assert not written(tmp_path).exists()
