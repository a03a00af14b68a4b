"""The JSON Schema, the commented ``config.toml`` and the README's table, all from the one table of settings."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest

from fim_lsp.settings import reference
from fim_lsp.settings.check import check_text
from fim_lsp.settings.effective import plain
from fim_lsp.settings.loader import SettingsLoader
from fim_lsp.settings.reference import config_file, schema
from fim_lsp.settings.schema import SPECS, SettingProblem, Settings

PACKAGE = Path(__file__).parents[2] / "editors" / "vscode" / "package.json"
README = Path(__file__).parents[2] / "README.md"


def test_the_schema_accepts_what_the_validators_accept() -> None:
    judge = jsonschema.Draft202012Validator(schema())
    jsonschema.Draft202012Validator.check_schema(schema())
    judge.validate({"temperature": 1.5, "top_p": 1, "stop": "x", "debounce": 75, "api_key_command": ["a"]})
    for bad in ({"temperature": 2}, {"top_p": 0}, {"stop": [""]}, {"nonsense": 1}, {"debounce": "x"}):
        assert not judge.is_valid(bad)


def test_a_setting_whose_default_shows_nothing_has_an_example() -> None:
    judge = jsonschema.Draft202012Validator(schema())
    for spec in SPECS.values():
        assert (spec.example is not None) is (plain(spec.default) in (None, [], {}) or spec.name == "exclude")
        if spec.example is not None:
            spec.validator.accept(spec.example)
            judge.validate({spec.name: plain(spec.example)})


def load(path: Path) -> tuple[Settings, Sequence[SettingProblem]]:
    reported: list[SettingProblem] = []
    loader = SettingsLoader({"FIM_LSP_CONFIG": str(path)}, reported.extend)
    return loader.start((), None), reported


def test_the_written_file_changes_nothing_until_something_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(config_file({}))
    assert load(tmp_path / "config.toml") == (Settings(), [])
    assert check_text(config_file({}), trusted=True) == ()
    (tmp_path / "config.toml").write_text(config_file({"backend": "mistral"}))
    assert load(tmp_path / "config.toml") == (Settings(backend="mistral"), [])


def test_each_line_of_the_written_file_can_be_uncommented(tmp_path: Path) -> None:
    """All at once, and each by itself; a default is then set to itself."""
    text = config_file({})
    names = re.findall(r"^#(\w+) = ", text, flags=re.MULTILINE)
    assert names == list(SPECS)
    (tmp_path / "config.toml").write_text(re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE))
    settings, problems = load(tmp_path / "config.toml")
    assert problems == []
    for name, spec in SPECS.items():
        (tmp_path / "config.toml").write_text(text.replace(f"\n#{name} = ", f"\n{name} = "))
        alone, problems = load(tmp_path / "config.toml")
        assert problems == []
        assert getattr(alone, name) == getattr(settings, name)
        assert (getattr(alone, name) == spec.default) is (spec.example is None)


def test_the_written_file_explains_every_setting() -> None:
    text = config_file({})
    flowing = " ".join(line.removeprefix("# ") for line in text.splitlines())
    for spec in SPECS.values():
        assert spec.description[1:] in flowing
        assert spec.validator.allowed.removesuffix(", or null") in flowing
    assert max(map(len, text.splitlines())) <= 110


def test_every_place_that_lists_the_settings_lists_the_same() -> None:
    """The README, VS Code's settings page, the JSON Schema and the written ``config.toml``."""
    names = set(SPECS)
    assert set(re.findall(r"^\| `(\w+)`", README.read_text("utf-8"), flags=re.MULTILINE)) & names == names
    assert set(schema()["properties"]) == names
    assert set(re.findall(r"^#?(\w+) = ", config_file({"backend": "ngram"}), flags=re.MULTILINE)) == names
    properties = json.loads(PACKAGE.read_text("utf-8"))["contributes"]["configuration"]["properties"]
    assert set(properties) == {f"fim-lsp.{name}" for name in names - {"api_key"} | {"command", "status_bar"}}
    for name in names - {"api_key"}:
        assert properties[f"fim-lsp.{name}"]["title"] == SPECS[name].label


def test_the_readme_has_the_settings_table(capsys: pytest.CaptureFixture[str]) -> None:
    """``python -m fim_lsp.settings.reference`` prints it."""
    runpy.run_path(reference.__file__, run_name="__main__")
    marked = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", README.read_text("utf-8"), re.DOTALL)
    assert marked
    assert marked[1] + "\n" == capsys.readouterr().out
