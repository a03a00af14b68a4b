"""Each family's prompt, byte for byte as its paper or its server writes it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.openai import MAX_STOPS
from fim_lsp.prompt.fim_templates import (
    CONTROL_TOKENS,
    TEMPLATE_NAMES,
    TEMPLATES,
    Template,
    has_control_token,
    neutralize,
    render,
    template_for,
    template_named,
)
from fim_lsp.prompt.prompt import Prompt, Snippet

FILE = Prompt(prefix="def f(a):\n    return ", suffix="\n\nf(1)\n", path="pkg/main.py")
PIECES = (Snippet(path="pkg/a.py", text="A = 1\n"), Snippet(path="b.py", text="B = 2"))

SINGLE = {
    # name: (the prompt, where it is from)
    "qwen": (
        "<|fim_prefix|>def f(a):\n    return <|fim_suffix|>\n\nf(1)\n<|fim_middle|>",
        "arXiv:2409.12186, figure 3; QwenLM/Qwen2.5-Coder, README",
    ),
    "starcoder2": (
        "<fim_prefix>def f(a):\n    return <fim_suffix>\n\nf(1)\n<fim_middle>",
        "arXiv:2402.19173, section 5.1",
    ),
    "starcoder": (
        "<fim_prefix>def f(a):\n    return <fim_suffix>\n\nf(1)\n<fim_middle>",
        "arXiv:2305.06161; QwenLM/CodeQwen1.5, README, file-level code completion",
    ),
    "codellama": (
        "<PRE> def f(a):\n    return  <SUF>\n\nf(1)\n <MID>",
        "arXiv:2308.12950, section 2.3; Continue, AutocompleteTemplate.ts",
    ),
    "deepseek": (
        "<｜fim▁begin｜>def f(a):\n    return <｜fim▁hole｜>\n\nf(1)\n<｜fim▁end｜>",
        "arXiv:2401.14196, section 3.1.2; the model card of deepseek-coder-1.3b-base",
    ),
    "codestral": (
        "[SUFFIX]\n\nf(1)\n[PREFIX]def f(a):\n    return ",
        "mistral-common, tests/test_fim.py: encode_fim gives <s>[SUFFIX]…[PREFIX]…",
    ),
    "codegemma": (
        "<|fim_prefix|>def f(a):\n    return <|fim_suffix|>\n\nf(1)\n<|fim_middle|>",
        "arXiv:2406.11409, section 2.2",
    ),
    "granite": (
        "<|fim_prefix|>def f(a):\n    return <|fim_suffix|>\n\nf(1)\n<|fim_middle|>",
        "the model card of granite-4.0",
    ),
    "granite-code": (
        "<fim_prefix>def f(a):\n    return <fim_suffix>\n\nf(1)\n<fim_middle>",
        "arXiv:2405.04324, section 3.1",
    ),
    "seed-coder": (
        "<[fim-suffix]>\n\nf(1)\n<[fim-prefix]>def f(a):\n    return <[fim-middle]>",
        "arXiv:2506.03524, section on FIM: <[fim-suffix]>SUFFIX<[fim-prefix]>PREFIX<[fim-middle]>",
    ),
    "glm": (
        "<|code_prefix|>def f(a):\n    return <|code_suffix|>\n\nf(1)\n<|code_middle|>",
        "Zed, edit_prediction/src/fim.rs",
    ),
}

REPOSITORY = {
    "qwen": (
        "<|repo_name|>project\n<|file_sep|>pkg/a.py\nA = 1\n<|file_sep|>b.py\nB = 2\n<|file_sep|>pkg/main.py\n"
        "<|fim_prefix|>def f(a):\n    return <|fim_suffix|>\n\nf(1)\n<|fim_middle|>",
        "arXiv:2409.12186, figure 4; llama.cpp, format_prompt_infill",
    ),
    "starcoder2": (
        "<repo_name>project<file_sep>pkg/a.py\nA = 1\n<file_sep>b.py\nB = 2<file_sep><fim_prefix>pkg/main.py\n"
        "def f(a):\n    return <fim_suffix>\n\nf(1)\n<fim_middle>",
        "arXiv:2402.19173, section 5.1: <repo_name>reponame<file_sep>filepath0\\ncode0<file_sep><fim_prefix>filepath1\\n…",
    ),
    "codestral": (
        "[SUFFIX]\n\nf(1)\n[PREFIX]+++++ pkg/a.py\nA = 1\n\n+++++ b.py\nB = 2\n\n+++++ pkg/main.py\ndef f(a):\n    return ",
        "Continue, AutocompleteTemplate.ts, codestralMultifileFimTemplate",
    ),
    "codellama": (
        "<PRE> +++++ pkg/a.py\nA = 1\n\n+++++ b.py\nB = 2\n\n+++++ pkg/main.py\ndef f(a):\n    return  <SUF>\n\nf(1)\n <MID>",
        "the same pieces before the prefix",
    ),
}


@pytest.mark.parametrize("name", SINGLE)
def test_one_file(name: str) -> None:
    row = template_named(name)
    assert row is not None
    assert render(row, FILE).encode() == SINGLE[name][0].encode()


@pytest.mark.parametrize("name", REPOSITORY)
def test_with_pieces_from_elsewhere(name: str) -> None:
    row = template_named(name)
    assert row is not None
    prompt = Prompt(prefix=FILE.prefix, suffix=FILE.suffix, path=FILE.path, context=PIECES)
    assert render(row, prompt).encode() == REPOSITORY[name][0].encode()


def test_every_row_has_a_case_and_says_how_to_go_on() -> None:
    assert set(SINGLE) == set(TEMPLATE_NAMES)
    for row in TEMPLATES:
        assert set(row.stop) <= set(row.control), row.name
        assert len(set(row.stop)) == len(row.stop) >= 4 or row.name == "codestral"


MODELS = {
    "Qwen/Qwen2.5-Coder-7B": "qwen",
    "qwen2.5-coder:1.5b-base-q4_K_M": "qwen",
    "Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf": "qwen",
    "qwen/qwen-2.5-coder-32b-instruct": "qwen",
    "Qwen/CodeQwen1.5-7B": "starcoder",
    "bigcode/starcoder2-15b": "starcoder2",
    "starcoder2:3b": "starcoder2",
    "starcoderbase-1b": "starcoder",
    "stabilityai/stable-code-3b": "starcoder",
    "codellama:7b-code": "codellama",
    "CodeLlama-13b-hf": "codellama",
    "deepseek-coder-v2:16b-lite-base": "deepseek",
    "deepseek-ai/deepseek-coder-1.3b-base": "deepseek",
    "codestral:22b": "codestral",
    "mistralai/Codestral-22B-v0.1": "codestral",
    "codegemma:2b-code": "codegemma",
    "ibm-granite/granite-4.0-h-tiny": "granite",
    "granite4:350m": "granite",
    "granite-code:3b": "granite-code",
    "granite-3.3-8b-base": "granite-code",
    "ByteDance-Seed/Seed-Coder-8B-Base": "seed-coder",
    "GLM-4.5-Air": "glm",
    "llama-3.1-8b": None,
    "qwen2.5:7b": None,
    "deepseek-r1:8b": None,
    "gemma-3-4b": None,
    "": None,
}


@pytest.mark.parametrize("model", MODELS)
def test_a_models_name_chooses(model: str) -> None:
    row = template_for(model)
    assert (row.name if row else None) == MODELS[model]


TEXT = st.lists(st.sampled_from(CONTROL_TOKENS) | st.text(max_size=4) | st.sampled_from("<|>[] \n｜▁"), max_size=8).map(
    "".join
)
PROMPT = st.builds(
    Prompt,
    prefix=TEXT,
    suffix=TEXT,
    path=TEXT,
    context=st.lists(st.builds(Snippet, path=TEXT, text=TEXT), max_size=2).map(tuple),
)


@given(row=st.sampled_from(TEMPLATES), prompt=PROMPT)
def test_the_users_text_adds_no_control_token(row: Template, prompt: Prompt) -> None:
    def tokens(rendered: str) -> list[str]:
        return re.findall("|".join(re.escape(token) for token in sorted(row.control, key=len, reverse=True)), rendered)

    harmless = Prompt(
        prefix="a", suffix="b", path="c", context=tuple(Snippet(path="d", text="e") for _ in prompt.context)
    )
    rendered = render(row, prompt)
    assert tokens(rendered) == tokens(render(row, harmless))
    assert rendered.encode()


@given(TEXT)
def test_breaking_a_token_adds_one_space_and_is_done_once(text: str) -> None:
    broken = neutralize(text)
    found = sum(1 for _ in re.finditer("|".join(map(re.escape, sorted(CONTROL_TOKENS, key=len, reverse=True))), text))
    assert len(broken) - len(text) == found
    assert neutralize(broken) == broken
    assert not has_control_token(broken)


def test_a_token_of_any_family_is_found_wherever_it_is() -> None:
    for token in CONTROL_TOKENS:
        assert has_control_token(f"x = 1 {token}")
        assert not has_control_token(neutralize(f"x = 1 {token}"))


def test_other_text_is_left_alone() -> None:
    text = "if a < b and c[SUFFIX_LENGTH] | d:\n    x = '<fim>'"
    assert neutralize(text) == text
    assert neutralize("<s>no</s>", ()) == "<s>no</s>"
    assert neutralize("\ud83d\ude00 \ud83d") == "😀 \ufffd"


def test_four_stops_say_where_a_text_ends() -> None:
    """The first four are what a server that takes no more is told: among them must be the end of the text."""
    ends = re.compile(r"end|eos|EOT|file|</s>")
    for row in TEMPLATES:
        assert any(ends.search(stop) for stop in row.stop[:MAX_STOPS]), row.name
