"""What restricts fails closed: a damaged setting never lets more leave this machine than the intact one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.backends.factory import create_backends
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.secret import Secret
from fim_lsp.settings.merge import Layer, Merged, merge_layers
from fim_lsp.settings.schema import SPECS, Settings
from fim_lsp.settings.sources import read_editor, read_environment
from fim_lsp.settings.validators import Validator
from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES

KEYED = {"CODESTRAL_API_KEY": "sk-codestral", "MISTRAL_API_KEY": "sk-mistral", "LANGDOCK_API_KEY": "sk-langdock"}
ROOT = Path("/project")
FILES = [ROOT / name for name in ("a.py", "b.js", "secret/c.py", "vendor/d.go", "notes.md")] + [Path("/elsewhere/e.py")]


async def leaving(settings: Settings, environment: Mapping[str, str] = KEYED) -> set[tuple[str, str]]:
    """Which host hears which key, of the back ends that are not in this process."""
    choice = create_backends(settings, environment, NgramBackend(), {})
    hosts = set()
    for backend in choice.backends:
        if isinstance(backend, HttpBackend):
            key = await backend._keys.key() if not settings.api_key_command else Secret("from the command")
            hosts.add((backend.host, key.reveal() if key else ""))
    await choice.close()
    return hosts


def files(settings: Settings) -> set[Path]:
    """The files whose text may leave this machine."""
    paths = FilePolicy([ROOT], settings.exclude, settings.local_only)
    return {path for path in FILES if paths.may_send(path.as_uri(), path) and not paths.local_only(path.as_uri(), path)}


def from_user(**values: object) -> Merged:
    return merge_layers([Layer(origin="config.toml", values=values)])


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
    {"api_key_cmd": ["pass"]}, {"api_key_command": [1]}, {"settings": {"exclude": ["*.py"]}},
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
    told = " ".join(problem.message for problem in merged.problems)
    assert "nothing leaves this machine" in told
    assert "sk-corp" not in told


HARMLESS: list[dict[str, object]] = [
    {"temperature": 9}, {"max_token": 5}, {"modle": "x"}, {"debounce": "fast"}, {"prompt_tokens": -1}, {"stream": 1},
    {"nonsense": True}, {"python": {"path": "x"}}, {"timeout": 0}, {"menu": "maybe"}, {"model": "m" * 201},
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
def test_a_list_in_the_environment_that_is_no_json_confines(raw: str) -> None:
    assert merge_layers([read_environment({"FIM_LSP_EXCLUDE": raw})]).failed_closed is (raw != "[]]")


def test_the_good_entries_of_a_list_of_globs_hold_and_the_bad_one_is_reported() -> None:
    merged = from_user(exclude=["*.py", 5, "*.js"])
    assert merged.settings.exclude == (*DEFAULT_EXCLUDES, "*.py", "*.js")
    (problem,) = merged.problems
    assert '"exclude[2]" is 5' in problem.message


def test_an_environment_variable_is_named_in_full() -> None:
    merged = merge_layers([read_environment({"FIM_LSP_TEMPERATURE": "hot", "FIM_LSP_EXCLUDES": "*.py"})])
    told = sorted(problem.message for problem in merged.problems)
    assert told[0].startswith("environment variable FIM_LSP_EXCLUDES: ")
    assert told[1].startswith("environment variable FIM_LSP_TEMPERATURE: ")


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
    named = [name for name in values if name in ("exclude", "local_only", "context_tokens")]
    assert merged.failed_closed or not named


@pytest.mark.parametrize(
    ("name", "below", "project", "above"),
    [
        ("prompt_tokens", 1200, 100_000, 1200), ("prompt_tokens", 1200, 500, 500), ("max_tokens", 128, 100_000, 128),
        ("max_tokens", 128, None, 128), ("max_tokens", None, 64, 64), ("max_tokens", 128, 64, 64),
        ("min_tokens", None, 50, None), ("min_tokens", 50, 10, 10), ("min_tokens", 50, None, None),
        ("context_tokens", 400, 1000, 400), ("context_tokens", 400, 0, 0), ("debounce", "adaptive", 0, "adaptive"),
        ("debounce", "adaptive", 500, 500), ("debounce", 100, 50, 100), ("debounce", 100, 150, 150),
        ("debounce", 300, "adaptive", 300), ("stream", True, False, True), ("stream", False, True, True),
        ("timeout", 10, 600, 10), ("timeout", 10, 2, 2), ("stop", ["x"], None, ("x",)),
        ("stop", None, ["a"], ("a",)), ("stop", "x", ["y"], "x"), ("stop", "x", ["y", "x"], ("y", "x")),
        ("multiline", "never", "always", "never"), ("multiline", "auto", "never", "never"), ("region", "eu", "us", "eu"),
    ],
)  # fmt: skip
def test_a_project_never_raises_what_costs_or_leaks(name: str, below: object, project: object, above: object) -> None:
    merged = merge_layers(
        [
            Layer(origin="config.toml", values={name: below}),
            Layer(origin="project", values={name: project}, trusted=False),
        ]
    )
    assert getattr(merged.settings, name) == above
    taken = tuple(project) if isinstance(project, list) else project
    assert [name in problem.message for problem in merged.problems] == [True] * (taken != above)


def test_other_servers_settings_are_not_ours() -> None:
    pushed = {"pylsp": {"plugins": {"exclude": ["x"]}}, "url": {"a": 1}, "python": {}, "vetur": None}
    layer, problems = read_editor("workspace/configuration", pushed, trusted=False, shared=True)
    merged = merge_layers([layer])
    assert (merged.failed_closed, merged.problems, problems) == (False, (), ())


@pytest.mark.parametrize("sent", ["exclude", 5, True, ["exclude"], {"fim-lsp": "x"}, {"fim-lsp": 5}, {"fim-lsp": [1]}])
def test_what_is_no_object_of_settings_confines(sent: object) -> None:
    layer, problems = read_editor("initializationOptions", sent, trusted=True)
    assert merge_layers([layer]).failed_closed
    assert len(problems) == 1


def test_settings_beside_the_section_hold_too() -> None:
    layer, _ = read_editor("o", {"fim-lsp": {"exclude": ["*.py"]}, "exclude": ["*.js"], "other": 1}, trusted=True)
    assert merge_layers([layer]).settings.exclude == (*DEFAULT_EXCLUDES, "*.js", "*.py")


# -- the property

GLOBS = st.lists(st.sampled_from(["*.py", "secret/", "vendor/**", "**", "*.md", "!notes.md"]), max_size=3)
INTACT: dict[str, st.SearchStrategy[object]] = {
    "backend": st.sampled_from(["auto", "codestral", "mistral", "langdock", "ngram"]),
    "base_url": st.sampled_from([None, "https://llm.corp", "http://127.0.0.1:9"]),
    "region": st.sampled_from(["eu", "us"]),
    "api_key": st.sampled_from(["sk-one", "sk-two"]),
    "fallback": st.lists(st.sampled_from(["mistral", "langdock", "ngram"]), max_size=2, unique=True),
    "exclude": GLOBS, "local_only": GLOBS, "context_tokens": st.sampled_from([0, 400]),
    "limits_store": st.sampled_from(["machine", "redis://corp"]), "temperature": st.sampled_from([0.5, 9]),
}  # fmt: skip
LAYERS = st.lists(st.fixed_dictionaries({}, optional=INTACT), min_size=1, max_size=4)
JUNK = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.integers(), min_size=1, max_size=2)
MISSPELT = {"exclude": "excludes", "local_only": "localonly", "base_url": "baseUrl", "backend": "backnd",
            "api_key": "apikey", "fallback": "fallbacks", "region": "regoin", "context_tokens": "context-tokens",
            "limits_store": "limit_store"}  # fmt: skip


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
            values[name] = kept
        else:
            values[MISSPELT[name]] = value
        damaged[number] = Layer(origin=layer.origin, values=values, trusted=layer.trusted)
    before, after = merge_layers(intact), merge_layers(damaged)
    if hosts := await leaving(after.settings):
        assert hosts <= await leaving(before.settings)
        assert files(after.settings) <= files(before.settings)
        assert after.settings.context_tokens <= before.settings.context_tokens
        assert after.settings.limits_store in (before.settings.limits_store, Secret("process"))
