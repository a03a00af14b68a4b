"""Token sequences that can be spliced, and searched by the tokens that precede a position.

A token's *position* is an index into parallel arrays. ``before`` and ``after`` link the tokens of a file, so that an edit
moves nothing. For each order in ``ORDERS``, positions whose preceding tokens have the same hash form a doubly linked chain,
newest first, like the dictionaries of LZ77 compressors: insertion and removal cost O(1), a look-up walks one chain. A
token takes twelve numbers of four bytes and one byte, a chain a table of heads.

Files that were added one after the other, and none cut, are a *run*: their positions ascend, and ``older`` always descends.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fim_lsp.ngram.vocabulary import START, UNKNOWN, Vocabulary

ORDERS = (6, 3, 1)
"""How many preceding tokens a chain's positions share, longest first; lengths between are found by comparing."""

SHAPE = len(ORDERS)
"""The index of one more chain: positions after ``SHAPE_ORDER`` tokens of the same shapes, whatever their names."""

SHAPE_ORDER = 6

NOWHERE = 0
"""The position before every first token and after every last one."""

_CHAINS = (*ORDERS, SHAPE_ORDER)
_MAX_ORDER = max(_CHAINS)
_GROWTH = 1024


PIECE = 1 << 15
"""Positions that are copied or checked at a time: one to five milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The columns of a run of files, from position 0 on, which is no token, and the chains' tables of heads.

    ``lengths`` are the files' tokens. A table's size is a power of two.
    """

    lengths: Sequence[int]
    core: array[int]
    lead: array[int]
    older: Sequence[array[int]]
    newer: Sequence[array[int]]
    heads: Sequence[array[int]]


