"""Continue's two files: real-shaped ones in a table, any others as a property."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.errors import UsageError
from fim_lsp.migrate.continue_dev import read_json, read_values, read_yaml
from fim_lsp.secret import Secret
from tests.migrate.checks import load_or_refuse, loaded, reasons, settings_of

LANGDOCK = """{
  "models": [
    {
      "title": "GPT-4o", // for chat
      "provider": "openai", "model": "gpt-4o",
      "apiKey": "lk-hunter2-hunter2", "apiBase": "https://api.langdock.com/openai/eu/v1"
    }
  ],
  "tabAutocompleteModel": {
    "title": "Codestral",
    "provider": "mistral",
    "model": "codestral-2501",
    "apiKey": "lk-hunter2-hunter2",
    "apiBase": "https://api.langdock.com/mistral/eu/v1"
  }
}"""


def model(**values: object) -> dict[str, object]:
    return {"tabAutocompleteModel": {"title": "T", **values}}


def test_langdocks_documented_setup() -> None:
    found = read_json(LANGDOCK)
    assert settings_of(found) == {"backend": "langdock", "region": "eu", "model": "codestral-2501"}
    assert found.left == ()
    assert found.key
    assert (found.key.command, found.key.secret) == ("fim-lsp key set api.langdock.com", Secret("lk-hunter2-hunter2"))
    settings = loaded(found)
    assert (settings.backend, settings.region, settings.base_url) == ("langdock", "eu", None)


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("https://api.langdock.com/mistral/eu/v1", "eu"),
        ("https://api.langdock.com/mistral/eu/v1/", "eu"),
        ("https://api.langdock.com/mistral/eu", "eu"),
        ("https://API.langdock.com:443/mistral/us/v1/fim/completions", "us"),
        (" https://api.langdock.com/mistral ", None),
        ("https://api.langdock.com", None),
    ],
)
def test_langdocks_addresses(address: str, region: str | None) -> None:
    found = read_values(model(provider="mistral", model="codestral-latest", apiBase=address))
    expected = {"backend": "langdock", "region": region, "model": "codestral-latest"}
    assert settings_of(found) == {name: value for name, value in expected.items() if value}
    loaded(found)


MODELS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "codestral without an address": ({"provider": "mistral", "model": "codestral-latest"}, {"backend": "codestral"}),
    "another model of Mistral's": ({"provider": "mistral", "model": "open-mistral-7b"}, {"backend": "mistral"}),
    "codestral's own address": (
        {"provider": "mistral", "model": "codestral-latest", "apiBase": "https://codestral.mistral.ai/v1/"},
        {"backend": "codestral"},
    ),
    "Mistral's address": (
        {"provider": "mistral", "model": "codestral-latest", "apiBase": "https://api.mistral.ai/v1"},
        {"backend": "mistral"},
    ),
    "a gateway": (
        {"provider": "mistral", "model": "codestral-latest", "apiBase": "https://llm.corp:8443/m/v1"},
        {"backend": "codestral", "base_url": "https://llm.corp:8443/m"},
    ),
    "Ollama": ({"provider": "ollama", "model": "qwen2.5-coder:1.5b-base"}, {"backend": "ollama"}),
    "Ollama with its usual address": (
        {"provider": "ollama", "model": "qwen2.5-coder:1.5b-base", "apiBase": "http://localhost:11434"},
        {"backend": "ollama"},
    ),
    "Ollama elsewhere": (
        {"provider": "ollama", "model": "m", "apiBase": "http://gpu.lan:11434/"},
        {"backend": "ollama", "base_url": "http://gpu.lan:11434"},
    ),
    "llama.cpp": (
        {"provider": "llama.cpp", "model": "AUTODETECT", "apiBase": "http://localhost:8080"},
        {"backend": "llamacpp", "base_url": "http://localhost:8080"},
    ),
    "LM Studio": (
        {"provider": "lmstudio", "model": "m"}, {"backend": "openai", "base_url": "http://localhost:1234"}
    ),
    "vLLM": (
        {"provider": "vllm", "model": "m", "apiBase": "http://gpu.lan:8000/v1"},
        {"backend": "openai", "base_url": "http://gpu.lan:8000"},
    ),
    "Langdock as OpenAI's provider": (
        {"provider": "openai", "model": "codestral-2501", "apiBase": "https://api.langdock.com/mistral/eu/v1"},
        {"backend": "langdock", "region": "eu"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MODELS)
def test_models(case: str) -> None:
    values, expected = MODELS[case]
    found = read_values(model(**values))
    if values["model"] != "AUTODETECT":
        expected = {**expected, "model": values["model"]}
    assert settings_of(found) == expected
    assert found.left == ()
    loaded(found)


@pytest.mark.parametrize(
    ("values", "source", "words"),
    [
        ({"provider": "anthropic", "model": "claude"}, "provider", "no fill-in-the-middle"),
        ({"provider": "openai", "model": "gpt-4o"}, "provider", "set `backend` and `base_url`"),
        ({"uses": "mistral/codestral"}, "uses", "not in this file"),
        ({"provider": "mistral", "model": "codestral-2405"}, "model", "retired this model on 2025-06-16"),
        (
            {"provider": "mistral", "model": "c", "apiBase": "https://api.langdock.com/openai/eu/v1"},
            "apiBase",
            "under /mistral/REGION only, not under /openai",
        ),
        ({"provider": "mistral", "model": "c", "apiBase": "llm.corp"}, "apiBase", "not an http or https address"),
        ({"provider": "vllm", "model": "m", "apiBase": "https://u:p@llm.corp"}, "apiBase", "without login"),
        ({"provider": "mistral", "model": "codestral", "apiKey": "<YOUR_KEY>"}, "apiKey", "placeholder"),
        ({"provider": "mistral", "model": ["codestral"]}, "model", "`model` must be a string"),
    ],
)
def test_what_has_no_counterpart_has_a_reason(values: dict[str, object], source: str, words: str) -> None:
    found = read_values(model(**values))
    assert words in reasons(found)[source]
    loaded(found)


def test_options() -> None:
    values = model(
        provider="mistral", model="codestral-latest",
        completionOptions={"temperature": 0.2, "topP": 0.9, "maxTokens": 256, "stop": ["\n\n"], "topK": 3, "stream": True},
        requestOptions={"timeout": 20, "proxy": "http://p", "caBundlePath": "/ca.pem", "verifySsl": False, "headers": {}},
    )  # fmt: skip
    values["tabAutocompleteOptions"] = {
        "disable": False, "debounceDelay": 500, "maxPromptTokens": 1500, "maxSuffixPercentage": 0.2,
        "prefixPercentage": 0.85, "multilineCompletions": "never", "disableInFiles": ["*.md", "secret/**"],
        "useOtherFiles": False, "useCache": True, "modelTimeout": 150, "template": "<PRE>{{{prefix}}}", "newOption": 1,
    }  # fmt: skip
    found = read_values(values)
    assert settings_of(found) == {
        "backend": "codestral", "model": "codestral-latest", "temperature": 0.2, "top_p": 0.9, "max_tokens": 256,
        "stop": ["\n\n"], "timeout": 20, "debounce": 500, "prompt_tokens": 1500, "suffix_share": 0.2,
        "context_tokens": 0, "multiline": "never", "exclude": ["*.md", "secret/**"],
    }  # fmt: skip
    left = reasons(found)
    assert "HTTPS_PROXY" in left["requestOptions.proxy"]
    assert "SSL_CERT_FILE" in left["requestOptions.caBundlePath"]
    assert "SSL_CERT_FILE" in left["requestOptions.verifySsl"]
    assert "never on disk" in left["tabAutocompleteOptions.useCache"]
    assert "`timeout`" in left["tabAutocompleteOptions.modelTimeout"]
    assert left["tabAutocompleteOptions.newOption"] == "no counterpart"
    assert "tabAutocompleteOptions.disable" not in left
    assert loaded(found).exclude[-2:] == ("*.md", "secret/**")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("debounceDelay", -1, '`debounce` must be "adaptive" or a number'),
        ("maxPromptTokens", 10, "`prompt_tokens` must be"),
        ("multilineCompletions", True, "`multiline` must be"),
        ("disableInFiles", ["!*.md"], "a glob with !"),
        ("disable", True, '`trigger = "manual"`'),
    ],
)
def test_an_option_that_does_not_fit(name: str, value: object, words: str) -> None:
    values = model(provider="mistral", model="codestral-latest") | {"tabAutocompleteOptions": {name: value}}
    found = read_values(values)
    assert words in reasons(found)[f"tabAutocompleteOptions.{name}"]
    loaded(found)


YAML = """
name: Assistant
version: 1.0.0
schema: v1
models:
  - name: Claude
    provider: anthropic
    model: claude-sonnet
    roles: [chat, edit]
  - name: Codestral
    provider: mistral
    model: codestral-2501
    apiBase: https://api.langdock.com/mistral/eu/v1/
    apiKey: ${{ secrets.LANGDOCK }}
    roles:
      - autocomplete
    autocompleteOptions:
      debounceDelay: 250
      maxSuffixPercentage: 0.2
    defaultCompletionOptions:
      temperature: 0.1
  - name: Local
    provider: ollama
    model: qwen2.5-coder:1.5b
    roles: [autocomplete]
