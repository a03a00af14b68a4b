"""Later sources win, and a damaged restriction never lets more leave this machine than an intact one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.secret import Secret
from fim_lsp.settings.merge import Layer, merge_layers
from fim_lsp.settings.schema import SPECS
from fim_lsp.settings.validators import Validator
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES
from tests.settings.helpers import (
    ROOT,
    files,
    from_user,
    leaving,
    merge,
    merge_one,
)


def test_later_layers_win() -> None:
    layers = [Layer(origin=str(n), values={"max_tokens": n, **({"model": "m"} if n == 1 else {})}) for n in (1, 2, 3)]
    settings, problems = merge(layers)
    assert (settings.max_tokens, settings.model, problems) == (3, "m", ())


def test_null_means_not_sent() -> None:
    settings, sentences = merge_one({"max_tokens": None, "temperature": None, "stop": None})
    assert (settings.max_tokens, settings.temperature, settings.stop, sentences) == (None, None, None, [])


def test_an_odd_glob_does_not_disable_the_others() -> None:
    assert merge_one({"exclude": ["\ud800", "a\nb", "private/"]})[0].exclude[-1] == "private/"


def test_exclude_only_grows_and_only_the_user_lets_through() -> None:
    layers = [
        Layer(origin="user", values={"exclude": ["private/", "!.env.local"]}),
        Layer(origin="project", values={"exclude": ["vendor/", "!.env"]}, trusted=False),
    ]
    assert merge(layers)[0].exclude == (*DEFAULT_EXCLUDES, "private/", "!.env.local", "vendor/")


def test_a_key_is_never_shown() -> None:
    settings, _ = merge_one({"api_key": "hunter2"})
    assert "hunter2" not in f"{settings} {settings!r} {settings.api_key} {settings.api_key:>20} {[settings.api_key]}"
    assert settings.api_key is not None
    assert settings.api_key.reveal() == "hunter2"
    with pytest.raises(TypeError):
        json.dumps(settings.api_key)


DAMAGED: list[dict[str, object]] = [
    {"backend": "llama.cpp"}, {"backend": "n-gram"}, {"backend": ""}, {"backend": None}, {"backend": ["ngram"]},
    {"backend": "NGRAM"}, {"back_end": "ngram"}, {"Backend": "ngram"}, {"provider": "ngram"},
    {"base_url": "http://llm.corp/?tenant=x"}, {"base_url": "llm.corp:8000"}, {"base_url": "http://llm.corp:99999"},
    {"base_url": "ftp://llm.corp"}, {"base_url": "http://llm.corp\\@evil"}, {"base_url": "http:///v1"}, {"base_url": 5},
    {"base_url": "http://user:pass@llm.corp"}, {"base_url": "http://llm.corp/#x"}, {"base_url": "http://l m.corp"},
    {"baseurl": "http://llm.corp"}, {"base-url": "http://llm.corp"}, {"baseUrl": "http://llm.corp"},
    {"apiBase": "http://llm.corp"}, {"endpoint": "http://llm.corp"}, {"fim-lsp.base_url": "http://llm.corp"},
    {"region": "eu/../us"}, {"region": 5}, {"regions": "eu"}, {"fallback": "ngram"}, {"fallback": ["nobody"]},
    {"fallbacks": []}, {"limits_store": "redis.corp"}, {"limit_store": "redis://corp"}, {"context_tokens": "none"},
    {"context_tokens": -1}, {"context_token": 0}, {"local_only": 5}, {"local_only": ["**", 5]}, {"local_only": {}},
    {"local_only": [""]}, {"local-only": "**"}, {"localOnly": ["**"]}, {"local_onyl": ["**"]}, {"exclude": 5},
    {"exclude": ["*.py", None]}, {"exclude": [["*.py"]]}, {"exclude": True}, {"excludes": ["*.py"]},
    {"exclued": ["*.py"]}, {"ignore": ["*.py"]}, {"exclude": "x" * 5000}, {"exclude": ["x"] * 10_001}, {"api_key": 5},
    {"api_key": ""}, {"api_key": "k" * 5000}, {"apikey": "sk"}, {"api_keys": ["sk"]}, {"api_key_command": "pass show x"},
    {"api_key_cmd": ["pass"]}, {"api_key_command": [1]}, {"trigger": "by hand"}, {"trigger": None}, {"trigger": False},
    {"triggers": "manual"}, {"manual": True}, {"autoTrigger": False}, {"languages": {"markdown": "off"}},
    {"languages": {"markdown": False, "python": 0}}, {"languages": ["markdown"]}, {"languages": "markdown"},
    {"languages": None}, {"languages": {"": False}}, {"languages": {"x" * 300: False}}, {"language": {"markdown": False}},
    {"languages": {f"l{n}": False for n in range(501)}}, {"disabled_languages": ["markdown"]}, {"filetypes": {}},
    {"languages": {"exclude": ["*.py"]}}, {"languages": {"stream": False}}, {"prices": {"exclude": ["*.py"]}},
    {"prices": {**{f"m{n}": 5 for n in range(20)}, "excludes": ["*.py"]}}, {"settings": {"exclude": ["*.py"]}},
    {"tool": {"fim-lsp": {"local_only": ["**"]}}}, {f"name{n}": 1 for n in range(300)},
]  # fmt: skip


@pytest.mark.parametrize("values", DAMAGED, ids=lambda values: repr(values)[:60])
async def test_nothing_leaves_when_a_setting_that_restricts_is_damaged(values: dict[str, object]) -> None:
    """Whatever other sources say: neither the next one's value nor the default applies."""
    layers = [
        Layer(origin="config.toml", values={"api_key": "sk-corp", "base_url": "https://llm.corp"}),
        Layer(origin="config.toml", values=values),
        Layer(origin="initializationOptions", values={"backend": "codestral", "fallback": ["mistral"]}),
    ]
    merged = merge_layers(layers)
    assert merged.failed_closed
    assert await leaving(merged.settings) == set()
    reported = " ".join(problem.message for problem in merged.problems)
    assert "nothing leaves this machine" in reported
    assert "sk-corp" not in reported


