"""What profiles share."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.codestral import codestral
from fim_lsp.backends.llamacpp import llamacpp
from fim_lsp.backends.ollama import ollama
from fim_lsp.backends.openai import openai
from fim_lsp.backends.profile import Generation, Profile, smallest, stop_strings
from fim_lsp.prompt.prompt import Prompt


@pytest.mark.parametrize(("counts", "expected"), [((3, None, 2), 2), ((0, 1), 0), ((None,), None), ((), None)])
def test_the_smallest_of_what_is_known(counts: tuple[int | None, ...], expected: int | None) -> None:
    assert smallest(*counts) == expected


def test_stop_strings_are_joined_in_order_and_without_repetition() -> None:
    assert stop_strings("\n", None, ("a", "", "b"), ("b", "c")) == ["\n", "a", "b", "c"]


def test_stop_strings_have_the_line_ends_and_characters_that_are_sent() -> None:
    assert stop_strings(("\r\n", "x\ry", "\ud800")) == ["\n", "x\ny", "\ufffd"]


PROFILES: list[Callable[[Generation], Profile]] = [
    lambda generation: codestral("codestral", generation=generation),
    lambda generation: codestral("mistral", generation=generation),
    lambda generation: codestral("langdock", generation=generation),
    lambda generation: llamacpp(generation=generation),
    lambda generation: ollama(model="qwen2.5-coder", generation=generation),
    lambda generation: openai(base_url="http://127.0.0.1:9", model="qwen2.5-coder", generation=generation),
]


def varied(make: Callable[[Generation], Profile], generation: Generation) -> list[tuple[object, object]]:
    """The temperature and seed in the requests for variations 0, 1 and 2, and nothing else that differs."""
    sampling, others = [], []
    for variation in range(3):
        body = json.loads(make(generation).request(Prompt(prefix="a", suffix="b", variation=variation)).body)
        options = body.get("options", body)
        sampling.append((options.pop("temperature", None), options.pop("random_seed", options.pop("seed", None))))
        body.pop("samplers", None)
        others.append(body)
    assert others[0] == others[1] == others[2]
    return sampling


@pytest.mark.parametrize("make", PROFILES)
def test_another_reply_is_asked_for_with_other_seeds_and_higher_temperatures(
    make: Callable[[Generation], Profile],
) -> None:
    first, *others = varied(make, Generation())
    assert first == (None, None)
    assert [seed for _, seed in others] == [1, 2]
    assert others[0][0] in (0.4, 0.8, None)  # None: without the sampler, llama.cpp's is 1
    own = varied(make, Generation(temperature=0.2, random_seed=7))
    assert own == [(0.2, 7), (0.6, 8), (1.0, 9)]
    assert varied(make, Generation(temperature=1.5))[2] == (1.5, 2)


@given(
    temperature=st.none() | st.floats(0, 1.5),
    seed=st.none() | st.integers(0, 2**63 - 1),
    variation=st.integers(0, 9),
)
def test_every_variation_is_within_the_apis_ranges(temperature: float | None, seed: int | None, variation: int) -> None:
    it = Generation(temperature=temperature, random_seed=seed).varied(variation)
    assert it.temperature is None or (temperature or 0) <= it.temperature <= 1.5
    assert it.random_seed is None or 0 <= it.random_seed < 2**63
    assert (it.random_seed != seed) == (variation > 0)
