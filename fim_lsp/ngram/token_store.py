"""Token sequences that can be spliced, and searched by the tokens that precede a position.

A token's *position* is an index into parallel arrays. ``before`` and ``after`` link the tokens of a file, so that an edit
moves nothing. For each order in ``ORDERS``, positions whose preceding tokens have the same hash form a doubly linked chain,
newest first, like the dictionaries of LZ77 compressors: insertion and removal cost O(1), a look-up walks one chain. A
token takes twelve numbers of four bytes and one byte, a chain a table of heads.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from fim_lsp.ngram.vocabulary import START, Vocabulary

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
        return self._heads[chain][hash(tuple(reversed_context[: _CHAINS[chain]])) & self._mask]

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

    def _context(self, position: int) -> tuple[int, ...]:
        context = []
        for _ in range(_MAX_ORDER):
            position = self.before[position]
            context.append(self.core[position])
        return tuple(context)

    def _link_run(self, positions: Sequence[int]) -> None:
        if not positions:
            return
        context = self._context(positions[0])
        shape, core, mask = self.vocabulary.shape, self.core, self._mask
        shapes = tuple([shape[number] for number in context])
        orders = list(zip(ORDERS, self._heads, self.older, self._newer, strict=False))
        heads, older, newer = self._heads[SHAPE], self.older[SHAPE], self._newer[SHAPE]
        for position in positions:
            for order, order_heads, order_older, order_newer in orders:
                _push(order_heads, order_older, order_newer, hash(context[:order]) & mask, position)
            _push(heads, older, newer, hash(shapes[:SHAPE_ORDER]) & mask, position)
            number = core[position]
            context = (number, *context[:-1])
            shapes = (shape[number], *shapes[:-1])

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


def _push(heads: array[int], older: array[int], newer: array[int], bucket: int, position: int) -> None:
    head = heads[bucket]
    older[position] = head
    newer[position] = ~bucket
    if head:
        newer[head] = position
    heads[bucket] = position