HARMLESS: list[dict[str, object]] = [
    {"temperature": 9}, {"max_token": 5}, {"modle": "x"}, {"debounce": "fast"}, {"prompt_tokens": -1}, {"stream": 1},
    {"nonsense": True}, {"python": {"path": "x"}}, {"timeout": 0}, {"menu": "maybe"}, {"model": "m" * 201},
    {"stats": "no"}, {"prices": 5}, {"prices": {"local-model": 3}}, {"prices": {"m": [1, -1]}}, {"prices": {"model": 1}},
]  # fmt: skip


@pytest.mark.parametrize("values", HARMLESS, ids=repr)
async def test_other_damage_falls_back_to_the_next_source(values: dict[str, object]) -> None:
    merged = from_user(**values)
    assert not merged.failed_closed
    assert await leaving(merged.settings) == {("codestral.mistral.ai", "sk-codestral")}
    assert len(merged.problems) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"local_only": "**"}, {"exclude": "*.py"}, {"exclude": ["*.py"]},
    ],
)  # fmt: skip
def test_a_single_glob_is_a_list_of_one(values: dict[str, object]) -> None:
    merged = from_user(**values)
    assert (merged.failed_closed, merged.problems) == (False, ())
    assert ROOT / "a.py" not in files(merged.settings)


def test_the_valid_entries_of_a_list_of_globs_apply_and_the_invalid_one_is_reported() -> None:
    merged = from_user(exclude=["*.py", 5, "*.js"])
    assert merged.settings.exclude == (*DEFAULT_EXCLUDES, "*.py", "*.js")
    (problem,) = merged.problems
    assert '"exclude[2]" is 5' in problem.message


def test_entries_of_a_table_are_merged_over_the_sources_one_by_one() -> None:
    layers = [
        Layer(origin="config.toml", values={"languages": {"markdown": False, "go": False}, "prices": {"m": [1, 2]}}),
        Layer(origin="editor", values={"languages": {"go": True, "Bash": False}, "prices": {"n": [3, 4, 1]}}),
        Layer(origin="project", values={"languages": {"sql": False, "rust": True}}, trusted=False),
    ]
    merged, problems = merge(layers)
    found = {language: merged.has_language(language) for language in ("markdown", "go", "sh", "sql", "rust", "c")}
    assert found == {"markdown": False, "go": True, "sh": False, "sql": False, "rust": True, "c": True}
    assert merged.prices == {"m": (1, 2), "n": (3, 4, 1)}
    assert problems == ()


