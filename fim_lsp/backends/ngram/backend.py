"""The embedded back end: completes from the open documents and the workspace, with no key and no network."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from fim_lsp.backends.base import Chunk
from fim_lsp.backends.ngram.files import Bounds
from fim_lsp.backends.ngram.index import WorkspaceIndex
from fim_lsp.backends.ngram.languages import family, suffixes_of
from fim_lsp.backends.ngram.model import NgramModel
from fim_lsp.backends.ngram.predict import MOST_LINES, Offer, predict
from fim_lsp.prompt.prompt import Prompt


class NgramBackend:
    """A :class:`~fim_lsp.backends.base.Backend` that the editor feeds with its documents.

    Lines carry their line ends. All methods but ``stream`` and ``close`` are plain calls and quick, except ``open``, which
    takes 4 µs a token. A document that was never opened can be asked about, too: the others and the workspace answer.
    """

    def __init__(self, *, bounds: Bounds | None = None) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, NgramModel] = {}
        self._opened: dict[str, tuple[str, Path | None]] = {}
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
    def index(self) -> WorkspaceIndex:
        """The background index, to wait for."""
        return self._index

    def open(self, uri: str, language: str, lines: Sequence[str], path: Path | None) -> None:
        """Take in a document of an editor; it shadows the file at ``path``."""
        self.forget(uri)
        name = family(language, path)
        with self._lock:
            known = name in self._models
            model = self._models.setdefault(name, NgramModel())
            self._opened[uri] = name, path
            model.open(uri, lines, folder=str(path.parent) if path is not None else "")
            if path is not None:
                self._index.opened(model, path)
        if not known:
            self._index.learn(model, suffixes_of(name))

    def change(self, uri: str, first_line: int, old_lines: int, new_lines: Sequence[str]) -> None:
        """Lines ``first_line`` to ``first_line + old_lines`` are ``new_lines`` now. Unknown documents are passed over."""
        if uri in self._opened:
            with self._lock:
                self._models[self._opened[uri][0]].change(uri, first_line, old_lines, new_lines)

    def forget(self, uri: str) -> None:
        """The editor closed the document: its counts go, its file counts again. Unknown documents are passed over."""
        name, path = self._opened.pop(uri, ("", None))
        if name in self._models:
            with self._lock:
                self._models[name].close(uri)
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
            return predict(model, prompt.uri, prompt.prefix, prompt.suffix, lines=MOST_LINES)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """The offer as one chunk, or nothing."""
        offer = self.offer(prompt)
        if offer is not None:
            text = _stopped(offer.text, prompt.stop)
            if text:
                yield Chunk(text=text, finish="stop", confidence=offer.confidence)

    async def close(self) -> None:
        """End the background index."""
        self._index.stop()


def _stopped(text: str, stop: Sequence[str]) -> str:
    """The text up to the first of the prompt's stop strings."""
    ends = [text.find(mark) for mark in stop if mark and mark in text]
    return text[: min(ends)] if ends else text
