"""Settings from the environment and from editors, and where the files are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.secret import Secret
from fim_lsp.settings.merge import fail_closed, merge_layers
from fim_lsp.settings.schema import SPECS, Settings
from fim_lsp.settings.sources import (
    cache_folder,
    config_folder,
    read_editor,
    read_environment,
    state_folder,
    user_file,
)
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES
from tests.settings.helpers import (
    HUGE,
    ROOT,
    files,
    merge,
    workspace,
)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("*.py", {"b.js", "notes.md"}), ('["*.py"]', {"b.js", "notes.md"}), ("*.py,*.js", {"notes.md"}),
        ("*.py, *.js", {"notes.md"}), ("[ab].*", {"notes.md"}), ('"*.md"', {"a.py", "b.js"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["exclude", "local_only"])
def test_globs_in_the_environment(name: str, raw: str, kept: set[str]) -> None:
    merged = merge_layers([read_environment({f"FIM_LSP_{name.upper()}": raw})])
    assert not merged.failed_closed
    assert {path.name for path in files(merged.settings) if path.parent == ROOT} == kept


@pytest.mark.parametrize("raw", ['["*.py"', "['*.py']", '["*.py",]', "5", "true", '{"a": 1}', "[]]", '["*.py", 5]'])
def test_an_invalid_list_in_the_environment_fails_closed(raw: str) -> None:
    assert merge_layers([read_environment({"FIM_LSP_EXCLUDE": raw})]).failed_closed is (raw != "[]]")


def test_an_environment_variable_is_named_in_full() -> None:
    merged = merge_layers([read_environment({"FIM_LSP_TEMPERATURE": "hot", "FIM_LSP_EXCLUDES": "*.py"})])
    reported = sorted(problem.message for problem in merged.problems)
    assert reported[0].startswith("environment variable FIM_LSP_EXCLUDES: ")
    assert reported[1].startswith("environment variable FIM_LSP_TEMPERATURE: ")


def test_environment_values_are_json_or_plain_text() -> None:
    layer = read_environment(
        {
            "FIM_LSP_MAX_TOKENS": "64", "FIM_LSP_STREAM": "false", "FIM_LSP_STOP": '["a", "b"]', "FIM_LSP_MODEL": "7",
            "FIM_LSP_API_KEY": "12345", "FIM_LSP_DEBOUNCE": "adaptive", "FIM_LSP_TEMPERATURE": "null",
            "FIM_LSP_LANGUAGES": '{"markdown": false}', "FIM_LSP_PRICES": '{"m": [1, 2.5]}', "FIM_LSP_TRIGGER": "manual",
            "FIM_LSP_REGION": "", "PATH": "/bin", "FIM_LSP_CONFIG": "/x",
        }
    )  # fmt: skip
    assert layer.values == {
        "max_tokens": 64, "stream": False, "stop": ["a", "b"], "model": "7", "api_key": "12345",
        "debounce": "adaptive", "temperature": None, "languages": {"markdown": False}, "prices": {"m": [1, 2.5]},
        "trigger": "manual",
    }  # fmt: skip
    assert merge([layer])[1] == ()


def test_an_invalid_value_in_the_environment_is_reported() -> None:
    _, (problem,) = merge([read_environment({"FIM_LSP_TEMPERATURE": "hot"})])
    assert "environment" in problem.message
    assert "'hot'" in problem.message


def test_huge_values_in_the_environment_are_reported() -> None:
    layer = read_environment(
        {
            "FIM_LSP_TIMEOUT": "9" * 400, "FIM_LSP_DEBOUNCE": "9" * 5000, "FIM_LSP_EXCLUDE": "[" * 100_000,
            "FIM_LSP_STOP": "[" * 5000,
        }
    )  # fmt: skip
    settings, problems = merge([layer])
    assert settings == fail_closed(Settings())  # for what was to be excluded is unknown
    assert len(problems) == 4


@pytest.mark.parametrize("raw", ["*.js;*.py", "*.js:*.py", "*.js *.py", "[*.js, *.py]", "[*.py]", "~/a/* *.py"])
def test_globs_of_a_variable_may_be_separated_in_other_ways(raw: str) -> None:
    assert "*.py" in merge_layers([read_environment({"FIM_LSP_EXCLUDE": raw})]).settings.exclude


def test_a_name_with_a_space_is_one_glob() -> None:
    exclude = merge_layers([read_environment({"FIM_LSP_EXCLUDE": "~/my docs/"})]).settings.exclude
    assert "~/my docs/" in exclude
    assert "docs/" not in exclude


def test_a_command_without_a_program_is_damage() -> None:
    assert merge_layers([read_environment({"FIM_LSP_API_KEY_COMMAND": "[]"})]).failed_closed


def test_the_path_of_the_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_file({"FIM_LSP_CONFIG": str(tmp_path / "c.toml")}) == tmp_path / "c.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert user_file({}).parts[-2:] == ("fim-lsp", "config.toml")


def test_a_user_without_a_home_has_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """``docker run --user 12345``: no HOME, and no line in passwd."""

    def nobody(_: int) -> None:
        raise KeyError

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pytest.importorskip("pwd", reason="passwd is POSIX"), "getpwuid", nobody)
    assert user_file({}) is None
    assert state_folder() is None
    assert cache_folder() is None


@pytest.mark.parametrize("found", ["~/.config/fim-lsp", ".config/fim-lsp", None])
def test_a_folder_of_the_project_is_not_the_users(found: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions of platformdirs return ``~`` as it is where there is no home; newer ones raise."""

    def find(_name: str, **_options: object) -> Path:
        if found is None:
            raise RuntimeError
        return Path(found)

    for kind, folder in (("config", config_folder), ("state", state_folder), ("cache", cache_folder)):
        monkeypatch.setattr(f"platformdirs.user_{kind}_path", find)
        assert folder() is None