def test_a_project_that_repeats_the_users_prices_is_not_reported() -> None:
    user = Layer(origin="config.toml", values={"prices": {"m": [1, 2]}})
    for prices, count in (({"m": [1, 2]}, 0), ({"m": [9, 9]}, 1)):
        merged, problems = merge([user, Layer(origin="project", values={"prices": prices}, trusted=False)])
        assert merged.prices == {"m": (1, 2)}
        assert len(problems) == count


def test_a_setting_below_the_line_of_a_table_is_reported_as_such() -> None:
    """``exclude`` after ``[languages]`` is TOML's ``languages.exclude``."""
    merged = from_user(languages={"markdown": False, "exclude": ["*.sql"], "stream": False})
    assert merged.failed_closed
    assert merged.settings.languages == {"markdown": False}
    assert [problem.message.split(":")[1] for problem in merged.problems] == [
        f' "{name}" is inside the table "languages"; move it above the line [languages]'
        for name in ("exclude", "stream")
    ]


CORP = {"api_key": "sk-corp", "base_url": "https://llm.corp/v1"}


@pytest.mark.parametrize(
    ("above", "hosts"),
    [
        ({}, {("llm.corp", "sk-corp")}),
        ({"base_url": "https://llm.corp/v2"}, {("llm.corp", "sk-corp")}),
        ({"base_url": "https://other.corp"}, {("other.corp", "")}),
        ({"base_url": "http://llm.corp"}, {("llm.corp", "")}),
        ({"base_url": "https://llm.corp:444"}, {("llm.corp:444", "")}),
        ({"base_url": None}, {("codestral.mistral.ai", "sk-codestral")}),
        ({"base_url": None, "backend": "mistral"}, {("api.mistral.ai", "sk-mistral")}),
        ({"base_url": "https://other.corp", "api_key": "sk-other"}, {("other.corp", "sk-other")}),
        ({"base_url": "https://other.corp", "api_key_command": ["pass"]}, {("other.corp", "from the command")}),
        ({"api_key": "sk-mine"}, {("llm.corp", "sk-mine")}),
    ],
)  # fmt: skip
async def test_a_key_belongs_to_the_address_beside_it(above: dict[str, object], hosts: set[tuple[str, str]]) -> None:
    merged = merge_layers([Layer(origin="config.toml", values=CORP), Layer(origin="later", values=above)])
    assert await leaving(merged.settings) == hosts


@pytest.mark.parametrize(
    ("below", "above", "hosts"),
    [
        ({"backend": "langdock", "api_key": "sk"}, {"backend": "mistral"}, {("api.mistral.ai", "sk-mistral")}),
        ({"backend": "langdock", "api_key": "sk"}, {"backend": "langdock"}, {("api.langdock.com", "sk")}),
        ({"api_key": "sk"}, {"backend": "mistral"}, {("api.mistral.ai", "sk")}),
        ({"api_key": "sk"}, {"base_url": "https://llm.corp"}, {("llm.corp", "sk")}),
        ({"api_key": "sk"}, {"api_key": None}, {("codestral.mistral.ai", "sk-codestral")}),
        ({"api_key": "sk"}, {"api_key_command": ["pass"]}, {("codestral.mistral.ai", "from the command")}),
    ],
)  # fmt: skip
async def test_a_key_belongs_to_the_back_end_beside_it(
    below: dict[str, object], above: dict[str, object], hosts: set[tuple[str, str]]
) -> None:
    merged = merge_layers([Layer(origin="config.toml", values=below), Layer(origin="later", values=above)])
    assert await leaving(merged.settings) == hosts


@pytest.mark.parametrize("values", DAMAGED, ids=lambda values: repr(values)[:60])
def test_a_project_cannot_loosen_by_damage(values: dict[str, object]) -> None:
    """What a project may not set at all is only refused: it had no say before either."""
    intact = merge_layers([Layer(origin="config.toml", values=CORP)]).settings
    merged = merge_layers(
        [Layer(origin="config.toml", values=CORP), Layer(origin="project", values=values, trusted=False)]
    )
    assert merged.failed_closed or (merged.settings.base_url, merged.settings.api_key) == (
        intact.base_url,
        intact.api_key,
    )
    assert merged.problems
    named = [name for name in values if name in ("exclude", "local_only", "context_tokens", "trigger", "languages")]
    assert merged.failed_closed or not (named or "exclude" in str(values.get("prices")))


