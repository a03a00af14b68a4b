"""Documents that are read in slices: any edits meanwhile come to the final text, and nothing is left behind."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.ngram import document_loader
from fim_lsp.ngram.document_loader import DocumentLoader
from fim_lsp.ngram.model import NgramModel
from fim_lsp.prompt.prompt import Prompt
from tests.ngram.marked import LINE, URI, chains_hold_every_position, tokens

EDIT = st.tuples(st.integers(0, 30), st.integers(0, 30), st.lists(LINE, max_size=12), st.integers(0, 3))
BIG = [f"value_{index} = compute(first, {index})\n" for index in range(3000)]


@contextmanager
def bounds(*, at_once: int, limit: int) -> Iterator[None]:
    """Small numbers, so that small documents take many slices; slices of two lines or five tokens."""
    values = {"AT_ONCE_LINES": at_once, "MAX_LINES": limit, "SLICE_LINES": 2, "SLICE_TOKENS": 5}
    with mock.patch.multiple(document_loader, **values):
        yield


class Live:
    """A document as an editor's: a full-text change makes another list."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)

    def edit(self, first: int, old: int, new: Sequence[str]) -> tuple[int, int, Sequence[str]]:
        first = min(first, len(self.lines))
        old = min(old, len(self.lines) - first)
        if old == len(self.lines):
            self.lines = list(new)
        else:
            self.lines[first : first + old] = new
        return first, old, new


def same_model(model: NgramModel, lines: Sequence[str]) -> bool:
    fresh = NgramModel(index_bits=8)
    fresh.open(URI, lines, folder="")
    one, other = model.documents[URI], fresh.documents[URI]
    assert one.lines == other.lines == list(lines)
    assert (len(model), len(model.vocabulary)) == (len(fresh), len(fresh.vocabulary))
    assert len(model.folders) == 1
    assert not model.hidden
    if not lines:
        return True
    positions = list(model.open_store.walk(one.starts[0]))
    return tokens(model.open_store, one.starts[0]) == tokens(
        fresh.open_store, other.starts[0]
    ) and chains_hold_every_position(model.open_store, positions)


async def load_with_edits(
    lines: Sequence[str], edits: Sequence[tuple[int, int, list[str], int]]
) -> tuple[NgramModel, Live]:
    lock, model, live = threading.Lock(), NgramModel(index_bits=8), Live(lines)
    reading = DocumentLoader(lock)
    with lock:
        reading.open(model, URI, lambda: live.lines, "")
    for first, old, new, turns in edits:
        for _ in range(turns):
            await asyncio.sleep(0)
        with lock:
            reading.change(URI, *live.edit(first, old, new))
    while reading.busy:  # noqa: ASYNC110 - each turn of the loop reads a slice
        await asyncio.sleep(0)
    return model, live


@settings(deadline=None)
@given(st.lists(LINE, max_size=30), st.lists(EDIT, max_size=6), st.integers(1, 12), st.integers(5, 60))
def test_any_edits_while_loading_give_the_final_text(
    lines: list[str], edits: list[tuple[int, int, list[str], int]], at_once: int, limit: int
) -> None:
    with bounds(at_once=at_once, limit=limit):
        model, live = asyncio.run(load_with_edits(lines, edits))
        assert same_model(model, live.lines[:limit])


@settings(deadline=None)
@given(st.lists(LINE, max_size=30), st.lists(EDIT, max_size=4))
def test_without_a_loop_all_is_done_at_once(lines: list[str], edits: list[tuple[int, int, list[str], int]]) -> None:
    with bounds(at_once=4, limit=20):
        model, live, reading = NgramModel(index_bits=8), Live(lines), DocumentLoader(threading.Lock())
        reading.open(model, URI, lambda: live.lines, "")
        for first, old, new, _ in edits:
            reading.change(URI, *live.edit(first, old, new))
        assert not reading.busy
        assert same_model(model, live.lines[:20])


async def test_the_beginning_is_known_at_once_and_the_rest_later() -> None:
    backend = NgramBackend()
    backend.open(URI, "python", lambda: BIG, None)
    prompts = [Prompt(prefix=f"value_{index} = comp", suffix="", uri="u", language="python") for index in (5, 2995)]
    texts = [[chunk.text async for chunk in backend.stream(prompt)] for prompt in prompts]
    assert texts[0]
    model = next(iter(backend._models.values()))
    assert 0 < len(model.documents[URI].lines) <= document_loader.AT_ONCE_LINES
    assert await backend.settled(30)
    assert model.documents[URI].lines == BIG
    await backend.close()


async def test_a_whole_text_with_little_new_is_a_small_change() -> None:
    live = Live(BIG)
    backend = NgramBackend()
    backend.open(URI, "python", lambda: live.lines, None)
    assert await backend.settled(30)
    model = next(iter(backend._models.values()))
    document = model.documents[URI]
    text = [*BIG[:1500], "other = thing\n", *BIG[1501:]]
    backend.change(URI, *live.edit(0, len(BIG), text))
    assert model.documents[URI] is document
    assert document.lines == text
    assert document.last_changed == 1500
    await backend.close()


async def test_a_formatters_change_is_read_anew() -> None:
    live = Live(BIG)
    backend = NgramBackend()
    backend.open(URI, "python", lambda: live.lines, None)
    assert await backend.settled(30)
    model = next(iter(backend._models.values()))
    backend.change(URI, *live.edit(0, len(BIG), [f"    {line}" for line in BIG]))
    assert len(model.documents[URI].lines) <= document_loader.AT_ONCE_LINES
    assert await backend.settled(30)
    assert same_model(model, live.lines)
    await backend.close()


async def test_a_closed_document_is_not_read_on_and_is_swept() -> None:
    backend = NgramBackend()
    backend.open(URI, "python", lambda: BIG, None)
    for _ in range(20):
        await asyncio.sleep(0)
    model = next(iter(backend._models.values()))
    assert len(model.documents[URI].lines) > document_loader.AT_ONCE_LINES
    backend.forget(URI)
    prompt = Prompt(prefix="value_5 = comp", suffix="", uri="u", language="python")
    assert not [chunk async for chunk in backend.stream(prompt) if "first" in chunk.text]
    assert await backend.settled(30)
    assert len(model) == len(model.vocabulary) == 0
    assert not model.folders
    assert not model.hidden
    await backend.close()


async def test_close_ends_the_reading() -> None:
    backend = NgramBackend()
    backend.open(URI, "python", lambda: BIG, None)
    model = next(iter(backend._models.values()))
    read = len(model.documents[URI].lines)
    await backend.close()
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(model.documents[URI].lines) == read


async def test_settling_takes_no_longer_than_it_may() -> None:
    backend = NgramBackend()
    backend.open(URI, "python", lambda: BIG, None)
    assert not await backend.settled(0)
    assert await backend.settled(30)
    await backend.close()


def test_another_loop_goes_on() -> None:
    backend = NgramBackend()

    async def opened() -> None:
        backend.open(URI, "python", lambda: BIG, None)

    async def waited() -> bool:
        return await backend.settled(30)

    asyncio.run(opened())
    assert asyncio.run(waited())
    asyncio.run(backend.close())


def test_long_lines_count_by_their_length() -> None:
    with mock.patch.multiple(document_loader, AT_ONCE_CHARACTERS=30, SLICE_CHARACTERS=30):

        async def first() -> int:
            model = NgramModel(index_bits=8)
            reading = DocumentLoader(threading.Lock())
            reading.open(model, URI, lambda: ["a" * 20 + "\n"] * 9, "")
            return len(model.documents[URI].lines)

        assert asyncio.run(first()) == 1
