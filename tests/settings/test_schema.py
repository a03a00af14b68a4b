"""Settings: four sources, a trust rule, and a clear sentence for whatever can't be used."""

from __future__ import annotations

import json
import math
import os
import pwd
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.secret import Secret
from fim_lsp.settings.merge import Layer, fail_closed, merge_layers
from fim_lsp.settings.reference import schema, table
from fim_lsp.settings.schema import SPECS, SettingProblem, Settings
from fim_lsp.settings.settings_file import MAX_PROJECT_BYTES, SettingsFile
from fim_lsp.settings.sources import read_editor, read_environment, state_folder, user_file
from fim_lsp.workspace.safe_read import read_text
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES

README = Path(__file__).parents[2] / "README.md"


def settle(layers: list[Layer]) -> tuple[Settings, tuple[SettingProblem, ...]]:
    merged = merge_layers(layers)
    return merged.settings, merged.problems


def read_file(path: Path, *, trusted: bool) -> tuple[Layer, tuple[str, ...]]:
    file = SettingsFile(path, trusted=trusted)
    file.refresh()
    return file.layer, (file.problem,) if file.problem else ()


def one(values: dict[str, object], *, trusted: bool = True) -> tuple[Settings, list[str]]:
    settings, problems = settle([Layer(origin="here", values=values, trusted=trusted)])
    return settings, [problem.message for problem in problems]


def test_later_layers_win() -> None:
    layers = [Layer(origin=str(n), values={"max_tokens": n, **({"model": "m"} if n == 1 else {})}) for n in (1, 2, 3)]
    settings, problems = settle(layers)
    assert (settings.max_tokens, settings.model, problems) == (3, "m", ())


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("temperature", 1.6), ("temperature", -0.1), ("temperature", "warm"), ("temperature", True),
        ("temperature", float("nan")), ("top_p", 0), ("top_p", 1.1), ("max_tokens", -1), ("max_tokens", 1.5),
        ("min_tokens", "3"), ("random_seed", -1), ("stop", [""]), ("stop", 5), ("stream", "yes"), ("timeout", 0),
        ("debounce", "fast"), ("debounce", -1), ("backend", "copilot"), ("base_url", "codestral.mistral.ai"),
        ("base_url", "https://h/?q=1"), ("base_url", "https://u:p@h/"),
        ("region", "../x"), ("api_key", ""), ("api_key_command", "pass show key"),
        ("fallback", ["nobody"]), ("exclude", 5), ("menu", True), ("prompt_tokens", 3), ("suffix_share", 2),
    ],
)  # fmt: skip
def test_a_bad_value_is_one_sentence_with_name_value_and_what_is_allowed(name: str, bad: object) -> None:
    settings, sentences = one({name: bad, "random_seed": 5} if name != "random_seed" else {name: bad})
    expected = settle([Layer(origin="x", values={} if name == "random_seed" else {"random_seed": 5})])[0]
    assert settings == (fail_closed(expected) if SPECS[name].restricts else expected)
    (sentence,) = sentences
    assert sentence.startswith("here: ")
    assert name in sentence
    assert SPECS[name].validator.allowed in sentence
    hidden = name in {"api_key", "api_key_command", "base_url"}
    shown = "***" if hidden else "a list" if isinstance(bad, list) else repr(bad)
    assert shown in sentence


def test_a_typo_is_told_with_the_nearest_name() -> None:
    _, (sentence,) = one({"max_token": 5})
    assert sentence == 'here: there is no setting "max_token"; did you mean "max_tokens"?'


def test_null_means_not_sent() -> None:
    settings, sentences = one({"max_tokens": None, "temperature": None, "stop": None})
    assert (settings.max_tokens, settings.temperature, settings.stop, sentences) == (None, None, None, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backend", "mistral"),
        ("base_url", "https://elsewhere.example"),
        ("api_key", "k"),
        ("api_key_command", ["sh", "-c", "x"]),
    ],
)
def test_a_project_cannot_redirect_a_key_or_run_a_command(name: str, value: object) -> None:
    settings, (sentence,) = one({name: value, "max_tokens": 7}, trusted=False)
    assert settings == Settings(max_tokens=7)
    assert name in sentence
    assert "not taken from a project" in sentence


