"""An empty answer holds for what is typed on from its place, for a while."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.schedule.request import CompletionResult
from tests.schedule.script import Script, Typist, shown

pytestmark = pytest.mark.usefixtures("virtual_time")

LINE = "value = some_function(argument, 1)"


def nothing() -> Script:
    return Script(lambda prompt: "", first=0.1)


async def typed(typist: Typist, text: str, *, gap: float = 0.15) -> CompletionResult:
    """Type as a person does; the last answer."""
    for character in text:
        typist.type(character)
        asked = typist.ask()
        await asyncio.sleep(gap)
    return await asked


@pytest.mark.parametrize(("gap", "calls"), [(0.08, 3), (0.15, 5), (0.3, 7)])
async def test_a_line_without_suggestions_costs_few_calls(gap: float, calls: int) -> None:
    backend = nothing()
    await typed(Typist(backend, debounce=None), LINE, gap=gap)
    assert len(LINE) == 34
    assert len(backend.calls) <= calls


async def test_the_rest_of_a_word_is_not_asked_for_and_the_next_one_is() -> None:
    backend = nothing()
    typist = Typist(backend, debounce=0.0)
    answer = await typed(typist, "value_of_it", gap=1)
    assert (answer.backend, [prompt.prefix for prompt in backend.calls]) == ("script", ["v", "val"])
    await typed(typist, " ", gap=2.5)
    assert len(backend.calls) == 3


@pytest.mark.parametrize("before", ["x = ", "x = c"])
async def test_what_a_model_does_not_know_at_the_beginning_of_a_word_it_is_asked_again(before: str) -> None:
    backend = Script(lambda prompt: "pute()" if prompt.prefix.endswith("com") else "", first=0.1)
    typist = Typist(backend, debounce=0.0)
    typist.type(before)
    await typist.ask()
    assert shown(await typed(typist, "x = com".removeprefix(before), gap=0.3)) == "pute()"


@pytest.mark.parametrize("again", ["a new line", "a correction", "by hand", "later"])
async def test_the_model_is_asked_again(again: str) -> None:
    backend = nothing()
    typist = Typist(backend, debounce=0.0)
    await typed(typist, "a b c d")
    calls = len(backend.calls)
    match again:
        case "a new line":
            await typed(typist, "\n")
        case "a correction":
            typist.erase(6)
            await typed(typist, "e")
        case "by hand":
            typist.type("e")
            await typist.ask(explicit=True)
        case "later":
            await asyncio.sleep(21)
            await typed(typist, "e")
    assert len(backend.calls) == calls + 1


async def test_a_suggestion_ends_a_row_of_empty_answers() -> None:
    backend = Script(lambda prompt: "[1]" if prompt.prefix.endswith(")") else "", first=0.1)
    typist = Typist(backend, debounce=0.0)
    await typed(typist, "a b ", gap=1)
    await typed(typist, "= ", gap=2.5)
    assert shown(await typed(typist, ")", gap=1)) == "[1]"
