"""What applies and why, over all sources, without secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.settings.effective import EffectiveSettings, effective, shown
from fim_lsp.settings.loader import SettingsLoader
from fim_lsp.settings.merge import FAIL_CLOSED, Layer, merge_layers
from fim_lsp.settings.schema import SPECS
from tests.settings.test_merge import LAYERS


def load(tmp_path: Path, user: str, project: str = "", editor: object = None, **environment: str) -> EffectiveSettings:
    (tmp_path / "config.toml").write_text(user)
    if project:
        (tmp_path / ".fim-lsp.toml").write_text(project)
    environment = {"FIM_LSP_CONFIG": str(tmp_path / "config.toml"), **environment}
    loader = SettingsLoader(environment, lambda problems: None)
    loader.start([tmp_path], editor)
    return loader.effective()


def test_each_value_has_its_source(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "max_tokens = 5\ntop_p = 0.5\nexclude = ['a/']\nlanguages.go = false\n",
        "max_tokens = 3\nexclude = ['b/']\nlanguages.sql = false\n",
        {"temperature": 0.5},
        FIM_LSP_TOP_P="0.75",
    )
    user, project = str(tmp_path / "config.toml"), str(tmp_path / ".fim-lsp.toml")
    assert found["temperature"].origins == ("initializationOptions",)
    assert (found["max_tokens"].value, found["max_tokens"].origins, found["max_tokens"].overridden) == (
        3,
        (project,),
        (user,),
    )
    assert found["top_p"].origins == ("environment variable FIM_LSP_TOP_P",)
    assert found["exclude"].value[-2:] == ["a/", "b/"]
    assert found["exclude"].origins == found["languages"].origins == (user, project)
    assert found["languages"].value == {"go": False, "sql": False}
    assert found["model"].is_default
    assert [setting.name for setting in found.settings] == list(SPECS)
    assert [(source.origin, source.state, source.trusted) for source in found.sources] == [
        (user, "used", True), ("environment variable", "used", True), ("initializationOptions", "used", True),
        (project, "used", False), ("workspace/configuration", "empty", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("user", "project", "setting", "why"),
    [
        ("max_tokens = -1", "", "max_tokens", "must be a whole number"),
        ("exclude = ['a', 5]", "", "exclude", '"exclude[2]" is 5'),
        ("excludes = ['a']", "", "exclude", 'looks like "exclude"'),
        ("prices.m = 5", "", "prices", '"prices.m" is 5'),
        ("", "backend = 'mistral'", "backend", "not taken from a project"),
        ("", "max_tokens = 1000", "max_tokens", "may only lower it"),
        ("languages.go = false", "languages.go = true", "languages", "may only turn it off"),
        ("api_key = 'sk-a'\nbase_url = 'https://a.example'", "", "", ""),
    ],
)
def test_what_is_ignored_has_its_reason(tmp_path: Path, user: str, project: str, setting: str, why: str) -> None:
    found = load(tmp_path, user, project)
    assert [row.name for row in found.settings if row.ignored] == [setting] * bool(setting)
    if setting:
        (message,) = found[setting].ignored
        assert why in message
        assert message in [problem.message for problem in found.problems]


def test_a_key_for_another_address_is_said_to_be_ignored(tmp_path: Path) -> None:
    environment = {"FIM_LSP_BASE_URL": "https://b.example"}
    found = load(tmp_path, "api_key = 'sk-a'\nbase_url = 'https://a.example'", **environment)
    assert found["api_key"].value is None
    assert "was set for the address" in found["api_key"].ignored[0]
    assert found["base_url"].overridden == (str(tmp_path / "config.toml"),)


def test_damage_is_told_from_a_value_that_was_set(tmp_path: Path) -> None:
    found = load(tmp_path, "backend = 'mistral'\ncontext_tokens = 'none'\nmodel = 'm'\n")
    assert found.failed_closed
    assert {row.name for row in found.settings if row.closed} == set(FAIL_CLOSED)
    assert (found["backend"].value, found["backend"].origins) == ("ngram", ())
    assert found["backend"].overridden == (str(tmp_path / "config.toml"),)
    assert found["model"].origins == (str(tmp_path / "config.toml"),)


@pytest.mark.parametrize(
    ("content", "state", "problem"),
    [
        (b"max_tokens = 5", "used", ""),
        (b"# nothing", "empty", ""),
        (b"max_tokens = ", "damaged", "is not valid TOML"),
        (b"\xff", "damaged", "not UTF-8"),
        (b"", "damaged", "saved just now"),
        (None, "missing", "does not exist"),
    ],
)
def test_each_source_has_its_state(tmp_path: Path, content: bytes | None, state: str, problem: str) -> None:
    if content is not None:
        (tmp_path / "config.toml").write_bytes(content)
    loader = SettingsLoader({"FIM_LSP_CONFIG": str(tmp_path / "config.toml")}, lambda problems: None)
    loader.start([tmp_path], None)
    found = loader.effective()
    assert (found.sources[0].state, found.sources[2].state) == (state, "empty")
    assert problem in found.sources[0].problem
    assert found.sources[-2].state == "missing"
    assert found.failed_closed is (state in {"damaged", "missing"})


@pytest.mark.parametrize(
    ("name", "value", "safe"),
    [
        ("api_key", "hunter2", "***"),
        ("api_key", "https://hunter2", "***"),
        ("api_key", None, None),
        ("api_key_command", ["echo", "hunter2"], ["echo", "***"]),
        ("api_key_command", ["get-key"], ["get-key"]),
        ("limits_store", "machine", "machine"),
        ("limits_store", "process", "process"),
        ("limits_store", "rediss://me:hunter2@redis.corp:6379/0?password=hunter2", "rediss://***@redis.corp"),
        ("limits_store", "redis://hunter2@[::1", "***"),
        ("base_url", "https://llm.corp/v1", "https://llm.corp/v1"),
        ("stop", ["a", "b"], ["a", "b"]),
    ],
)
def test_a_value_is_shown_without_secrets(name: str, value: object, safe: object) -> None:
    merged = merge_layers([Layer(origin="here", values={name: value})])
    assert shown(SPECS[name], getattr(merged.settings, name)) == safe


@given(layers=LAYERS, trusted=st.lists(st.booleans(), min_size=4, max_size=4))
def test_what_is_shown_is_json_and_what_was_set_has_a_source(
    layers: list[dict[str, object]], trusted: list[bool]
) -> None:
    merged = merge_layers(Layer(origin=str(n), values=values, trusted=trusted[n]) for n, values in enumerate(layers))
    found = effective(merged, (), merged.problems)
    for row in found.settings:
        json.dumps([row.value, row.default])
        assert "sk-" not in json.dumps(row.value)
        if row.is_default and row.name != "api_key_command":
            assert row.value == row.default or row.ignored
        assert all(row.name in layers[int(origin)] for origin in row.origins if row.name != "api_key_command")