@pytest.mark.parametrize("sent", [None, [], {}, {"fim-lsp": None}, {"fim-lsp": []}, {"fim-lsp": {}}])
def test_editors_that_send_nothing(sent: object) -> None:
    layer, problems = read_editor("o", sent, trusted=True)
    assert (layer.values, problems) == ({}, ())


def test_editors_send_settings_flat_or_under_the_section() -> None:
    for sent in ({"model": "m"}, {"fim-lsp": {"model": "m"}}):
        assert read_editor("o", sent, trusted=True)[0].values == {"model": "m"}
    assert read_editor("o", "text", trusted=True)[1]


def test_entries_next_to_the_section_and_in_it_add_up() -> None:
    sent = {"languages": {"go": False, "c": False}, "fim-lsp": {"languages": {"sql": False, "c": True}}}
    layer, _ = read_editor("o", sent, trusted=True)
    assert merge([layer])[0].languages == {"go": False, "c": True, "sql": False}


def test_a_value_in_the_section_wins_over_the_one_next_to_it() -> None:
    layer, _ = read_editor("o", {"model": "beside", "fim-lsp": {"model": "inside"}}, trusted=True)
    assert merge([layer])[0].model == "inside"


def test_a_misspelled_restriction_next_to_the_section_and_in_it_fails_closed_once() -> None:
    layer, _ = read_editor("o", {"excludes": ["*.py"], "fim-lsp": {"excludes": ["*.js"]}}, trusted=True)
    merged = merge_layers([layer])
    assert merged.failed_closed
    assert len(merged.problems) == 1


@pytest.mark.parametrize(
    "raw", ["markdown", "markdown=false", "{markdown: false}", '{"markdown": "false"}', "[]", "false"]
)
def test_an_invalid_table_in_the_environment_fails_closed(raw: str) -> None:
    assert merge_layers([read_environment({"FIM_LSP_LANGUAGES": raw})]).failed_closed


@pytest.mark.parametrize(("beside", "inside"), [("**", ["*.c"]), (["**"], "*.c"), ("**", "*.c")])
def test_globs_next_to_the_section_and_in_it_add_up(beside: object, inside: object) -> None:
    assert {"**", "*.c"} <= set(workspace({"exclude": beside, "fim-lsp": {"exclude": inside}}).settings.exclude)


def test_other_servers_settings_are_ignored() -> None:
    pushed = {"pylsp": {"plugins": {"exclude": ["x"]}}, "url": {"a": 1}, "python": {}, "vetur": None}
    layer, problems = read_editor("workspace/configuration", pushed, trusted=False, shared=True)
    merged = merge_layers([layer])
    assert (merged.failed_closed, merged.problems, problems) == (False, (), ())


@pytest.mark.parametrize("sent", ["exclude", 5, True, ["exclude"], {"fim-lsp": "x"}, {"fim-lsp": 5}, {"fim-lsp": [1]}])
def test_a_value_that_is_not_an_object_fails_closed(sent: object) -> None:
    layer, problems = read_editor("initializationOptions", sent, trusted=True)
    assert merge_layers([layer]).failed_closed
    assert len(problems) == 1


def test_settings_next_to_the_section_apply_too() -> None:
    layer, _ = read_editor("o", {"fim-lsp": {"exclude": ["*.py"]}, "exclude": ["*.js"], "other": 1}, trusted=True)
    assert merge_layers([layer]).settings.exclude == (*DEFAULT_EXCLUDES, "*.js", "*.py")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([HUGE, -HUGE, "x" * 10**6])
    | st.characters(categories=["Cs"]),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=12,
)  # fmt: skip


NAMES = st.sampled_from([*SPECS, "fim-lsp"]) | st.text()


@given(st.lists(st.dictionaries(NAMES, JSON, max_size=6) | JSON, max_size=3), st.booleans())
def test_whatever_an_editor_sends_can_be_merged(sent: list[object], trusted: bool) -> None:
    read = [read_editor("o", values, trusted=trusted) for values in sent]
    settings, problems = merge([layer for layer, _ in read])
    for problem in (*problems, *(problem for _, problems in read for problem in problems)):
        assert len(problem.message) < 2000
        assert problem.message.isprintable()
    assert settings.exclude[: len(DEFAULT_EXCLUDES)] == DEFAULT_EXCLUDES
    plain = {name: getattr(settings, name) for name in SPECS}
    for name, value in plain.items():
        value = value.reveal() if isinstance(value, Secret) else value
        SPECS[name].validator.accept(value)


@given(st.dictionaries(NAMES, JSON, max_size=4), st.sampled_from([50, 900, 5000]))
def test_whatever_an_editor_nests_can_be_merged(sent: dict[str, object], depth: int) -> None:
    nest: object = sent
    for _ in range(depth):
        nest = [nest]
    for values in ({"stop": nest}, {"fim-lsp": nest}, {"model": nest}, nest, {"nothing": nest}):
        layer, _ = read_editor("o", values, trusted=True)
        assert merge([layer])[0] in (Settings(), fail_closed(Settings()))
