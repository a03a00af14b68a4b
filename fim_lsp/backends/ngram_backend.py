"""The embedded back end: completes from the open documents and the workspace, with no key and no network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from fim_lsp.backends.backend import Capacity, Chunk
from fim_lsp.ngram.document_loader import DocumentLoader, LineSource
from fim_lsp.ngram.lexer import lex
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.predict import MAX_LINES, Offer, predict
from fim_lsp.ngram.workspace_index import WorkspaceIndex
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.workspace.language_families import family, suffixes_of
from fim_lsp.workspace.source_files import Bounds

_LONG = 1.0  # seconds of reading that are worth a word


class NgramBackend:
    """A :class:`~fim_lsp.backends.backend.Backend` that the editor feeds with its documents.

    Lines carry their line ends. All methods are for the event loop's thread and quick: of a large document the beginning
    is read at once, the rest between other events, 4 µs a token; without a running loop all is read at once. A document
    that was never opened can be asked about, too: the others and the workspace answer.
    """

    def __init__(
        self,
        *,
        bounds: Bounds | None = None,
        load_timeout: float = 0.0,
        on_slow_load: Callable[[int], None] = lambda _files: None,
    ) -> None:
        """``load_timeout``: seconds that a question waits until documents and workspace are read; an editor has none.

        ``on_slow_load`` is called, at most once a question, when that takes over a second: with the number of files that are
        read, 0 while they are still looked for.
        """
        self._load_timeout, self._on_slow_load = load_timeout, on_slow_load
        self._lock = threading.Lock()
        self._models: dict[str, NgramModel] = {}
        self._opened: dict[str, tuple[str, Path | None]] = {}
        self._loading = DocumentLoader(self._lock)
        self._index = WorkspaceIndex(self._lock, bounds=bounds)

    @property
    def name(self) -> str:
        """``"ngram"``."""
        return "ngram"

    @property
    def host(self) -> str:
        """``""``: nothing leaves this process."""
        return ""

    @property
    def model(self) -> str:
        """``""``: it is made of your own files."""
        return ""

    @property
    def capacity(self) -> Capacity:
        """None."""
        return Capacity()

    @property
    def index(self) -> WorkspaceIndex:
        """The background index, to wait for."""
        return self._index

    def open(self, uri: str, language: str, lines: LineSource | Sequence[str], path: Path | None) -> None:
        """Take in a document of an editor; it shadows the file at ``path``.

        ``lines`` gives the document's lines as they are when it is called, with every ``change`` that was told; it is
        called until the document is read, and again after large changes. A sequence must be the live one itself.
        """
        self.forget(uri)
        source = lines if callable(lines) else lambda: lines
        name = family(language, path)
        with self._lock:
            known = name in self._models
            model = self._models.setdefault(name, NgramModel())
            self._opened[uri] = name, path
            self._loading.open(model, uri, source, str(path.parent) if path is not None else "")
            if path is not None:
                self._index.opened(model, path)
        if not known:
            self._index.learn(model, suffixes_of(name))

    def change(self, uri: str, first_line: int, old_lines: int, new_lines: Sequence[str]) -> None:
        """Lines ``first_line`` to ``first_line + old_lines`` are ``new_lines`` now, in the live document too.

        Unknown documents are passed over. What touches more than some 600 lines comes to opening the document again.
        """
        if uri in self._opened:
            with self._lock:
                self._loading.change(uri, first_line, old_lines, new_lines)

    def forget(self, uri: str) -> None:
        """The editor closed the document: its counts go, its file counts again. Unknown documents are passed over."""
        name, path = self._opened.pop(uri, ("", None))
        if name in self._models:
            with self._lock:
                self._loading.forget(uri)
                if path is not None:
                    self._index.closed(self._models[name], path, suffixes_of(name))

    def workspace(self, roots: Sequence[Path], allowed: Callable[[Path], bool]) -> None:
        """Learn from the files under ``roots`` for which ``allowed`` is true, in the background.

        ``allowed`` is asked for folders too, in the index's thread.
        """
        with self._lock:
            self._index.set_workspace(roots, allowed)
            models = list(self._models.items())
        for name, model in models:
            self._index.learn(model, suffixes_of(name))

    def offer(self, prompt: Prompt) -> Offer | None:
        """What is offered at a prompt's place, at once."""
        name, _ = self._opened.get(
            prompt.uri, (family(prompt.language, Path(prompt.path) if prompt.path else None), None)
        )
        model = self._models.get(name)
        if model is None:
            return None
        with self._lock:
            return predict(model, prompt.uri, prompt.prefix, prompt.suffix, lines=MAX_LINES)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """The offer as one chunk, or nothing. ``max_tokens`` counts our tokens: words, marks and runs of whitespace."""
        if self._load_timeout:
            await self._read()
        offer = self.offer(prompt)
        if offer is not None:
            text = _stopped(offer.text, prompt.stop)
            kept = _shortened(text, prompt.max_tokens)
            if kept:
                finish = "stop" if kept == text else "length"
                yield Chunk(text=kept, finish=finish, confidence=offer.confidence)

    async def _read(self) -> None:
        reading = asyncio.ensure_future(self.settled(self._load_timeout))
        try:
            if not (await asyncio.wait([reading], timeout=_LONG))[0]:
                self._on_slow_load(self._index.files)
            await reading
        finally:
            reading.cancel()

    async def prepare(self, _prompt: Prompt) -> bool:
        """Nothing needs to be: documents are read when they are opened."""
        return False

    async def settled(self, timeout: float) -> bool:  # noqa: ASYNC109 - it bounds a thread's wait too
        """Wait until the open documents and the workspace are read, ``timeout`` seconds at most; whether they are."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        with self._lock:
            self._loading.resume()
        while self._loading.busy and loop.time() < end:  # noqa: ASYNC110 - each turn of the loop reads a slice
            await asyncio.sleep(0)
        indexed = await asyncio.to_thread(self._index.wait, max(0.0, end - loop.time()))
        return indexed and not self._loading.busy

    def retry(self) -> None:
        """Nothing is ever given up here."""

    async def close(self) -> None:
        """End the reading of documents and the background index."""
        self._loading.stop()
        self._opened.clear()
        self._index.stop()


def _stopped(text: str, stop: Sequence[str]) -> str:
    """The text up to the first of the prompt's stop strings."""
    ends = [text.find(mark) for mark in stop if mark and mark in text]
    return text[: min(ends)] if ends else text


def _shortened(text: str, most_tokens: int | None) -> str:
    """The whole lines of the text that have so many tokens together; of a first line that has more, its beginning."""
    tokens = lex(text)
    if most_tokens is None or len(tokens) <= most_tokens:
        return text
    kept = "".join(tokens[: max(0, most_tokens)])
    if text[len(kept) :].startswith(("\n", "\r")):
        return kept
    return kept.rpartition("\n")[0].rstrip() or kept.rstrip()
