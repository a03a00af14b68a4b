"""The index of a workspace's files as bytes, to be kept between starts, and back, without trusting the bytes.

Kept are the tokens of the files with the chains that lead from context to context, because making those is what takes time;
neither documents of the editor nor names of words that only they contain. Words are numbered by the image's own list. A digest
reveals damage; in addition, every number that is read back points at something that exists. A forged chain may be a circle;
look-ups stop after a fixed number of steps.
"""

from __future__ import annotations

import hashlib
import json
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from fim_lsp.ngram.lexer import columns
from fim_lsp.ngram.token_store import ORDERS, PIECE, Run, heads_of
from fim_lsp.ngram.vocabulary import RESERVED, START
from fim_lsp.workspace.source_files import FileStamp

_MAGIC: Final = b"fim-lsp index\n"
_DIGEST: Final = 32
_CHAINS: Final = len(ORDERS) + 1
_MAX_LEAD: Final = 2
_MAX_HEADER: Final = 1 << 24
_WORD_BYTES: Final = 4
_BITS: Final = 8 * _WORD_BYTES

TOKEN_BYTES: Final = 1 + _WORD_BYTES * (1 + 2 * _CHAINS)
"""Bytes of one token in an image."""

TABLE_BYTES: Final = _WORD_BYTES * _CHAINS
"""Bytes of the tables of heads in an image, for each head."""

Pause = Callable[[], object]
"""Called between pieces of work of a few milliseconds. May raise, which ends the work."""


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
    """An image as bytes. ``key`` identifies what it is an image of; :func:`decode` needs the same key."""
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
    run = image.run
    tables = run.heads if _has_tables(len(run.core), len(run.heads[0])) else ()
    columns = (column.tobytes() for column in (run.core, run.lead, *run.older, *run.newer, *tables))
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
    run = _run(data[start + size : -_DIGEST], [file.length for file in files], 1 << bits, pause)
    _check_run(run, len(words), 1 << bits, pause)
    if not run.heads:
        run = replace(run, heads=[heads_of(column, 1 << bits, pause) for column in run.newer])
    return IndexImage(files=files, words=words, run=run)


def _entry(path: Any, modified: Any, size: Any, inode: Any, length: Any, indent: Any) -> FileEntry:
    numbers = (modified, size, inode, length, indent)
    _expect(isinstance(path, str) and all(type(number) is int for number in numbers) and length >= 0)
    _expect(0 <= indent <= columns("\t" * 1000))
    return FileEntry(path=path, stamp=(modified, size, inode), length=length, indent=indent)


def _run(data: memoryview, lengths: Sequence[int], heads: int, pause: Pause) -> Run:
    count = 1 + sum(lengths)
    tables = [("i", heads)] * _CHAINS if _has_tables(count, heads) else []
    columns: list[array[int]] = []
    for kind, size in (("i", count), ("B", count), *[("i", count)] * 2 * _CHAINS, *tables):
        column: array[int] = array(kind)
        column.frombytes(data[: size * column.itemsize])
        _expect(len(column) == size)
        data = data[size * column.itemsize :]
        columns.append(column)
        pause()
    _expect(not data)
    core, lead, *links = columns
    older, newer, found = links[:_CHAINS], links[_CHAINS : 2 * _CHAINS], links[2 * _CHAINS :]
    return Run(lengths=lengths, core=core, lead=lead, older=older, newer=newer, heads=found)


def _has_tables(tokens: int, heads: int) -> bool:
    """Whether the tables of heads are part of an image: to read them takes less time, but in a small one, most of the space."""
    return tokens > heads // 4


def _check_run(run: Run, words: int, heads: int, pause: Pause) -> None:
    """Every number is one that the columns may contain."""
    count = len(run.core)
    _expect(run.core[0] == START and run.lead[0] == 0 and not any(column[0] for column in (*run.older, *run.newer)))
    _expect(not run.lead.tobytes().translate(None, bytes(range(_MAX_LEAD + 1))))
    pause()
    for column, lowest, bound in (
        (run.core, 0, RESERVED + words),
        *((column, 0, count) for column in (*run.older, *run.heads)),
        *((column, -heads, count) for column in run.newer),
    ):
        _expect(are_within(column, lowest, bound, pause=pause))


def are_within(column: array[int], lowest: int, bound: int, *, pause: Pause) -> bool:
    """Whether all numbers are at least ``lowest``, from -2**31 to 0, and below ``bound``, from 1 to 2**31.

    Many are compared at once, as the digits of one large number, which is several times as fast as ``min`` and ``max``.
    """
    ones = 0
    for first in range(0, len(column), PIECE):
        piece = column[first : first + PIECE]
        if first == 0 or len(piece) < PIECE:
            ones = int.from_bytes((array("i", [1]) * len(piece)).tobytes(), sys.byteorder)
        if not _are_within(int.from_bytes(piece.tobytes(), sys.byteorder), ones, lowest, bound):
            return False
        pause()
    return True


def _are_within(digits: int, ones: int, lowest: int, bound: int) -> bool:
    """:func:`are_within` for one piece. ``ones`` is a number of as many digits, each 1.

    What is added to each digit sets its highest bit if the digit is too large, and carries nothing into the next one.
    """
    highest = ones << _BITS - 1
    too_large = (1 << _BITS - 1) - bound
    if lowest == 0:
        return not (digits | (digits + ones * too_large)) & highest
    is_negative = (digits >> _BITS - 1) & ones
    mask = is_negative * ((1 << _BITS) - 1)  # all bits of each digit that is a negative number
    below = (digits & mask) ^ mask  # -1 - number, which is not negative
    too_small = (1 << _BITS - 1) + lowest
    return not (((digits & ~mask) + ones * too_large) | (below + is_negative * too_small)) & highest


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
