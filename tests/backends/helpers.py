"""What several tests of back ends do."""

from __future__ import annotations

import itertools

from fim_lsp.backends.backend import Chunk
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.prompt.prompt import Prompt

PROMPT = Prompt(prefix="def add(a, b):\n    ", suffix="\n")


async def ask(backend: HttpBackend, prompt: Prompt = PROMPT) -> list[Chunk]:
    return [chunk async for chunk in backend.stream(prompt)]


async def ask_text(backend: HttpBackend, prompt: Prompt = PROMPT) -> str:
    return "".join(chunk.text for chunk in await ask(backend, prompt))


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` in pieces, cut at ``places``."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]
