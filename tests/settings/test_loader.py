"""The settings in force from all sources, also for a client that may not be the user."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from fim_lsp.settings.loader import WORKSPACE_TIMEOUT, SettingsLoader
from fim_lsp.settings.schema import SettingProblem, Settings
from tests.virtual import now


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


def loader_with(tmp_path: Path) -> tuple[SettingsLoader, list[str]]:
    """A loader for a workspace in ``tmp_path``, and the messages it reported last."""
    messages: list[str] = []

    def report(problems: Sequence[SettingProblem]) -> None:
        messages[:] = [problem.message for problem in problems]

    loader = SettingsLoader({"FIM_LSP_CONFIG": str(tmp_path / "config.toml"), "FIM_LSP_MAX_TOKENS": "7"}, report)
    return loader, messages


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("max_tokens = 5\nprompt_tokens = 900\ntop_p = 0.5\n")
    (tmp_path / ".fim-lsp.toml").write_text("prompt_tokens = 500\n")
    loader, messages = loader_with(tmp_path)
    settings = loader.start([tmp_path], {"temperature": 0.5})
    assert (settings.max_tokens, settings.prompt_tokens, settings.top_p, settings.temperature) == (7, 500, 0.5, 0.5)
    changed = loader.set_workspace_settings({"max_tokens": 3})
    assert changed is not None
    assert changed.max_tokens == 3
    assert loader.set_workspace_settings({"max_tokens": 3}) is None
    project = str(tmp_path / ".fim-lsp.toml")
    assert loader.sources_in_use() == [
        str(tmp_path / "config.toml"), "environment variable", "initializationOptions", project, "workspace/configuration"
    ]  # fmt: skip
    assert messages == []


def test_a_changed_file_is_reloaded(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("top_p = 0.5\n")
    loader, _ = loader_with(tmp_path)
    loader.start([tmp_path], None)
    assert loader.reload_if_changed() is None
    (tmp_path / "config.toml").write_text("top_p = 0.75\n")
    settings = loader.reload_if_changed()
    assert settings is not None
    assert settings.top_p == 0.75


def test_other_roots_have_other_project_files(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("top_p = 0.5\n")
    (tmp_path / ".fim-lsp.toml").write_text("prompt_tokens = 500\n")
    loader, _ = loader_with(tmp_path)
    assert loader.start([tmp_path], None).prompt_tokens == 500
    assert loader.set_roots([]).prompt_tokens == 1200


def test_something_unusable_from_the_editor_leaves_the_last_valid_settings_in_force(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("top_p = 0.5\n")
    loader, messages = loader_with(tmp_path)
    loader.start([], None)
    loader.set_workspace_settings({"max_tokens": 3})
    assert loader.set_workspace_settings("nonsense") is None
    assert "its last valid settings remain in force" in messages[0]
    assert not loader.failed_closed


def test_damage_fails_closed_until_it_is_corrected(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("exclude = 5\n")
    loader, messages = loader_with(tmp_path)
    assert loader.start([], None).backend == "ngram"
    assert loader.failed_closed
    assert "nothing leaves this machine" in messages[0]
    (tmp_path / "config.toml").write_text('exclude = ["*.sql"]\n')
    loader.reload_if_changed()
    assert not loader.failed_closed
    assert messages == []


async def test_workspace_settings_are_waited_for(tmp_path: Path, virtual_time: None) -> None:
    (tmp_path / "config.toml").write_text("top_p = 0.5\n")
    loader, messages = loader_with(tmp_path)
    loader.start([], None)
    assert await loader.wait_for_workspace_settings()
    loader.expect_workspace_settings()
    started = now()
    assert not await loader.wait_for_workspace_settings()
    assert now() - started == WORKSPACE_TIMEOUT
    assert "has not sent the settings of its workspace yet" in messages[0]
    loader.workspace_settings_unavailable()
    assert await loader.wait_for_workspace_settings()


def test_what_a_project_turns_off_is_told_from_what_the_user_does(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('trigger = "manual"\nlanguages = { markdown = false }\n')
    loader, _ = loader_with(tmp_path)
    settings = loader.start((tmp_path,), {"languages": {"rust": False}})
    assert (settings.trigger, dict(settings.languages)) == ("manual", {"markdown": False, "rust": False})
    assert (loader.project_settings().trigger, dict(loader.project_settings().languages)) == ("auto", {})
    (tmp_path / ".fim-lsp.toml").write_text('trigger = "manual"\nlanguages = { go = false, rust = true }\n')
    loader.reload_if_changed()
    loader.set_workspace_settings({"languages": {"python": False}})
    imposed = loader.project_settings()
    assert (imposed.trigger, imposed.has_language("go"), imposed.has_language("python")) == ("manual", False, False)
    assert imposed.has_language("rust")


def test_without_a_config_file_there_is_nothing_to_read_or_to_complain_of() -> None:
    """``FIM_LSP_CONFIG=/dev/null`` is how tests and containers start from the defaults."""
    problems: list[SettingProblem] = []
    loader = SettingsLoader({"FIM_LSP_CONFIG": os.devnull}, problems.extend)
    assert loader.start((), None) == Settings()
    assert loader.reload_if_changed() is None
    assert problems == []


def test_a_push_of_other_servers_settings_keeps_what_the_workspace_excludes(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("top_p = 0.5\n")
    loader, messages = loader_with(tmp_path)
    loader.start([], None)
    loader.set_workspace_settings({"exclude": ["private/**"]})
    assert loader.set_workspace_settings({"pylsp": {"plugins": {}}, "rust-analyzer": None}) is None
    assert "private/**" in loader.project_settings().exclude
    assert messages == []


def test_nothing_is_taken_for_allowed_before_every_source_is_known_and_intact(tmp_path: Path) -> None:
    """Otherwise the kept index of a project would hold text of files that it excludes."""
    (tmp_path / "config.toml").write_text("top_p = 0.5\n")
    loader, _ = loader_with(tmp_path)
    loader.start([], None)
    assert loader.restrictions_known
    loader.expect_workspace_settings()
    assert not loader.restrictions_known
    loader.set_workspace_settings({})
    assert loader.restrictions_known
    (tmp_path / "config.toml").write_text("exclude = 5\n")
    loader.reload_if_changed()
    assert not loader.restrictions_known
