"""The index of a workspace's files as bytes, to be kept between starts, and back, without trusting the bytes.

Kept are the tokens of the files with the chains that lead from context to context, because making those is what takes time;
neither documents of the editor nor names of words that only they contain. Numbers of words are those of a list of the image's
own. All that is read back is checked, and what points anywhere points backwards, so that no damage makes a look-up endless.
"""

from __future__ import annotations

import hashlib
import json
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import lt
from pathlib import Path
from typing import Any, Final

from fim_lsp.ngram.lexer import columns
from fim_lsp.ngram.token_store import ORDERS, PIECE, Run
from fim_lsp.ngram.vocabulary import RESERVED, START
from fim_lsp.workspace.source_files import FileStamp

_MAGIC: Final = b"fim-lsp index\n"
_DIGEST: Final = 32
_CHAINS: Final = len(ORDERS) + 1
_MAX_LEAD: Final = 2
_MAX_HEADER: Final = 1 << 24
_WORD_BYTES: Final = 4

TOKEN_BYTES: Final = 1 + _WORD_BYTES * (1 + 2 * _CHAINS)
"""Bytes of one token in an image."""

Pause = Callable[[], object]
"""Called between pieces of work of one or two milliseconds. May raise, which ends the work."""


class DamagedImage(ValueError):
    """The bytes are not an image that can be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file in an image: its path, what it was when it was read, its number of tokens and its last indentation."""

    path: str
    stamp: FileStamp
    length: int
    indent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexImage:
    """Files, the words in them, and their tokens; in ``run.core`` the word ``words[n]`` has the number ``RESERVED + n``."""

    files: Sequence[FileEntry]
    words: Sequence[str]
    run: Run


def encode(image: IndexImage, key: str, pause: Pause) -> Iterator[bytes]:
    """An image as bytes. ``key`` says what it is an image of; who reads it must know."""
    words = "\n".join(image.words).encode()
    header = json.dumps(
        {
            "key": key,
            "byteorder": sys.byteorder,
            "words": len(words),
            "files": [[file.path, *file.stamp, file.length, file.indent] for file in image.files],
        }
    ).encode()
    digest = hashlib.blake2b(digest_size=_DIGEST)
    columns = (column.tobytes() for column in (image.run.core, image.run.lead, *image.run.older, *image.run.newer))
    for piece in chain((_MAGIC, len(header).to_bytes(4, "big"), header, words), columns):
        digest.update(piece)
        yield piece
        pause()
    yield digest.digest()


def decode(data: bytes | bytearray, key: str, *, bits: int, pause: Pause) -> IndexImage:
    """The image, if the bytes are one with this key. Raises DamagedImage. ``bits`` is the size of the chains' tables."""
    try:
        return _decoded(memoryview(data), key, bits, pause)
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError) as error:
        raise DamagedImage(type(error).__name__) from None


def _decoded(data: memoryview, key: str, bits: int, pause: Pause) -> IndexImage:
    start = len(_MAGIC) + 4
    _expect(bytes(data[: len(_MAGIC)]) == _MAGIC and len(data) > start + _DIGEST)
    _expect(hashlib.blake2b(data[:-_DIGEST], digest_size=_DIGEST).digest() == data[-_DIGEST:])
    pause()
    length = int.from_bytes(data[len(_MAGIC) : start], "big")
    _expect(length <= _MAX_HEADER)
    header = json.loads(bytes(data[start : start + length]))
    _expect(header["key"] == key and header["byteorder"] == sys.byteorder)
    pause()
    files = [_entry(*row) for row in header["files"]]
    _expect(len({Path(file.path) for file in files}) == len(files))
    start += length
    size = header["words"]
    _expect(isinstance(size, int) and 0 <= size <= len(data) - start)
    words = str(data[start : start + size], "utf-8").split("\n") if size else []
    _expect(len(set(words)) == len(words) and all(words))
    pause()
    run = _run(data[start + size : -_DIGEST], [file.length for file in files], pause)
    _check_run(run, len(words), 1 << bits, pause)
    return IndexImage(files=files, words=words, run=run)


def _entry(path: Any, modified: Any, size: Any, inode: Any, length: Any, indent: Any) -> FileEntry:
    numbers = (modified, size, inode, length, indent)
    _expect(isinstance(path, str) and all(type(number) is int for number in numbers) and length >= 0)
    _expect(0 <= indent <= columns("\t" * 1000))
    return FileEntry(path=path, stamp=(modified, size, inode), length=length, indent=indent)


def _run(data: memoryview, lengths: Sequence[int], pause: Pause) -> Run:
    count = 1 + sum(lengths)
    _expect(len(data) == count * TOKEN_BYTES)
    columns: list[array[int]] = []
    for kind in ("i", "B", *"i" * 2 * _CHAINS):
        column: array[int] = array(kind)
        column.frombytes(data[: count * column.itemsize])
        data = data[count * column.itemsize :]
        columns.append(column)
        pause()
    core, lead, *links = columns
    return Run(lengths=lengths, core=core, lead=lead, older=links[:_CHAINS], newer=links[_CHAINS:])


def _check_run(run: Run, words: int, heads: int, pause: Pause) -> None:
    """Every number is one that the columns may contain, and chains lead to earlier positions only."""
    count = len(run.core)
    _expect(run.core[0] == START and run.lead[0] == 0 and not any(column[0] for column in (*run.older, *run.newer)))
    for first in range(0, count, PIECE):
        piece = slice(first, first + PIECE)
        _expect(min(run.core[piece]) >= 0 and max(run.core[piece]) < RESERVED + words)
        _expect(max(run.lead[piece]) <= _MAX_LEAD)
        pause()
        for older, newer in zip(run.older, run.newer, strict=True):
            start = max(first, 1)
            earlier = array(
                "I", older[start : first + PIECE].tobytes()
            )  # without a sign, what is negative is too large
            _expect(all(map(lt, earlier, range(start, count))))
            _expect(min(newer[piece]) >= -heads and max(newer[piece]) < count)
            pause()


def _expect(condition: object) -> None:
    if not condition:
        raise ValueError


def uses_of(run: Run, pause: Pause) -> Mapping[int, int]:
    """How often each number occurs."""
    uses: Counter[int] = Counter()
    for first in range(0, len(run.core), PIECE):
        uses.update(run.core[first : first + PIECE])
        pause()
    return uses


def renumbered(core: array[int], numbers: Sequence[int] | Mapping[int, int], pause: Pause) -> array[int]:
    """A column of numbers, each replaced by the one that ``numbers`` gives for it."""
    renewed = array("i")
    for first in range(0, len(core), PIECE):
        renewed.extend(map(numbers.__getitem__, core[first : first + PIECE]))
        pause()
    return renewed