def test_a_project_that_repeats_the_users_own_value_is_no_problem() -> None:
    """Helix sends its one configuration both as initializationOptions and as workspace settings."""
    values = {"api_key": "k", "backend": "mistral"}
    settings, problems = settle([Layer(origin="a", values=values), Layer(origin="b", values=values, trusted=False)])
    assert (settings.api_key, settings.backend, problems) == (Secret("k"), "mistral", ())


def test_an_odd_glob_does_not_undo_the_others() -> None:
    assert one({"exclude": ["\ud800", "a\nb", "private/"]})[0].exclude[-1] == "private/"


@pytest.mark.parametrize(
    ("below", "project", "above"),
    [
        (5, 4, 4), (5, 5, 5), (5, 6, 5), (5, 0, 5), (5, None, 5),
        (None, 400, 400), (None, 501, None), (None, 0, None), (None, None, None), (0, 9000, 9000), (0, 0, 0),
    ],
)  # fmt: skip
def test_a_project_may_only_lower_the_quota(below: int | None, project: int | None, above: int | None) -> None:
    layers = [
        Layer(origin="user", values={"requests_per_minute": below}),
        Layer(origin="project", values={"requests_per_minute": project}, trusted=False),
    ]
    settings, problems = settle(layers)
    assert settings.requests_per_minute == above
    assert [p.message for p in problems if "may only lower" in p.message] == [p.message for p in problems]
    assert bool(problems) == (project != above)


def test_exclude_only_grows_and_only_the_user_lets_through() -> None:
    layers = [
        Layer(origin="user", values={"exclude": ["private/", "!.env.local"]}),
        Layer(origin="project", values={"exclude": ["vendor/", "!.env"]}, trusted=False),
    ]
    assert settle(layers)[0].exclude == (*DEFAULT_EXCLUDES, "private/", "!.env.local", "vendor/")


def test_a_key_is_never_seen() -> None:
    settings, _ = one({"api_key": "hunter2"})
    assert "hunter2" not in f"{settings} {settings!r} {settings.api_key} {settings.api_key:>20} {[settings.api_key]}"
    assert settings.api_key is not None
    assert settings.api_key.reveal() == "hunter2"
    with pytest.raises(TypeError):
        json.dumps(settings.api_key)


def test_environment_values_are_json_or_plain_text() -> None:
    layer = read_environment(
        {
            "FIM_LSP_MAX_TOKENS": "64", "FIM_LSP_STREAM": "false", "FIM_LSP_STOP": '["a", "b"]', "FIM_LSP_MODEL": "7",
            "FIM_LSP_API_KEY": "12345", "FIM_LSP_DEBOUNCE": "adaptive", "FIM_LSP_TEMPERATURE": "null",
            "FIM_LSP_REGION": "", "PATH": "/bin", "FIM_LSP_CONFIG": "/x",
        }
    )  # fmt: skip
    assert layer.values == {
        "max_tokens": 64, "stream": False, "stop": ["a", "b"], "model": "7", "api_key": "12345",
        "debounce": "adaptive", "temperature": None,
    }  # fmt: skip
    assert settle([layer])[1] == ()


def test_a_bad_environment_value_is_told() -> None:
    _, (problem,) = settle([read_environment({"FIM_LSP_TEMPERATURE": "hot"})])
    assert "environment" in problem.message
    assert "'hot'" in problem.message


