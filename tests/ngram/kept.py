"""Workspaces whose index is kept, in a cache folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.ngram.index_cache import IndexCache
from fim_lsp.ngram.index_keeper import IndexKeeper
from fim_lsp.ngram.model import NgramModel
from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.source_files import Bounds

WAIT = 60


def started(
    root: Path,
    cache: Path | None,
    *,
    exclude: Sequence[str] = (),
    enabled: bool = True,
    may_keep: Callable[[], bool] = lambda: True,
    opened: str = "main.py",
    bounds: Bounds | None = None,
) -> NgramBackend:
    """A backend that has learnt a workspace in which a document is open; with ``cache``, its index is kept there."""
    backend = NgramBackend(bounds=bounds)
    if cache is not None:
        backend.index.keeper = IndexKeeper(IndexCache(lambda: cache), may_keep=may_keep)
        backend.index.keeper.enabled = enabled
    backend.workspace([root], FilePolicy([root], exclude).may_index)
    backend.open("u", "python", ["x = 1\n"], root / opened)
    assert backend.index.wait(WAIT)
    return backend


def model_of(backend: NgramBackend) -> NgramModel:
    return next(iter(backend._models.values()))


def knows(backend: NgramBackend, word: str) -> bool:
    """Whether a word of a file counts for predictions."""
    model = model_of(backend)
    number = model.vocabulary.find(word)
    shown = (owner for owner, core in zip(model.file_store.owner, model.file_store.core, strict=True) if core == number)
    return any(owner > 0 and owner not in model.hidden for owner in shown)


def kept_bytes(cache: Path) -> bytes:
    return b"".join(path.read_bytes() for path in cache.rglob("*") if path.is_file())
