"""The embedded back end: completes from the open documents and the workspace, without a key or network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Final

from fim_lsp.backends.backend import Capacity, Chunk, OnSent, ignore_sent
from fim_lsp.ngram.document_loader import DocumentLoader, LineSource
from fim_lsp.ngram.lexer import lex
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.predict import MAX_LINES, Offer, predict
from fim_lsp.ngram.workspace_index import WorkspaceIndex
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.workspace.language_families import family, suffixes_of
from fim_lsp.workspace.source_files import Allowed, Bounds

SLOW_LOAD: Final = 1.0
"""Seconds of loading after which ``on_slow_load`` is called."""


class NgramBackend:
    """A :class:`~fim_lsp.backends.backend.Backend` that is kept up to date with the editor's documents.

    Lines include their line ends. All methods must be called in the event loop's thread and return quickly: the beginning
    of a large document is read at once, the rest between other events, 4 µs a token; without a running loop, everything is
    read at once. A document that was never opened can be completed too, from the others and the workspace.
    """

    name = "ngram"
    host = ""
    model = ""
    capacity = Capacity()

    def __init__(
        self,
        *,
        bounds: Bounds | None = None,
        load_timeout: float = 0.0,
        on_slow_load: Callable[[int], None] = lambda _files: None,
    ) -> None:
        """``load_timeout``: seconds that :meth:`stream` waits for documents and workspace to be read; none in an editor.

        ``on_slow_load`` is called at most once a request, if that takes longer than :data:`SLOW_LOAD`, with the number of
        files that have been found so far.
        """
        self._load_timeout, self._on_slow_load = load_timeout, on_slow_load
        self._lock = threading.Lock()
        self._models: dict[str, NgramModel] = {}  # by language family
        self._open: dict[str, tuple[str, Path | None]] = {}  # by URI: language family and file
        self._loader = DocumentLoader(self._lock)
        self._index = WorkspaceIndex(self._lock, bounds=bounds)

    @property
    def index(self) -> WorkspaceIndex:
        """The background index."""
        return self._index

    def open(self, uri: str, language: str, lines: LineSource | Sequence[str], path: Path | None) -> None:
        """Learn from a document of the editor, instead of from the file at ``path``.

        ``lines`` returns the document's current lines; it is called until the document is read, and again after large
        changes. A sequence must be the live one itself.
        """
        self.forget(uri)
        source = lines if callable(lines) else lambda: lines
        name = family(language, path)
        with self._lock:
            known = name in self._models
            model = self._models.setdefault(name, NgramModel())
            self._open[uri] = name, path
            self._loader.open(model, uri, source, str(path.parent) if path is not None else "")
            if path is not None:
                self._index.opened(model, path, suffixes_of(name))
        if not known:
            self._index.learn(model, suffixes_of(name))

    def change(self, uri: str, first_line: int, old_lines: int, new_lines: Sequence[str]) -> None:
        """Replace ``old_lines`` lines from ``first_line`` on by ``new_lines``; the live document has changed already.

        Unknown documents are ignored. A change of more than some 600 lines has the same cost as opening the document.
        """
        if uri in self._open:
            with self._lock:
                self._loader.change(uri, first_line, old_lines, new_lines)

    def forget(self, uri: str) -> None:
        """The editor closed the document: learn from its file again. Unknown documents are ignored."""
        name, path = self._open.pop(uri, ("", None))
        if name in self._models:
            with self._lock:
                self._loader.forget(uri)
                if path is not None:
                    self._index.closed(self._models[name], path, suffixes_of(name))

    def workspace(self, roots: Sequence[Path], allowed: Allowed) -> None:
        """Learn from the files under ``roots`` in the background, except those for which ``allowed`` returns false.

        ``allowed`` is called in the index's thread.
        """
        with self._lock:
            self._index.set_workspace(roots, allowed)
            models = list(self._models.items())
        for name, model in models:
            self._index.learn(model, suffixes_of(name))

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        """One chunk or none. ``max_tokens`` counts this model's tokens: words, punctuation and runs of whitespace."""
        if self._load_timeout:
            await self._wait_for_load()
        offer = self.offer(prompt)
        if offer is not None:
            text = _cut_at_stop(offer.text, prompt.stop)
            kept = _cut_at_limit(text, prompt.max_tokens)
            if kept:
                finish = "stop" if kept == text else "length"
                yield Chunk(text=kept, finish=finish, confidence=offer.confidence)

    def offer(self, prompt: Prompt) -> Offer | None:
        """The prediction for a prompt, from what has been read so far."""
        path = Path(prompt.path) if prompt.path else None
        name, _ = self._open.get(prompt.uri, (family(prompt.language, path), None))
        model = self._models.get(name)
        if model is None:
            return None
        with self._lock:
            return predict(model, prompt.uri, prompt.prefix, prompt.suffix, lines=MAX_LINES)

    async def settled(self, timeout: float) -> bool:  # noqa: ASYNC109 - it bounds a thread's wait too
        """Wait up to ``timeout`` seconds for the open documents and the workspace to be read; whether they are."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        with self._lock:
            self._loader.resume()
        while self._loader.busy and loop.time() < deadline:  # noqa: ASYNC110 - each turn of the loop reads a slice
            await asyncio.sleep(0)
        indexed = await asyncio.to_thread(self._index.wait, max(0.0, deadline - loop.time()))
        return indexed and not self._loader.busy

    async def _wait_for_load(self) -> None:
        loading = asyncio.ensure_future(self.settled(self._load_timeout))
        try:
            done, _ = await asyncio.wait([loading], timeout=SLOW_LOAD)
            if not done:
                self._on_slow_load(self._index.files)
            await loading
        finally:
            loading.cancel()

    async def prepare(self, _prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> bool:
        """Nothing to do: documents are read when they are opened."""
        return False

    def retry(self) -> None:
        """Nothing to do: nothing is ever given up here."""

    async def close(self) -> None:
        self._loader.stop()
        self._open.clear()
        self._index.stop()


def _cut_at_stop(text: str, stop: Sequence[str]) -> str:
    ends = [text.find(string) for string in stop if string and string in text]
    return text[: min(ends)] if ends else text


def _cut_at_limit(text: str, max_tokens: int | None) -> str:
    """The complete lines within ``max_tokens`` tokens, or the beginning of the first line if that alone exceeds them."""
    tokens = lex(text)
    if max_tokens is None or len(tokens) <= max_tokens:
        return text
    kept = "".join(tokens[: max(0, max_tokens)])
    if text[len(kept) :].startswith(("\n", "\r")):
        return kept
    return kept.rpartition("\n")[0].rstrip() or kept.rstrip()