def test_config_files(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert read_file(file, trusted=True)[0].values == {}
    assert read_file(file, trusted=True)[1] == ()
    file.write_text('model = "m"\nstop = ["x"]\n')
    assert read_file(file, trusted=True)[0].values == {"model": "m", "stop": ["x"]}
    file.write_text('model = "m\n')
    layer, (problem,) = read_file(file, trusted=True)
    assert layer.values == {}
    assert str(file) in problem
    assert "line 1" in problem
    file.write_bytes(b"\xff")
    assert "UTF-8" in read_file(file, trusted=True)[1][0]
    assert "can't be read" in read_file(tmp_path, trusted=True)[1][0]


def test_where_the_config_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_file({"FIM_LSP_CONFIG": str(tmp_path / "c.toml")}) == tmp_path / "c.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert user_file({}).parts[-2:] == ("fim-lsp", "config.toml")


@pytest.mark.parametrize("sent", [None, [], {}, {"fim-lsp": None}, {"fim-lsp": []}, {"fim-lsp": {}}])
def test_editors_that_send_nothing(sent: object) -> None:
    layer, problems = read_editor("o", sent, trusted=True)
    assert (layer.values, problems) == ({}, ())


def test_editors_send_settings_flat_or_under_the_section() -> None:
    for sent in ({"model": "m"}, {"fim-lsp": {"model": "m"}}):
        assert read_editor("o", sent, trusted=True)[0].values == {"model": "m"}
    assert read_editor("o", "text", trusted=True)[1]


def test_the_schema_says_what_settle_does() -> None:
    judge = jsonschema.Draft202012Validator(schema())
    jsonschema.Draft202012Validator.check_schema(schema())
    judge.validate({"temperature": 1.5, "top_p": 1, "stop": "x", "debounce": 75, "api_key_command": ["a"]})
    for bad in ({"temperature": 2}, {"top_p": 0}, {"stop": [""]}, {"nonsense": 1}, {"debounce": "x"}):
        assert not judge.is_valid(bad)


def test_the_readme_has_the_settings_table() -> None:
    """``python -m fim_lsp.settings.schema`` prints it."""
    marked = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", README.read_text("utf-8"), re.DOTALL)
    assert marked
    assert marked[1] == table()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "https://me:hunter2@example.org"), ("base_url", "https://h/?key=hunter2"),
        ("base_url", ["hunter2"]), ("limits_store", "https://me:hunter2@redis"), ("api_key", ["hunter2"]),
        ("api_key_command", "print hunter2"), ("model", {"api_key": "hunter2"}), ("stop", [["hunter2"]]),
        ("exclude", {"hunter2": 1}),
    ],
)  # fmt: skip
def test_a_refused_value_gives_no_secret_away(name: str, value: object) -> None:
    _, (sentence,) = one({name: value})
    assert "hunter2" not in sentence
    assert "***" in sentence or "an object" in sentence or "a list" in sentence


HUGE = 10**400
LONG = 10**5000  # Python refuses to write or read so many digits


@pytest.mark.parametrize("value", [HUGE, LONG, -LONG, math.inf, -math.inf, math.nan], ids=range(6))
@pytest.mark.parametrize("name", [name for name, rule in SPECS.items() if isinstance(rule.default, int | float | None)])
def test_a_number_beyond_all_bounds_is_told(name: str, value: float) -> None:
    settings, (sentence,) = one({name: value})
    assert settings == (fail_closed(Settings()) if SPECS[name].restricts else Settings())
    assert len(sentence) < 400


def test_an_environment_beyond_all_bounds_is_told() -> None:
    layer = read_environment(
        {
            "FIM_LSP_TIMEOUT": "9" * 400, "FIM_LSP_DEBOUNCE": "9" * 5000, "FIM_LSP_EXCLUDE": "[" * 100_000,
            "FIM_LSP_STOP": "[" * 5000,
        }
    )  # fmt: skip
    settings, problems = settle([layer])
    assert settings == fail_closed(Settings())  # for what was to be excluded is unknown
    assert len(problems) == 4


