"""Requests are valid by the API's own schema and by Mistral's own client."""

from __future__ import annotations

import json
from dataclasses import asdict

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistralai.client import models

from fim_lsp.backends.codestral import API_HOSTS, Codestral, codestral, request_body
from fim_lsp.backends.profile import Generation
from fim_lsp.errors import SettingError
from fim_lsp.http.request import EVENT_STREAM, JSON
from fim_lsp.http.urls import endpoint
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.settings.schema import SPECS
from tests.fakes.schema import FIM_REQUEST

COUNT = st.none() | st.integers(0, 100_000)
STOPS = st.lists(st.text(min_size=1), max_size=3).map(tuple)
GENERATION = st.builds(
    Generation,
    temperature=st.none() | st.floats(min_value=0, max_value=1.5),
    top_p=st.none() | st.floats(min_value=0, max_value=1, exclude_min=True),
    max_tokens=COUNT,
    min_tokens=COUNT,
    stop=st.none() | STOPS,
    random_seed=COUNT,
    stream=st.booleans(),
)
ANY_TEXT = st.text(st.characters(exclude_categories=[]))  # lone surrogates too
PROMPT = st.builds(Prompt, prefix=ANY_TEXT, suffix=ANY_TEXT, max_tokens=COUNT, stop=STOPS)


def body_of(prompt: Prompt, profile: Codestral | None = None, **generation: object) -> dict[str, object]:
    made = profile or codestral(generation=Generation(**generation))  # type: ignore[arg-type]
    return json.loads(made.request(prompt).body)  # type: ignore[no-any-return]


@given(generation=GENERATION, prompt=PROMPT, site=st.sampled_from(sorted(API_HOSTS)))
def test_every_body_is_valid(generation: Generation, prompt: Prompt, site: str) -> None:
    request = codestral(site, generation=generation).request(prompt)
    body = json.loads(request.body)
    jsonschema.validate(body, FIM_REQUEST)
    models.FIMCompletionRequest.model_validate(body, extra="forbid")
    assert body["stream"] is generation.stream
    assert request.headers["Accept"] == (EVENT_STREAM if generation.stream else JSON)
    assert None not in body.values()


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 200), st.floats(), st.floats(-1, 2), st.text(max_size=3),
    st.lists(st.one_of(st.text(max_size=3), st.integers()), max_size=3), st.dictionaries(st.text(max_size=2), st.none()),
)  # fmt: skip
PARAMETERS = ["temperature", "top_p", "max_tokens", "min_tokens", "stop", "random_seed", "stream"]


@given(GENERATION)
def test_what_the_settings_allow_the_schema_allows(generation: Generation) -> None:
    for name, value in asdict(generation).items():
        SPECS[name].validator.accept(value)


@given(name=st.sampled_from(PARAMETERS), value=ANYTHING)
def test_the_settings_validate_like_the_schema(name: str, value: object) -> None:
    schema = FIM_REQUEST["properties"][name]
    try:
        SPECS[name].validator.accept(value)
    except ValueError:
        empty_stop = name == "stop" and (value == "" or (isinstance(value, list) and "" in value))
        odd_number = isinstance(value, float)  # JSON Schema takes 1.0 for an integer, and can't know nan and inf
        assert empty_stop or odd_number or not jsonschema.Draft202012Validator(schema).is_valid(value)
    else:
        jsonschema.validate(list(value) if isinstance(value, tuple) else value, schema)


@pytest.mark.parametrize(
    ("profile", "url", "model"),
    [
        (codestral(), "https://codestral.mistral.ai/v1/fim/completions", "codestral-latest"),
        (codestral("mistral"), "https://api.mistral.ai/v1/fim/completions", "codestral-latest"),
        (codestral("langdock"), "https://api.langdock.com/mistral/eu/v1/fim/completions", "codestral-2501"),
        (
            codestral("langdock", region="us"),
            "https://api.langdock.com/mistral/us/v1/fim/completions",
            "codestral-2501",
        ),
        (codestral(base_url="http://127.0.0.1:9/x/", model="m"), "http://127.0.0.1:9/x/v1/fim/completions", "m"),
        (codestral(base_url="https://h/v1"), "https://h/v1/fim/completions", "codestral-latest"),
        (codestral(base_url="https://h/v1/"), "https://h/v1/fim/completions", "codestral-latest"),
    ],
    ids=lambda value: value.name if isinstance(value, Codestral) else None,
)
def test_url_and_model(profile: Codestral, url: str, model: str) -> None:
    request = profile.request(Prompt(prefix="a", suffix=""))
    assert request.url == url
    assert json.loads(request.body)["model"] == model