GLOBS = st.lists(st.sampled_from(["*.py", "secret/", "vendor/**", "**", "*.md", "!notes.md"]), max_size=3)


INTACT: dict[str, st.SearchStrategy[object]] = {
    "backend": st.sampled_from(["auto", "codestral", "mistral", "langdock", "ngram"]),
    "base_url": st.sampled_from([None, "https://llm.corp", "http://127.0.0.1:9"]),
    "region": st.sampled_from(["eu", "us"]),
    "api_key": st.sampled_from(["sk-one", "sk-two"]),
    "fallback": st.lists(st.sampled_from(["mistral", "langdock", "ngram"]), max_size=2, unique=True),
    "exclude": GLOBS, "local_only": GLOBS, "context_tokens": st.sampled_from([0, 400]),
    "limits_store": st.sampled_from(["machine", "redis://corp"]), "temperature": st.sampled_from([0.5, 9]),
    "trigger": st.sampled_from(["auto", "manual"]),
    "languages": st.dictionaries(st.sampled_from(["python", "markdown", "sh"]), st.booleans(), max_size=3),
}  # fmt: skip


LAYERS = st.lists(st.fixed_dictionaries({}, optional=INTACT), min_size=1, max_size=4)


JUNK = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.integers(), min_size=1, max_size=2)


MISSPELLED = {"exclude": "excludes", "local_only": "localonly", "base_url": "baseUrl", "backend": "backnd",
            "api_key": "apikey", "fallback": "fallbacks", "region": "regoin", "context_tokens": "context-tokens",
            "limits_store": "limit_store", "trigger": "triggers", "languages": "languags"}  # fmt: skip


def accepted(check: Validator, value: object) -> bool:
    try:
        check.accept(value)
    except (ValueError, OverflowError):
        return False
    return True


@settings(max_examples=400)
@given(layers=LAYERS, trusted=st.lists(st.booleans(), min_size=4, max_size=4), data=st.data())
async def test_damage_lets_no_more_leave_than_the_intact_settings(
    layers: list[dict[str, object]], trusted: list[bool], data: st.DataObject
) -> None:
    """Sources × damage: the files and keys that may leave, and their hosts, are a subset of what the intact ones allow."""
    intact = [Layer(origin=str(n), values=values, trusted=trusted[n]) for n, values in enumerate(layers)]
    damaged = list(intact)
    for number in data.draw(st.sets(st.integers(0, len(layers) - 1), min_size=1)):
        layer = intact[number]
        values = dict(layer.values)
        restricting = [name for name in values if SPECS[name].restricts]
        how = data.draw(st.sampled_from(["value", "name", "source"]))
        if how == "source" or not restricting:
            damaged[number] = Layer(origin=layer.origin, values={}, trusted=layer.trusted, readable=False)
            continue
        name = data.draw(st.sampled_from(restricting))
        value = values.pop(name)
        if how == "value":
            check = SPECS[name].validator
            junk = data.draw(JUNK.filter(lambda junk, check=check: not accepted(check, junk)))
            kept = [*value, junk] if isinstance(value, list) and not isinstance(junk, str) else junk
            if isinstance(value, dict) and not isinstance(junk, bool) and data.draw(st.booleans()):
                kept = {**value, data.draw(st.sampled_from(["python", "go"])): junk}
            values[name] = kept
        else:
            values[MISSPELLED[name]] = value
        damaged[number] = Layer(origin=layer.origin, values=values, trusted=layer.trusted)
    before, after = merge_layers(intact), merge_layers(damaged)
    if hosts := await leaving(after.settings):
        assert hosts <= await leaving(before.settings)
        assert files(after.settings) <= files(before.settings)
        if before.settings.trigger == "manual":
            assert after.settings.trigger == "manual"
        for language in ("python", "markdown", "shellscript", "go"):
            assert before.settings.has_language(language) or not after.settings.has_language(language)
        assert after.settings.context_tokens <= before.settings.context_tokens
        assert after.settings.limits_store in (before.settings.limits_store, Secret("process"))
