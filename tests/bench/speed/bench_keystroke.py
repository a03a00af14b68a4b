"""What one key costs, at 1,000 to 100,000 lines, and in the embedded model at a million tokens."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.bench.speed.steps import STEPS, did_change, editor, events, learnt, ngram_lookup, source

SIZES = (1_000, 10_000, 100_000)
TOKENS = (10_000, 100_000, 1_000_000)


@pytest.mark.benchmark(group="keystroke: without a server")
@pytest.mark.parametrize("lines", SIZES)
@pytest.mark.parametrize("step", list(STEPS))
def bench_step(benchmark: Any, step: str, lines: int) -> None:
    benchmark(STEPS[step](source(lines)))


@pytest.mark.benchmark(group="keystroke: with a whole server")
@pytest.mark.parametrize("lines", SIZES)
@pytest.mark.parametrize("place", ["middle", "end"])
def bench_did_change(benchmark: Any, lines: int, place: str) -> None:
    with editor(source(lines)) as opened:
        benchmark(did_change(opened, lines // 2 if place == "middle" else lines - 1))


@pytest.mark.benchmark(group="keystroke: with a whole server")
@pytest.mark.parametrize("lines", SIZES)
def bench_events(benchmark: Any, lines: int) -> None:
    with editor(source(lines)) as opened:
        benchmark(events(opened))


@pytest.mark.benchmark(group="ngram, by tokens")
@pytest.mark.parametrize("tokens", TOKENS)
def bench_ngram_lookup(benchmark: Any, tokens: int) -> None:
    model = learnt(tokens)
    benchmark.extra_info["memory"] = model.nbytes
    benchmark(ngram_lookup(model))


@pytest.mark.benchmark(group="opening a document")
@pytest.mark.parametrize("lines", SIZES)
def bench_open(benchmark: Any, lines: int) -> None:
    text = source(lines)
    tracemalloc.start()
    kept = Document(text, Encoding.UTF16)
    benchmark.extra_info["memory"] = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(kept.lines) >= lines
    benchmark(lambda: Document(text, Encoding.UTF16))
