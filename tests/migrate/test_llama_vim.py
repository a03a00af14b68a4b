"""llama.vim's settings, as they are in people's vimrc and init.lua."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.errors import UsageError
from fim_lsp.migrate.llama_vim import read_llama_vim
from fim_lsp.secret import Secret
from tests.migrate.checks import load_or_refuse, loaded, reasons, settings_of

VIMRC = """
set number
" let g:llama_config = { 'endpoint': 'http://old:1/infill' }
let g:llama_config = {
    \\ 'endpoint_fim':       'http://gpu.lan:8080/infill',
    \\ 'api_key':            'k-hunter2-hunter2',
    "\\ the model
    \\ 'model_fim':          "qwen",
    \\ 'n_prefix':           256,
    \\ 'n_predict':          128,
    \\ 't_max_predict_ms':   500,
    \\ 'auto_fim':           v:false,
    \\ 'ring_n_chunks':      0,
    \\ 'keymap_accept_full': "<Tab>",
    \\ 'stop':               ["\\n\\n"],
    \\ }
let g:llama_config.show_info = 0
"""


def test_a_vimrc() -> None:
    found = read_llama_vim(VIMRC)
    assert settings_of(found) == {
        "backend": "llamacpp", "base_url": "http://gpu.lan:8080", "model": "qwen", "max_tokens": 128,
        "trigger": "manual", "context_tokens": 0, "stop": ["\n\n"],
    }  # fmt: skip
    assert found.key
    assert (found.key.command, found.key.secret) == (
        "fim-lsp key set http://gpu.lan:8080",
        Secret("k-hunter2-hunter2"),
    )
    left = reasons(found)
    assert {"n_prefix", "t_max_predict_ms", "keymap_accept_full", "show_info"} == set(left)
    loaded(found)


TEXTS: dict[str, tuple[str, dict[str, object]]] = {
    "one line": ("let g:llama_config = { 'show_info': 0 }", {"backend": "llamacpp"}),
    "its usual address": (
        "let g:llama_config = { 'endpoint': 'http://127.0.0.1:8012/infill', 'n_predict': 64 }",
        {"backend": "llamacpp", "max_tokens": 64},
    ),
    "entries only": (
        "let g:llama_config.endpoint = 'http://127.0.0.1:8080/infill' | let g:llama_config['n_predict'] = 9",
        {"backend": "llamacpp", "base_url": "http://127.0.0.1:8080", "max_tokens": 9},
    ),
    "Lua": (
        "vim.g.llama_config = { endpoint = 'http://127.0.0.1:8080/infill', auto_fim = false, api_key = '' }",
        {"backend": "llamacpp", "base_url": "http://127.0.0.1:8080", "trigger": "manual"},
    ),
    "the last one counts": (
        "let g:llama_config = {'n_predict': 1}\nlet g:llama_config = {'n_predict': 2}",
        {"backend": "llamacpp", "max_tokens": 2},
    ),
    "an entry after the table": (
        "let g:llama_config = {'n_predict': 1}\nlet g:llama_config.n_predict = 3",
        {"backend": "llamacpp", "max_tokens": 3},
    ),
}


@pytest.mark.parametrize("case", TEXTS)
def test_texts(case: str) -> None:
    text, expected = TEXTS[case]
    found = read_llama_vim(text)
    assert settings_of(found) == expected
    assert found.key is None
    loaded(found)


@pytest.mark.parametrize(
    ("entry", "source", "words"),
    [
        ("'endpoint': s:server", "endpoint", "computed"),
        ("'api_key': $KEY", "api_key", "computed"),
        ("'endpoint': 'llm'", "endpoint", "not an http or https address"),
        ("'n_predict': -1", "n_predict", "`max_tokens` must be"),
        ("'n_suffix': 64", "n_suffix", "`suffix_share`"),
        ("'ring_n_chunks': 16", "ring_n_chunks", "`context_tokens`"),
        ("'endpoint_inst': 'x'", "endpoint_inst", "no counterpart"),
    ],
)
def test_what_has_no_counterpart_has_a_reason(entry: str, source: str, words: str) -> None:
    found = read_llama_vim(f"let g:llama_config = {{ {entry} }}")
    assert words in reasons(found)[source]
    loaded(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it has no g:llama_config"),
        ('" let g:llama_config = {}', "it has no"),
        ("let g:llama_config = {", "no end"),
    ],
)
def test_without_settings_there_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_llama_vim(text)


@given(st.text(alphabet="{}[]()'\"=,:;\\-\n |abetnd1_.") | st.text(), st.sampled_from(["{ %s }", "%s", "{ %s"]))
def test_any_text_gives_lines_that_load_or_one_sentence(text: str, form: str) -> None:
    load_or_refuse(lambda: read_llama_vim(f"let g:llama_config = {form % text}\nlet g:llama_config.x = {text}"))
    load_or_refuse(lambda: read_llama_vim(f"vim.g.llama_config = {form % text}"))