@pytest.mark.parametrize(
    "text",
    [
        "timeout = " + "1" * 5000, "timeout = " + "1" * 400, "suffix_share = " + "1" * 400,
        "stop = " + "[" * 3000 + "]" * 3000, "stop = " + "[" * 3000, "x = " + "{a=" * 3000 + "1" + "}" * 3000,
        "model = " + "1" * 2_000_000, "random_seed = 0x" + "f" * 9000,
    ],
)  # fmt: skip
def test_a_project_file_that_cannot_be_read_is_one_problem(tmp_path: Path, text: str) -> None:
    file = tmp_path / ".fim-lsp.toml"
    file.write_text(text)
    layer, problems = read_file(file, trusted=False)
    settings, more = settle([layer])
    assert settings in (Settings(), fail_closed(Settings()))
    (sentence,) = [*problems, *(problem.message for problem in more)]
    assert str(file) in sentence
    assert len(sentence) < len(str(file)) + 500


@pytest.mark.parametrize("kind", ["zero", "fifo", "loop", "large", "folder", "nul"])
def test_only_a_regular_file_of_some_size_is_read(tmp_path: Path, kind: str) -> None:
    file = tmp_path / ".fim-lsp.toml"
    match kind:
        case "zero":
            file.symlink_to("/dev/zero")
        case "fifo":
            os.mkfifo(file)
        case "loop":
            file.symlink_to(file)
        case "large":
            file.write_bytes(b"#" * MAX_PROJECT_BYTES + b"\n")
        case "folder":
            file.mkdir()
        case _:
            file = tmp_path / "a\0b"
    layer, (problem,) = read_file(file, trusted=False)
    assert layer.values == {}
    assert not layer.readable
    assert "can't be read" in problem


def test_a_file_through_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("max_tokens = 3")
    (tmp_path / "config.toml").symlink_to("kept")
    assert read_text(tmp_path / "config.toml") == "max_tokens = 3"
    assert read_file(tmp_path / "config.toml", trusted=True)[0].values == {"max_tokens": 3}


def test_nobody_without_a_home_has_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """``docker run --user 12345``: no HOME, and no line in passwd."""

    def nobody(_: int) -> None:
        raise KeyError

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert user_file({}) is None
    assert state_folder() is None


def test_a_file_of_typos_is_told_in_a_few_sentences() -> None:
    _, sentences = one({f"nothing{number}": 1 for number in range(100_000)})
    assert len(sentences) <= 12
    assert "100,000" in sentences[-1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([HUGE, -HUGE, "x" * 10**6])
    | st.characters(categories=["Cs"]),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=12,
)  # fmt: skip
NAMES = st.sampled_from([*SPECS, "fim-lsp"]) | st.text()


@given(st.lists(st.dictionaries(NAMES, JSON, max_size=6) | JSON, max_size=3), st.booleans())
def test_whatever_an_editor_sends_is_settled(sent: list[object], trusted: bool) -> None:
    read = [read_editor("o", values, trusted=trusted) for values in sent]
    settings, problems = settle([layer for layer, _ in read])
    for problem in (*problems, *(problem for _, problems in read for problem in problems)):
        assert len(problem.message) < 2000
        assert problem.message.isprintable()
    assert settings.exclude[: len(DEFAULT_EXCLUDES)] == DEFAULT_EXCLUDES
    plain = {name: getattr(settings, name) for name in SPECS}
    for name, value in plain.items():
        value = value.reveal() if isinstance(value, Secret) else value
        SPECS[name].validator.accept(value)


@given(st.dictionaries(NAMES, JSON, max_size=4), st.sampled_from([50, 900, 5000]))
def test_whatever_an_editor_nests_is_settled(sent: dict[str, object], depth: int) -> None:
    nest: object = sent
    for _ in range(depth):
        nest = [nest]
    for values in ({"stop": nest}, {"fim-lsp": nest}, {"model": nest}, nest, {"nothing": nest}):
        layer, _ = read_editor("o", values, trusted=True)
        assert settle([layer])[0] in (Settings(), fail_closed(Settings()))