"""


def test_yaml() -> None:
    found = read_yaml(YAML)
    assert settings_of(found) == {
        "backend": "langdock", "region": "eu", "model": "codestral-2501", "debounce": 250, "suffix_share": 0.2,
        "temperature": 0.1,
    }  # fmt: skip
    assert reasons(found) == {"model Local": "only the first is taken"}
    assert found.key
    assert (found.key.variable, found.key.secret) == ("LANGDOCK", None)
    loaded(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{\n"a": 1,\n}', "line 3 is not valid JSON"),
        ("{", "line 1 is not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "no settings of Continue"),
        ("{}", "no model for autocompletion"),
        ('{"models": [{"provider": "ollama", "model": "m"}]}', "no model for autocompletion"),
    ],
)
def test_json_that_cannot_be_used(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_json(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: [", "line 2 is not valid YAML"),
        ("a: 1\nb: c: d", "line 2 is not valid YAML"),
        ("!!python/object/apply:os.system [touch hunter2]", "line 1 is not valid YAML"),
        ("\x00", "it is not valid YAML"),
        ("[" * 3_000, "it is not valid YAML"),
        ("", "no settings of Continue"),
    ],
)
def test_yaml_that_cannot_be_used(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        read_yaml(text)
    assert "hunter2" not in str(caught.value)


def test_without_the_library_yaml_is_a_sentence_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(UsageError, match=r"run pip install 'fim-lsp\[continue\]'"):
        read_yaml(YAML)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = (
    "provider", "model", "apiBase", "apiKey", "roles", "debounceDelay", "maxPromptTokens", "maxSuffixPercentage",
    "multilineCompletions", "disableInFiles", "useOtherFiles", "temperature", "topP", "maxTokens", "stop", "timeout",
)  # fmt: skip
some = st.dictionaries(st.sampled_from(NAMES) | st.text(), anything, max_size=6)
realistic = st.fixed_dictionaries(
    {"provider": st.sampled_from(["mistral", "ollama", "openai", "lmstudio", "deepseek"]) | anything},
    optional={
        "model": anything,
        "apiBase": st.builds("{}{}".format, st.sampled_from(["https://", "http://api.langdock.com/mistral/"]), st.text()),
        "apiKey": st.text(),
        "autocompleteOptions": some, "defaultCompletionOptions": some, "requestOptions": some,
    },
)  # fmt: skip


@given(st.fixed_dictionaries({"tabAutocompleteModel": realistic | anything, "tabAutocompleteOptions": some | anything}))
def test_any_values_give_lines_that_load_or_one_sentence(values: dict[str, object]) -> None:
    load_or_refuse(lambda: read_values(values))


@given(st.text() | st.builds(json.dumps, anything) | st.text(alphabet='{}[]":,/*\\ \n'))
def test_any_text_is_read_or_one_sentence(text: str) -> None:
    load_or_refuse(lambda: read_json(text))
    load_or_refuse(lambda: read_yaml(text))