@pytest.mark.parametrize(
    "url", ["", "h", "ftp://h", "https://", "https://u:p@h", "https://h?x=1", "https://h:x", "http://["]
)
def test_unusable_addresses(url: str) -> None:
    with pytest.raises(SettingError, match="base_url"):
        endpoint(url, "/v1/x")


def test_nothing_is_sent_that_is_not_set() -> None:
    body = body_of(Prompt(prefix="a", suffix=""), max_tokens=None)
    assert body == {"model": "codestral-latest", "prompt": "a", "stream": True}


@pytest.mark.parametrize(
    ("setting", "own", "sent"),
    [
        (None, (), None),
        (("\n",), (), "\n"),
        (None, ("\n\n",), "\n\n"),
        (("\n", "a"), ("a", "b"), ["\n", "a", "b"]),
        (("x",), ("", "x"), "x"),
    ],
)
def test_stop_strings_are_joined(setting: tuple[str, ...] | None, own: tuple[str, ...], sent: object) -> None:
    assert body_of(Prompt(prefix="", suffix="", stop=own), stop=setting).get("stop") == sent


@pytest.mark.parametrize(
    ("setting", "own", "sent"), [(128, 16, 16), (16, 128, 16), (None, 9, 9), (9, None, 9), (9, 0, 0)]
)
def test_a_prompt_lowers_max_tokens(setting: int | None, own: int | None, sent: int) -> None:
    body = body_of(Prompt(prefix="", suffix="", max_tokens=own), max_tokens=setting, min_tokens=1)
    assert body["max_tokens"] == sent
    assert body["min_tokens"] == min(1, sent)


def test_surrogates() -> None:
    body = body_of(Prompt(prefix="a\ud800b", suffix="\ud83d\ude00"))
    assert (body["prompt"], body["suffix"]) == ("a\ufffdb", "😀")


CONTEXT = (Snippet(path="lib/a.py", text="def a(): ...\n\n"), Snippet(path="b.py", text="B = 1\n"))


def test_context_is_above_the_prefix_each_file_under_its_path() -> None:
    prompt = Prompt(prefix="a(", suffix=")\n", context=CONTEXT, path="main.py", stop=("END",))
    body = request_body("m", prompt, Generation())
    assert body["prompt"] == "+++++ lib/a.py\ndef a(): ...\n\n+++++ b.py\nB = 1\n\n+++++ main.py\na("
    assert body["suffix"] == ")\n"
    assert body["stop"] == ["END", "\n+++++ "]


def test_without_context_there_is_no_heading_and_no_stop() -> None:
    body = request_body("m", Prompt(prefix="a(", suffix=")\n", path="main.py"), Generation())
    assert (body["prompt"], "stop" in body) == ("a(", False)


def test_a_text_that_has_such_headings_is_sent_without_context() -> None:
    body = request_body("m", Prompt(prefix="x\n+++++ y\n", suffix="", context=CONTEXT, path="a.diff"), Generation())
    assert (body["prompt"], "stop" in body) == ("x\n+++++ y\n", False)


@given(st.builds(Prompt, prefix=st.text(max_size=50), suffix=st.text(max_size=50), path=st.text("ab/", max_size=9),
                 context=st.lists(st.builds(Snippet, path=st.text("ab/", max_size=9), text=st.text(max_size=30)), max_size=4)
                 .map(tuple)))  # fmt: skip
def test_no_more_is_sent_than_the_prompt_counts(prompt: Prompt) -> None:
    body = request_body("m", prompt, Generation())
    assert len(str(body["prompt"])) + len(str(body.get("suffix", ""))) <= prompt.size
