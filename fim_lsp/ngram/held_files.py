"""The workspace's files that the models have learnt: added and dropped in slices, kept as an image, restored from one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from fim_lsp.ngram.index_image import FileEntry, IndexImage, Pause, renumbered, uses_of
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.token_store import TokenStore
from fim_lsp.ngram.vocabulary import RESERVED
from fim_lsp.workspace.source_files import FileStamp

SLICE_LINES = 24
"""Lines added at a time: about 200 tokens, one millisecond."""

SLICE_TOKENS = 200
"""Tokens removed at a time."""

_SLICE_WORDS = 250  # one or two milliseconds


@dataclass(slots=True, kw_only=True)
class _Held:
    """``confirmed``: the file may be read, and is as it was. ``clean``: it was searched for secrets, and has none."""

    model: NgramModel
    stamp: FileStamp
    clean: bool
    tokens: int = 0
    confirmed: bool = True


class HeldFiles:
    """Used by the index's thread, which alone changes the files' stores; ``lock`` guards the models against the others."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._held: dict[Path, _Held] = {}  # in the order in which their tokens were added
        self.tokens = 0

    def __contains__(self, path: object) -> bool:
        return path in self._held

    def __len__(self) -> int:
        return len(self._held)

    def paths(self) -> list[Path]:
        """The files that are held."""
        return list(self._held)

    def hide_all(self) -> None:
        """Let no file count before it is confirmed. The caller holds the lock."""
        for path, held in self._held.items():
            held.confirmed = False
            held.model.hide_file(str(path))

    def unconfirmed(self, model: NgramModel) -> list[tuple[Path, FileStamp]]:
        """The files that wait to be confirmed or dropped, folder by folder."""
        return sorted(
            (path, held.stamp) for path, held in self._held.items() if held.model is model and not held.confirmed
        )

    def confirm(self, path: Path) -> None:
        """The file counts from now on. The caller holds the lock."""
        held = self._held[path]
        held.confirmed = True
        held.model.show_file(str(path))

    def add(
        self,
        model: NgramModel,
        path: Path,
        lines: Sequence[str],
        *,
        stamp: FileStamp,
        clean: bool,
        wanted: Callable[[], bool],
        keep_going: Callable[[], bool],
    ) -> bool:
        """Add a file in slices; false if it is not ``wanted`` any more, and should be dropped.

        ``wanted`` is called with the lock, ``keep_going`` without it.
        """
        name = str(path)
        held = _Held(model=model, stamp=stamp, clean=clean)
        for first in range(0, len(lines), SLICE_LINES):
            with self._lock:
                if not wanted():
                    return False
                before = len(model.file_store)
                model.add_lines(name, lines[first : first + SLICE_LINES], folder=str(path.parent))
                added = len(model.file_store) - before
                self._held[path] = held
                held.tokens += added
                self.tokens += added
            if not keep_going():
                return False
        return True

    def drop(self, path: Path, *, keep_going: Callable[[], bool]) -> int:
        """Remove a file in slices; returns the number of its tokens."""
        held = self._held.get(path)
        gone = held is None
        while held is not None and not gone:
            with self._lock:
                gone = held.model.remove_file(str(path), max_tokens=SLICE_TOKENS)
                if gone:
                    del self._held[path]
                    self.tokens -= held.tokens
            if not keep_going():
                break
        return held.tokens if held is not None else 0

    # -- kept between starts

    def keepable(self, model: NgramModel) -> Mapping[Path, tuple[FileStamp, int]]:
        """The files that an image may contain, with their stamps and numbers of tokens: what is hidden is not among them."""
        with self._lock:
            return {
                path: (held.stamp, held.tokens)
                for path, held in self._held.items()
                if held.model is model and held.confirmed and held.clean and not model.is_hidden(str(path))
            }

    def image(self, model: NgramModel, paths: Sequence[Path], pause: Pause) -> IndexImage:
        """An image of these files, which must be :meth:`keepable`, in the order in which they were added."""
        places = [model.file_place(str(path)) for path in paths]
        run = model.file_store.run_of([first for first, _ in places], pause=pause)
        numbers = sorted(number for number in uses_of(run, pause) if number >= RESERVED)
        words = [model.vocabulary.text[number] for number in numbers]
        local = dict(zip(numbers, range(RESERVED, RESERVED + len(numbers)), strict=True))
        local.update((number, number) for number in range(RESERVED))
        files = [
            FileEntry(path=str(path), stamp=self._held[path].stamp, length=length, indent=indent)
            for path, length, (_, indent) in zip(paths, run.lengths, places, strict=True)
        ]
        run = replace(run, core=renumbered(run.core, local, pause))
        return IndexImage(files=files, words=words, run=run)

    def restore(self, model: NgramModel, image: IndexImage, pause: Pause) -> None:
        """Hold an image's files, hidden until they are confirmed. The model must have no files yet."""
        uses = uses_of(image.run, pause)
        numbers = list(range(RESERVED))
        for words in _slices(image.words):
            with self._lock:
                numbers += [model.vocabulary.take(word, uses.get(RESERVED + at, 0)) for at, word in words]
            pause()
        run = replace(image.run, core=renumbered(image.run.core, numbers, pause))
        owners = []
        first = 1
        for file in image.files:
            path = Path(file.path)
            with self._lock:
                owners.append(
                    model.new_hidden_file(
                        str(path), first=first, length=file.length, indent=file.indent, folder=str(path.parent)
                    )
                )
            first += file.length
        store = TokenStore.of_run(model.vocabulary, run, owners, pause=pause)
        restored = {
            Path(file.path): _Held(model=model, stamp=file.stamp, clean=True, tokens=file.length, confirmed=False)
            for file in image.files
        }
        pause()
        with self._lock:
            model.use_store(store)
            self._held.update(restored)
            self.tokens += sum(image.run.lengths)


def _slices(words: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
    numbered = iter(enumerate(words))
    while part := list(islice(numbered, _SLICE_WORDS)):
        yield part