class TokenStore:
    """The tokens of any number of files. ``bits`` sizes the tables: 2**bits heads an order."""

    def __init__(self, vocabulary: Vocabulary, *, bits: int) -> None:
        self.vocabulary = vocabulary
        self.core = array("i", [START])
        self.lead = array("B", [0])
        self.owner = array("i", [-1])
        self.before = array("i", [NOWHERE])
        self.after = array("i", [NOWHERE])
        self.older = tuple(array("i", [NOWHERE]) for _ in _CHAINS)
        self._newer = tuple(array("i", [NOWHERE]) for _ in _CHAINS)
        self._heads = tuple(array("i", [NOWHERE]) * (1 << bits) for _ in _CHAINS)
        self._mask = (1 << bits) - 1
        self._free: list[int] = []

    def __len__(self) -> int:
        """How many tokens are held."""
        return len(self.core) - 1 - len(self._free)

    @property
    def nbytes(self) -> int:
        """The size of the arrays, in bytes."""
        columns = (self.core, self.lead, self.owner, self.before, self.after)
        return sum(len(column) * column.itemsize for column in (*columns, *self.older, *self._newer, *self._heads))

    def newest(self, chain: int, reversed_context: Sequence[int]) -> int:
        """The first position of a chain (an index of ``ORDERS``, or ``SHAPE``) for a context given nearest token first.

        For ``SHAPE`` the context is shapes. Positions whose contexts have the same hash by chance are in the chain too.
        """
        code = self.vocabulary.code
        context = [code[number] if number != UNKNOWN else UNKNOWN for number in reversed_context[: _CHAINS[chain]]]
        return self._heads[chain][hash(tuple(context)) & self._mask]

    def splice(self, left: int, right: int, owner: int, tokens: Sequence[tuple[int, int]]) -> list[int]:
        """Insert (core, lead) tokens between two neighbouring positions. The caller has counted the uses of their words."""
        if len(self._free) < len(tokens):
            self._grow(len(tokens) - len(self._free))
        free, core, lead, owners, before, after = (
            self._free, self.core, self.lead, self.owner, self.before, self.after,
        )  # fmt: skip
        positions = []
        for number, spaces in tokens:
            position = free.pop()
            core[position] = number
            lead[position] = spaces
            owners[position] = owner
            before[position] = left
            if left:
                after[left] = position
            positions.append(position)
            left = position
        if left:
            after[left] = right
        if right:
            before[right] = left
        self._link_run(positions)
        self._rehash_from(right)
        return positions

    def cut(self, first: int, end: int) -> None:
        """Remove the positions from ``first`` up to, not including, ``end``, and one use of each word."""
        left, position = self.before[first], first
        while position != end:
            following = self.after[position]
            for index in range(len(_CHAINS)):
                self._unlink(index, position)
            self.vocabulary.drop(self.core[position])
            self.owner[position] = -1
            self._free.append(position)
            position = following
        if left:
            self.after[left] = end
        if end:
            self.before[end] = left
        self._rehash_from(end)

    def replace_core(self, position: int, number: int) -> None:
        """Replace the token of one position; for line starts, whose uses aren't counted."""
        self.core[position] = number
        self._rehash_from(self.after[position])

    def walk(self, position: int) -> Iterator[int]:
        """Positions from here to the end of the file."""
        while position:
            yield position
            position = self.after[position]

    def _grow(self, wanted: int) -> None:
        size = len(self.core)
        extra = max(wanted, _GROWTH)
        zeros = bytes(4 * extra)
        self.lead.frombytes(bytes(extra))
        for column in (self.core, self.owner, self.before, self.after, *self.older, *self._newer):
            column.frombytes(zeros)
        self._free.extend(range(size + extra - 1, size - 1, -1))

    @classmethod
    def of_run(
        cls, vocabulary: Vocabulary, run: Run, owners: Sequence[int], *, pause: Callable[[], object]
    ) -> TokenStore:
        """A store with these files; ``owners`` are theirs, file by file. ``pause`` is called between pieces of work."""
        store = cls(vocabulary, bits=0)
        store.core, store.lead = run.core, run.lead
        store.older, store._newer = tuple(run.older), tuple(run.newer)
        store._heads, store._mask = tuple(run.heads), len(run.heads[0]) - 1
        count = len(run.core)
        numbers = array("i")
        for first in range(0, count + 1, PIECE):
            numbers.extend(range(first, min(first + PIECE, count + 1)))
            pause()
        store.before, store.after = array("i", [NOWHERE]) + numbers[: count - 1], numbers[1:]
        store.after[0] = NOWHERE
        first = 1
        for length, owner in zip(run.lengths, owners, strict=True):
            store.owner.extend(array("i", [owner]) * length)
            if length:
                store.before[first] = store.after[first + length - 1] = NOWHERE
            first += length
            pause()
        return store

    def run_of(self, firsts: Sequence[int], *, pause: Callable[[], object]) -> Run:
        """The files that begin at these positions, in the order in which they were added, as if there were no others."""
        order, lengths = array("i", [NOWHERE]), []
        for first in firsts:
            before = len(order)
            order.extend(self.walk(first))
            lengths.append(len(order) - before)
            pause()
        place = array("i", bytes(4 * len(self.core)))
        for begin in range(0, len(order), PIECE):
            for new, old in enumerate(order[begin : begin + PIECE], begin):
                place[old] = new
            pause()
        older, newer = self._links_of(order, place, pause)
        newer = [_moved(column, order, place, pause) for column in newer]
        return Run(
            lengths=lengths,
            core=_picked(self.core, order, pause),
            lead=_picked(self.lead, order, pause),
            older=[_moved(column, order, place, pause) for column in older],
            newer=newer,
            heads=[heads_of(column, self._mask + 1, pause) for column in newer],
        )

    def _links_of(
        self, order: array[int], place: array[int], pause: Callable[[], object]
    ) -> tuple[Sequence[array[int]], Sequence[array[int]]]:
        """The links of the chains without positions that have no place; copies, unless all have one."""
        if len(order) - 1 == len(self):
            return self.older, self._newer
        links = [(array("i", older), array("i", newer)) for older, newer in zip(self.older, self._newer, strict=True)]
        for position, owner in enumerate(self.owner):
            if owner > 0 and not place[position]:
                for older, newer in links:
                    below, above = older[position], newer[position]
                    if above > 0:
                        older[above] = below
                    if below:
                        newer[below] = above
            if position % PIECE == 0:
                pause()
        return [older for older, _ in links], [newer for _, newer in links]

    def _context(self, position: int) -> tuple[int, ...]:
        context = []
        for _ in range(_MAX_ORDER):
            position = self.before[position]
            context.append(self.core[position])
        return tuple(context)

    def _link_run(self, positions: Sequence[int]) -> None:
        if not positions:
            return
        before = self._context(positions[0])
        code, shape_code, core, mask = self.vocabulary.code, self.vocabulary.shape_code, self.core, self._mask
        context = tuple([code[number] for number in before])
        shapes = tuple([shape_code[number] for number in before])
        orders = list(zip(ORDERS, self._heads, self.older, self._newer, strict=False))
        heads, older, newer = self._heads[SHAPE], self.older[SHAPE], self._newer[SHAPE]
        for position in positions:
            for order, order_heads, order_older, order_newer in orders:
                _push(order_heads, order_older, order_newer, hash(context[:order]) & mask, position)
            _push(heads, older, newer, hash(shapes[:SHAPE_ORDER]) & mask, position)
            number = core[position]
            context = (code[number], *context[:-1])
            shapes = (shape_code[number], *shapes[:-1])

    def _unlink(self, index: int, position: int) -> None:
        older, newer = self.older[index], self._newer[index]
        below, above = older[position], newer[position]
        if above < 0:
            self._heads[index][~above] = below
        else:
            older[above] = below
        if below:
            newer[below] = above

    def _rehash_from(self, position: int) -> None:
        """Update the chains of the positions whose contexts include a changed token."""
        run: list[int] = []
        while position and len(run) < _MAX_ORDER:
            run.append(position)
            for index in range(len(_CHAINS)):
                self._unlink(index, position)
            position = self.after[position]
        self._link_run(run)


def _picked(column: array[int], order: array[int], pause: Callable[[], object]) -> array[int]:
    """The values of a column in another order."""
    picked = array(column.typecode)
    for first in range(0, len(order), PIECE):
        picked.extend(map(column.__getitem__, order[first : first + PIECE]))
        pause()
    return picked


def _moved(column: array[int], order: array[int], place: array[int], pause: Callable[[], object]) -> array[int]:
    """The same for a column of positions, which are in other places too; a negative value is a chain's head."""
    moved = array("i")
    for first in range(0, len(order), PIECE):
        values = map(column.__getitem__, order[first : first + PIECE])
        moved.extend([place[value] if value > 0 else value for value in values])
        pause()
    return moved


def heads_of(newer: array[int], size: int, pause: Callable[[], object]) -> array[int]:
    """The newest position of each chain: a table of this size."""
    heads = array("i", [NOWHERE]) * size
    for first in range(0, len(newer), PIECE):
        for position, above in enumerate(newer[first : first + PIECE], first):
            if above < 0:
                heads[~above] = position
        pause()
    return heads


def _push(heads: array[int], older: array[int], newer: array[int], bucket: int, position: int) -> None:
    head = heads[bucket]
    older[position] = head
    newer[position] = ~bucket
    if head:
        newer[head] = position
    heads[bucket] = position
