"""minuet-ai.nvim's settings, as they are in people's init.lua."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.errors import UsageError
from fim_lsp.migrate.minuet import read_minuet
from tests.migrate.checks import load_or_refuse, loaded, reasons, settings_of

OLLAMA = """
return {
  {
    'milanglacier/minuet-ai.nvim',
    dependencies = { 'nvim-lua/plenary.nvim' },
    config = function()
      require('minuet').setup {
        provider = 'openai_fim_compatible',
        n_completions = 1, -- for local models
        context_window = 4096,
        context_ratio = 0.8,
        throttle = 1500,
        debounce = 300,
        request_timeout = 5,
        enabled = { function() local a, b = 1, 2; return a < b end },
        virtualtext = {
          auto_trigger_ft = {},
          keymap = { accept = '<A-A>' },
        },
        provider_options = {
          openai_fim_compatible = {
            api_key = 'TERM',
            name = 'Ollama',
            end_point = 'http://localhost:11434/v1/completions',
            model = 'qwen2.5-coder:7b',
            optional = { max_tokens = 56, top_p = 0.9, stop = { '\\n\\n' }, seed = 1 },
          },
        },
      }
    end,
  },
}
"""


def setup(values: str) -> str:
    return f'local m = require("minuet")\nrequire("minuet").setup({{ {values} }})\n'


def test_a_local_model() -> None:
    found = read_minuet(OLLAMA)
    assert settings_of(found) == {
        "backend": "ollama", "model": "qwen2.5-coder:7b", "max_tokens": 56, "top_p": 0.9, "stop": ["\n\n"],
        "prompt_tokens": 1024, "suffix_share": 0.2, "debounce": 300, "timeout": 5, "trigger": "manual",
    }  # fmt: skip
    assert found.key is None
    left = reasons(found)
    assert "`requests_per_minute`" in left["throttle"]
    assert "`languages`" in left["enabled"]
    assert "virtualtext.keymap" in left
    loaded(found)


FIM = "provider = 'openai_fim_compatible', provider_options = { openai_fim_compatible = { %s } }"
PROVIDERS: dict[str, tuple[str, dict[str, object], str]] = {
    "the default": ("", {"backend": "codestral", "model": "codestral-latest"}, "CODESTRAL_API_KEY"),
    "codestral with another key": (
        "provider_options = { codestral = { api_key = 'MY_KEY', model = 'codestral-2508', stream = true } }",
        {"backend": "codestral", "model": "codestral-2508"},
        "MY_KEY",
    ),
    "Langdock": (
        "provider = 'codestral', provider_options = { codestral = { api_key = 'LANGDOCK_API_KEY', "
        "end_point = 'https://api.langdock.com/mistral/eu/v1/fim/completions', model = 'codestral-2501' } }",
        {"backend": "langdock", "region": "eu", "model": "codestral-2501"},
        "LANGDOCK_API_KEY",
    ),
    "DeepSeek, the default": (
        FIM % "optional = { max_tokens = 256 }",
        {"backend": "openai", "base_url": "https://api.deepseek.com/beta", "model": "deepseek-chat", "max_tokens": 256},
        "DEEPSEEK_API_KEY",
    ),
    "llama.cpp": (
        FIM % "name = 'Llama.cpp', end_point = 'http://localhost:8012/v1/completions', model = 'PLACEHOLDER'",
        {"backend": "llamacpp", "model": "PLACEHOLDER"},
        "DEEPSEEK_API_KEY",
    ),
    "LM Studio": (
        FIM % "api_key = 'lm-studio', end_point = 'http://localhost:1234/v1/completions', model = 'm'",
        {"backend": "openai", "base_url": "http://localhost:1234", "model": "m"},
        "",
    ),
}


@pytest.mark.parametrize("case", PROVIDERS)
def test_providers(case: str) -> None:
    values, expected, variable = PROVIDERS[case]
    found = read_minuet(setup(values))
    assert settings_of(found) == expected
    assert (found.key.variable if found.key else "") == variable
    loaded(found)


@pytest.mark.parametrize(
    ("values", "source", "words"),
    [
        ("provider = 'claude'", "provider", "a chat model"),
        ("provider = provider", "provider", "computed when Neovim runs"),
        (FIM % "end_point = os.getenv('X')", "provider_options.openai_fim_compatible.end_point", "computed"),
        (FIM % "model = pick()", "provider_options.openai_fim_compatible.model", "computed"),
        (FIM % "api_key = function() return 'x' end", "provider_options.openai_fim_compatible.api_key", "computed"),
        ("context_window = size * 2", "context_window", "computed"),
        ("context_ratio = 'x'", "context_ratio", "must be a number"),
        ("context_window = 10", "context_window", "`prompt_tokens` must be"),
        ("proxy = 'http://p'", "proxy", "HTTPS_PROXY"),
        ("virtualtext = { auto_trigger_ft = { 'python' } }", "virtualtext.auto_trigger_ft", "`languages`"),
    ],
)
def test_what_has_no_counterpart_has_a_reason(values: str, source: str, words: str) -> None:
    found = read_minuet(setup(values))
    assert words in reasons(found)[source]
    loaded(found)


def test_languages() -> None:
    found = read_minuet(setup("virtualtext = { auto_trigger_ft = { '*' }, auto_trigger_ignore_ft = { 'markdown' } }"))
    assert settings_of(found)["languages"] == {"markdown": False}
    assert settings_of(read_minuet(setup("virtualtext = { auto_trigger_ignore_ft = { '*' } }")))["trigger"] == "manual"
    loaded(found)


def test_a_plugin_manager_has_the_table_in_opts() -> None:
    text = "return { 'milanglacier/minuet-ai.nvim', event = 'InsertEnter', opts = { provider = 'codestral', debounce = 9 } }"
    assert settings_of(read_minuet(text))["debounce"] == 9


def test_a_setup_in_a_comment_does_not_count() -> None:
    text = "-- require('minuet').setup { debounce = 1 }\n" + setup("debounce = 2")
    assert settings_of(read_minuet(text))["debounce"] == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "neither require"), ("require('minuet').setup(opts)", "neither require"), (setup("")[:-5], "has no end")],
)
def test_without_settings_there_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_minuet(text)


@given(st.text(alphabet="{}[]()'\"=,:;\\-\n abetnd1_.") | st.text())
def test_any_table_gives_lines_that_load_or_one_sentence(text: str) -> None:
    load_or_refuse(lambda: read_minuet(setup(text)))


names = st.sampled_from(
    ["provider", "end_point", "model", "api_key", "debounce", "context_window", "virtualtext", "stop"]
)
parts = st.sampled_from(
    ["'codestral'", "'https://x.example/v1'", "1e99", "-1", "nil", "{ 'a' }", "f(1)", "'\\n'", "true"]
)


@given(st.lists(st.builds("{} = {}".format, names, parts), max_size=5))
def test_any_values_give_lines_that_load(assignments: list[str]) -> None:
    inner = ", ".join(assignments)
    load_or_refuse(lambda: read_minuet(setup(inner)))
    load_or_refuse(lambda: read_minuet(setup(FIM % f"{inner}, optional = {{ {inner} }}")))
