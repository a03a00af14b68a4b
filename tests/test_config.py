"""Settings: four sources, a trust rule, and a clear sentence for whatever can't be used."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from fim_lsp.config import EXCLUDED, RULES, Layer, Settings, schema, settle, table
from fim_lsp.secret import Secret
from fim_lsp.sources import read_editor, read_environment, read_file, user_file

README = Path(__file__).parent.parent / "README.md"


def one(values: dict[str, object], *, trusted: bool = True) -> tuple[Settings, list[str]]:
    settings, problems = settle([Layer(origin="here", values=values, trusted=trusted)])
    return settings, [problem.sentence for problem in problems]


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
        ("fallback", ["nobody"]), ("exclude", "*.py"), ("menu", True), ("prompt_tokens", 3), ("suffix_share", 2),
    ],
)  # fmt: skip
def test_a_bad_value_is_one_sentence_with_name_value_and_what_is_allowed(name: str, bad: object) -> None:
    settings, sentences = one({name: bad, "random_seed": 5} if name != "random_seed" else {name: bad})
    assert settings == settle([Layer(origin="x", values={} if name == "random_seed" else {"random_seed": 5})])[0]
    (sentence,) = sentences
    assert sentence.startswith("here: ")
    assert name in sentence
    assert RULES[name].check.allowed in sentence
    shown = "***" if name in {"api_key", "api_key_command"} else repr(bad)
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


def test_exclude_only_grows_and_only_the_user_lets_through() -> None:
    layers = [
        Layer(origin="user", values={"exclude": ["private/", "!.env.local"]}),
        Layer(origin="project", values={"exclude": ["vendor/", "!.env"]}, trusted=False),
    ]
    assert settle(layers)[0].exclude == (*EXCLUDED, "private/", "!.env.local", "vendor/")


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
    assert "environment" in problem.sentence
    assert "'hot'" in problem.sentence


def test_config_files(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert read_file(file, trusted=True)[0].values == {}
    assert read_file(file, trusted=True)[1] == ()
    file.write_text('model = "m"\nstop = ["x"]\n')
    assert read_file(file, trusted=True)[0].values == {"model": "m", "stop": ["x"]}
    file.write_text('model = "m\n')
    layer, (problem,) = read_file(file, trusted=True)
    assert layer.values == {}
    assert str(file) in problem.sentence
    assert "line 1" in problem.sentence
    file.write_bytes(b"\xff")
    assert "UTF-8" in read_file(file, trusted=True)[1][0].sentence
    assert "can't be read" in read_file(tmp_path, trusted=True)[1][0].sentence


def test_where_the_config_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_file({"FIM_LSP_CONFIG": str(tmp_path / "c.toml")}) == tmp_path / "c.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert user_file({}).parts[-2:] == ("fim-lsp", "config.toml")


@pytest.mark.parametrize("sent", [None, [], {}])
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
    """``python -m fim_lsp.config`` prints it."""
    marked = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", README.read_text("utf-8"), re.DOTALL)
    assert marked
    assert marked[1] == table()
