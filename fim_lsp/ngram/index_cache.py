"""The folder in which indexes of workspaces are kept between starts: the user's alone, bounded, and never needed.

A file is used only if the same program, with the same Python, wrote it for the same folders. Whatever goes wrong with it, the
index is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from fim_lsp import __version__
from fim_lsp.ngram.index_image import TABLE_BYTES, TOKEN_BYTES, DamagedImage, IndexImage, Pause, decode, encode
from fim_lsp.ngram.model import INDEX_BITS
from fim_lsp.workspace.private_file import read_private_bytes, write_private_cache

log = logging.getLogger(__name__)

MAX_BYTES: Final = 1_000_000 * TOKEN_BYTES + (1 << INDEX_BITS) * TABLE_BYTES + 15_000_000
"""Bytes of one workspace's index: the bound of tokens, the tables of heads, and the words and files."""

MAX_TOTAL_BYTES: Final = 4 * MAX_BYTES
"""Bytes of all indexes; those used longest ago are removed."""

MAX_AGE: Final = 90 * 86_400
"""Seconds since its last use after which an index is removed."""

_SUFFIX: Final = ".index"
_DEPENDS_ON: Final = ("ngram", "redaction", "workspace")  # rooms that decide what an index contains


class IndexCache:
    """``folder`` returns where indexes are kept, None for nowhere; it is called in the index's thread, when it is needed."""

    def __init__(self, folder: Callable[[], Path | None], *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._has_failed = False
        self._program = ""

    def read(self, roots: Sequence[Path], suffixes: Collection[str], *, bits: int, pause: Pause) -> IndexImage | None:
        """The index that was kept for these folders, if there is one that can be used."""
        try:
            path = self._path(roots, suffixes)
            if path is None:
                return None
            key = self._key(roots, suffixes, bits)
            data = read_private_bytes(path, max_bytes=MAX_BYTES)
            pause()
            image = decode(data, key, bits=bits, pause=pause)
            with contextlib.suppress(OSError):  # a read-only disk
                os.utime(path, (self._clock(),) * 2)
        except FileNotFoundError:
            return None
        except (OSError, DamagedImage) as error:
            log.debug("the kept index is not used: %s", type(error).__name__)
            return None
        return image

    def write(
        self, roots: Sequence[Path], suffixes: Collection[str], image: IndexImage, *, bits: int, pause: Pause
    ) -> bool:
        """Keep an index in place of an earlier one; whether it worked. ``pause`` may raise, and nothing has changed then."""
        try:
            path = self._path(roots, suffixes)
            if path is None:
                return False
            write_private_cache(path, _bounded(encode(image, self._key(roots, suffixes, bits), pause)))
            self._clean_up(path.parent)
        except OSError as error:  # a full disk, a read-only home
            if not self._has_failed:
                log.warning(
                    "the index of the workspace's files can't be kept: %s", error.strerror or type(error).__name__
                )
            self._has_failed = True
            self.remove(roots, suffixes)
            return False
        return True

    def remove(self, roots: Sequence[Path], suffixes: Collection[str]) -> None:
        """Keep nothing for these folders."""
        with contextlib.suppress(OSError):
            if (path := self._path(roots, suffixes)) is not None:
                path.unlink(missing_ok=True)

    def clear(self) -> int:
        """Delete all indexes; returns how many there were. Raises ``OSError``."""
        folder = self._folder()
        if folder is None or not folder.is_dir():
            return 0
        paths = [path for path in folder.iterdir() if _SUFFIX in path.name]  # also what a crash left half written
        for path in paths:
            path.unlink(missing_ok=True)
        return sum(path.suffix == _SUFFIX for path in paths)

    def _path(self, roots: Sequence[Path], suffixes: Collection[str]) -> Path | None:
        folder = self._folder()
        name = hashlib.blake2b(_names(roots, suffixes).encode(), digest_size=16).hexdigest()
        return folder / f"{name}{_SUFFIX}" if folder is not None else None

    def _key(self, roots: Sequence[Path], suffixes: Collection[str], bits: int) -> str:
        # once, at the start: an update may replace the sources while this process still runs the old ones
        if not self._program:
            self._program = _program()
        return f"{_names(roots, suffixes)} {bits} {self._program}"

    def _clean_up(self, folder: Path) -> None:
        """Remove what is too old or too much, the newest last; other processes may do the same."""
        found = []
        for path in folder.iterdir():
            if _SUFFIX in path.name:
                with contextlib.suppress(OSError):
                    status = path.lstat()
                    found.append((status.st_mtime, status.st_size, path))
        remaining = MAX_TOTAL_BYTES
        now = self._clock()
        for modified, size, path in sorted(found, reverse=True):
            remaining -= size
            half_written = path.suffix != _SUFFIX and now - modified > 3600
            if remaining < 0 or now - modified > MAX_AGE or half_written:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)


def _names(roots: Sequence[Path], suffixes: Collection[str]) -> str:
    return json.dumps([list(map(str, roots)), sorted(suffixes)])


def _program() -> str:
    """Another string for a program that would make another index: version, sources, tables of characters, hashes."""
    digest = hashlib.blake2b(digest_size=16)
    package = Path(__file__).parent.parent
    for room in _DEPENDS_ON:
        for path in sorted((package / room).glob("*.py")):
            digest.update(path.read_bytes())
    python = f"{sys.implementation.cache_tag} {unicodedata.unidata_version} {hash((1, 2, 3))}"
    return f"{__version__} {python} {digest.hexdigest()}"


def _bounded(pieces: Iterable[bytes]) -> Iterable[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_BYTES:
            raise OSError(27, "it is too large")
        yield piece
