"""Decides what of the index is kept between starts, and when.

As little as is worth it: nothing of a small workspace, which is learnt in a moment, and no file with a secret in it. Nothing is
written before all settings that exclude files are known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from fim_lsp.ngram.held_files import HeldFiles
from fim_lsp.ngram.index_cache import IndexCache
from fim_lsp.ngram.index_image import Pause
from fim_lsp.ngram.model import NgramModel
from fim_lsp.workspace.source_files import Bounds, FileStamp

MIN_TOKENS: Final = 20_000
"""Tokens from which an index is kept: learning these takes a tenth of a second of CPU."""

FRESH_SHARE: Final = 0.03
"""The share of tokens that may be learnt again at each start before the kept index is rewritten."""


class IndexKeeper:
    """``may_keep`` says whether it is known what must not be kept; it is called in the index's thread."""

    def __init__(self, cache: IndexCache, *, may_keep: Callable[[], bool] = lambda: True) -> None:
        self._cache = cache
        self._may_keep = may_keep
        self._on_disk: dict[tuple[Sequence[Path], Collection[str]], Mapping[Path, FileStamp]] = {}
        self.enabled = True
        """If not, nothing is read, and what was kept of a workspace is deleted when it is opened."""

    def is_clean(self, lines: Sequence[str]) -> bool:
        """Whether a file's text may be kept: it has nothing that would be redacted in a prompt."""
        from fim_lsp.redaction.detect import find_secrets  # its patterns take time to compile

        return self.enabled and not find_secrets("".join(lines))

    def clear(self) -> str:
        """Delete all that is kept, of all workspaces, until it is made again at another start; returns a sentence."""
        try:
            count = self._cache.clear()
        except OSError as error:
            return f"Indexes kept on this machine could not be deleted: {error.strerror}."
        self._on_disk.clear()
        if count == 0:
            return "No index of a workspace was kept."
        return f"{count} kept indexes are deleted." if count > 1 else "1 kept index is deleted."

    def restore(
        self,
        held: HeldFiles,
        model: NgramModel,
        suffixes: Collection[str],
        roots: Sequence[Path],
        bounds: Bounds,
        pause: Pause,
    ) -> None:
        """Hold what was kept of a workspace, hidden. The model must have no files yet."""
        if not self.enabled:
            self._cache.remove(roots, suffixes)
            return
        image = self._cache.read(roots, suffixes, bits=model.index_bits, pause=pause)
        if image is None:
            return
        tokens = held.tokens + sum(image.run.lengths)
        if tokens <= bounds.tokens and len(held) + len(image.files) <= bounds.files:
            held.restore(model, image, pause)
            self._on_disk[roots, suffixes] = {Path(file.path): file.stamp for file in image.files}

    def keep(
        self,
        held: HeldFiles,
        model: NgramModel,
        suffixes: Collection[str],
        roots: Sequence[Path],
        opened: Collection[Path],
        pause: Pause,
    ) -> None:
        """Write what is known now, if that differs from what was kept: at once if a file must no longer be kept.

        ``opened`` are files whose documents are open, and which would be kept otherwise: they may stay as they were.
        """
        kept = held.keepable(model)
        tokens = sum(count for _, count in kept.values())
        if not self.enabled or tokens < MIN_TOKENS:
            self._cache.remove(roots, suffixes)
            return
        if not self._may_keep():
            return
        before = self._on_disk.get((roots, suffixes), {})
        gone = any(path not in kept and path not in opened for path in before)
        fresh = sum(count for path, (stamp, count) in kept.items() if before.get(path) != stamp)
        if gone or fresh > FRESH_SHARE * tokens:
            image = held.image(model, list(kept), pause)
            if self._cache.write(roots, suffixes, image, bits=model.index_bits, pause=pause):
                self._on_disk[roots, suffixes] = {path: stamp for path, (stamp, _) in kept.items()}
