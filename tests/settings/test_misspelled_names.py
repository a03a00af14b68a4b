"""Names that were meant to be a setting that restricts, and names that were not."""

from __future__ import annotations

import pytest

from fim_lsp.settings.merge import merge_layers
from fim_lsp.settings.misspelled_names import restricted_like
from fim_lsp.settings.sources import read_environment
from tests.settings.helpers import (
    workspace,
)

MEANT = {
    "base_url": "baseurl url_base server_url openai_base_url api_endpoint endpoint_url hostname server_address llmUrl",
    "exclude": "excludes exclude_files excludeGlobs exclude-patterns exclusions files_exclude exlude_files ignore_files "
    "ignorePatterns never_send dont_send include allowlist",
    "local_only": "localOnly only_local local_files stay_local never_leave",
    "context_tokens": "contextTokens context context_size",
    "backend": "back_end default_backend provider_name",
    "region": "langdock_region regions",
    "api_key": "apikey codestral_api_key api_key_file password_command",
    "fallback": "fallbacks fallback_backends",
    "trigger": "triggers trigger_mode autoTrigger manual",
    "languages": "language disabled_languages languages_off filetypes",
}


OTHER = (
    "models timeouts temprature path enabled trace log_level ghost_key color locale prompt_token token version "
    "languageserver price statistics"
)


@pytest.mark.parametrize("name", [name for names in MEANT.values() for name in names.split()])
def test_a_name_that_was_meant_to_restrict_is_recognized(name: str) -> None:
    assert name in MEANT[restricted_like(name)].split()


@pytest.mark.parametrize("name", OTHER.split())
def test_other_names_are_no_damage(name: str) -> None:
    assert restricted_like(name) == ""


@pytest.mark.parametrize(
    "sent",
    [
        {"fim-lsp": {"excludes": ["**"]}}, {"excludes": ["**"]}, {"fim-lsp.exclude": ["**"]}, {"EXCLUDE": ["**"]},
        {"fim_lsp": {"exclude": ["**"]}}, {"fimLsp": {"exclude": ["**"]}}, {"fim-lsp": {"fim-lsp": {"exclude": ["**"]}}},
        {"settings": {"exclude": ["**"]}}, {"lsp": {"fim-lsp": {"exclude": ["**"]}}}, {"fim-lsp": {"localOnly": ["**"]}},
    ],
    ids=str,
)  # fmt: skip
def test_a_misspelled_restriction_of_a_workspace_fails_closed(sent: object) -> None:
    assert workspace(sent).failed_closed


@pytest.mark.parametrize(
    "sent",
    [
        {"python": {"analysis": {"exclude": ["x"]}}}, {"http": {"proxy": ""}, "files": {"exclude": {"a": True}}},
        {"ltex": None, "ignore": []}, {"fim-lsp": {"trace": {"server": "off"}}}, {"fim-lsp": {"path": "x"}},
    ],
    ids=str,
)  # fmt: skip
def test_settings_of_other_servers_restrict_nothing(sent: object) -> None:
    assert not workspace(sent).failed_closed


@pytest.mark.parametrize(
    "variable", ["fim_lsp_exclude", "Fim_Lsp_Exclude", "FIMLSP_EXCLUDE", "FIM_LSP_CONFIGS", "FIM_LSP_CONFIG_FILE"]
)
def test_a_variable_with_a_misspelled_name_fails_closed_and_is_named(variable: str) -> None:
    merged = merge_layers([read_environment({variable: "x"})])
    assert merged.failed_closed
    assert variable in merged.problems[0].message


@pytest.mark.parametrize(
    "variable", ["FIM_LSP_TEST_LLAMA_SERVER", "FIM_LSP_LOG", "FIM_LSP_BIN", "FIMLSP", "FIM_LSP_TOKEN"]
)
def test_other_variables_restrict_nothing(variable: str) -> None:
    assert not merge_layers([read_environment({variable: "x"})]).failed_closed
