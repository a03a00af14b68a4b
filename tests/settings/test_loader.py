"""The options of a client that may not be the user can do no more than a project's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.settings.loader import SettingsLoader
from fim_lsp.settings.schema import SettingProblem


def load(tmp_path: Path, options: object, *, trusted: bool) -> tuple[SettingsLoader, object, list[SettingProblem]]:
    (tmp_path / "config.toml").write_text('backend = "ngram"\nexclude = ["secret/**"]\n')
    problems: list[SettingProblem] = []
    loader = SettingsLoader({"FIM_LSP_CONFIG": str(tmp_path / "config.toml")}, problems.extend)
    return loader, loader.start((), options, trusted=trusted), problems


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backend", "openai"),
        ("base_url", "http://127.0.0.1:9/"),
        ("api_key", "sk-mine"),
        ("api_key_command", ["touch", "marker"]),
        ("fallback", ["codestral"]),
        ("limits_store", "redis://127.0.0.1/0"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_an_untrusted_client_cannot_set_what_a_project_cannot(
    tmp_path: Path, name: str, value: object, *, nested: bool
) -> None:
    options = {"fim-lsp": {name: value}} if nested else {name: value}
    loader, settings, problems = load(tmp_path, options, trusted=False)
    before = load(tmp_path, None, trusted=False)[1]
    assert settings == before
    assert any(name in problem.message for problem in problems)
    loader.set_workspace_settings({name: value})
    assert loader.set_workspace_settings({}) is None
    assert getattr(load(tmp_path, options, trusted=True)[1], name) != getattr(before, name)


def test_an_untrusted_client_cannot_re_include_files(tmp_path: Path) -> None:
    options = {"exclude": ["!secret/**", "more/**"], "max_tokens": 7}
    _, settings, _ = load(tmp_path, options, trusted=False)
    assert "!secret/**" not in settings.exclude
    assert {"secret/**", "more/**"} <= set(settings.exclude)
    assert settings.max_tokens == 7
    assert "!secret/**" in load(tmp_path, options, trusted=True)[1].exclude
