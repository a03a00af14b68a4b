"""Names that were meant for a setting that restricts, and names that were not."""

from __future__ import annotations

import pytest

from fim_lsp.settings.merge import Merged, merge_layers
from fim_lsp.settings.misspelled_names import restricted_like
from fim_lsp.settings.sources import read_editor, read_environment

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
}
OTHER = "models timeouts temprature path enabled trace log_level ghost_key color locale prompt_token token version"


@pytest.mark.parametrize("name", [name for names in MEANT.values() for name in names.split()])
def test_a_name_that_was_meant_to_restrict_is_told(name: str) -> None:
    assert name in MEANT[restricted_like(name)].split()


@pytest.mark.parametrize("name", OTHER.split())
def test_other_names_are_no_damage(name: str) -> None:
    assert restricted_like(name) == ""


def workspace(sent: object) -> Merged:
    return merge_layers([read_editor("workspace/configuration", sent, trusted=False, shared=True)[0]])


@pytest.mark.parametrize(
    "sent",
    [
        {"fim-lsp": {"excludes": ["**"]}}, {"excludes": ["**"]}, {"fim-lsp.exclude": ["**"]}, {"EXCLUDE": ["**"]},
        {"fim_lsp": {"exclude": ["**"]}}, {"fimLsp": {"exclude": ["**"]}}, {"fim-lsp": {"fim-lsp": {"exclude": ["**"]}}},
        {"settings": {"exclude": ["**"]}}, {"lsp": {"fim-lsp": {"exclude": ["**"]}}}, {"fim-lsp": {"localOnly": ["**"]}},
    ],
    ids=str,
)  # fmt: skip
def test_what_a_workspace_meant_to_restrict_confines_though_it_is_a_list_or_table(sent: object) -> None:
    assert workspace(sent).failed_closed


@pytest.mark.parametrize(
    "sent",
    [
        {"python": {"analysis": {"exclude": ["x"]}}}, {"http": {"proxy": ""}, "files": {"exclude": {"a": True}}},
        {"ltex": None, "ignore": []}, {"fim-lsp": {"trace": {"server": "off"}}}, {"fim-lsp": {"path": "x"}},
    ],
    ids=str,
)  # fmt: skip
def test_what_belongs_to_others_confines_nothing(sent: object) -> None:
    assert not workspace(sent).failed_closed


@pytest.mark.parametrize(("beside", "inside"), [("**", ["*.c"]), (["**"], "*.c"), ("**", "*.c")])
def test_globs_beside_the_section_and_in_it_hold_together(beside: object, inside: object) -> None:
    assert {"**", "*.c"} <= set(workspace({"exclude": beside, "fim-lsp": {"exclude": inside}}).settings.exclude)


@pytest.mark.parametrize(
    "variable", ["fim_lsp_exclude", "Fim_Lsp_Exclude", "FIMLSP_EXCLUDE", "FIM_LSP_CONFIGS", "FIM_LSP_CONFIG_FILE"]
)
def test_a_variable_with_a_misspelt_name_confines_and_is_named(variable: str) -> None:
    merged = merge_layers([read_environment({variable: "x"})])
    assert merged.failed_closed
    assert variable in merged.problems[0].message


@pytest.mark.parametrize(
    "variable", ["FIM_LSP_TEST_LLAMA_SERVER", "FIM_LSP_LOG", "FIM_LSP_BIN", "FIMLSP", "FIM_LSP_TOKEN"]
)
def test_other_variables_confine_nothing(variable: str) -> None:
    assert not merge_layers([read_environment({variable: "x"})]).failed_closed


@pytest.mark.parametrize("raw", ["*.js;*.py", "*.js:*.py", "*.js *.py", "[*.js, *.py]", "[*.py]", "~/a/* *.py"])
def test_globs_of_a_variable_may_be_parted_in_other_ways_too(raw: str) -> None:
    assert "*.py" in merge_layers([read_environment({"FIM_LSP_EXCLUDE": raw})]).settings.exclude


def test_a_name_with_a_blank_is_one_glob() -> None:
    exclude = merge_layers([read_environment({"FIM_LSP_EXCLUDE": "~/my docs/"})]).settings.exclude
    assert "~/my docs/" in exclude
    assert "docs/" not in exclude


def test_a_command_without_a_program_is_damage() -> None:
    assert merge_layers([read_environment({"FIM_LSP_API_KEY_COMMAND": "[]"})]).failed_closed
