"""Finds the positions whose context is like the cursor's, and how much each of them counts.

Scopes are nested as in Hellendoorn & Devanbu (FSE 2017): this document (first the lines around the cursor, as in the
cache of Tu, Su & Devanbu, FSE 2014), its folder and the other open documents, the workspace. They differ by weight, and
open documents are searched first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from fim_lsp.ngram.token_store import NOWHERE, ORDERS, SHAPE, SHAPE_ORDER, TokenStore
from fim_lsp.ngram.vocabulary import BLANK, NUMBER, START, WORD

MAX_CONTEXT = 24
"""Tokens before the cursor that are compared."""

CHAIN_STEPS = (32, 64, 64)
"""How many positions of a chain are compared, for each of ``ORDERS``, in each store: this bounds the cost.

From (24, 48, 64) to (96, 256, 256) the tuning packages gained 0.1 points of exact lines.
"""

SHAPE_STEPS = 48
"""The same for the chain of shapes."""

OWN_WEIGHT, NEAR_WEIGHT, FAR_WEIGHT = 5.0, 2.0, 1.0
"""Weights of positions in this document, in its folder or another open document, and anywhere else."""

FRAMED_WEIGHT = 8.0
"""Factor for positions in a line that is followed by a line that begins like the one below the cursor."""

_NAMED = (WORD, NUMBER)
_FRAME_STEPS = 64
_MAX_FRAME_TOKENS = 40

Counts = dict[int, dict[int, float]]
"""By length of the matching context, by event (``core * 4 + lead``): the weight of the positions where it followed."""


@dataclass(slots=True, kw_only=True)
class Scope:
    """The document for which counts are collected, by owner number and folder.

    ``weights`` are those of single positions in it: 0 for hidden ones, more around the cursor. ``hidden`` owners don't count.
    ``framed`` are the positions in open documents, and in files, that ``FRAMED_WEIGHT`` applies to. ``examined`` counts
    the positions that were compared.
    """

    owner: int
    folder: str
    folders: Mapping[int, str]
    hidden: Collection[int] = ()
    weights: dict[int, float] = field(default_factory=dict)
    framed: tuple[Collection[int], Collection[int]] = ((), ())
    examined: int = 0

    def weight(self, position: int, owner: int, *, is_open: bool) -> float:
        """The weight of a position; 0 if it must not count."""
        factor = FRAMED_WEIGHT if position in self.framed[0 if is_open else 1] else 1.0
        if owner == self.owner:
            return self.weights.get(position, OWN_WEIGHT) * factor
        if is_open or self.folders.get(owner) == self.folder:
            return 0.0 if owner in self.hidden else NEAR_WEIGHT * factor
        return 0.0 if owner in self.hidden else FAR_WEIGHT * factor


def collect(
    store: TokenStore, chain: int, context: Sequence[int], scope: Scope, counts: Counts, *, is_open: bool
) -> None:
    """Add to ``counts`` what followed in the store after contexts that share ``ORDERS[chain]`` tokens or more.

    ``context`` is ``MAX_CONTEXT`` cores, nearest first. Lengths that the chain of the next longer order has already found
    are skipped.
    """
    shortest = ORDERS[chain]
    too_long = ORDERS[chain - 1] if chain else MAX_CONTEXT + 1
    core, lead, before, owners, older = store.core, store.lead, store.before, store.owner, store.older[chain]
    position = store.newest(chain, context)
    steps = CHAIN_STEPS[chain]
    while position and steps:
        steps -= 1
        length = 0
        place = before[position]
        while length < MAX_CONTEXT and core[place] == context[length]:
            length += 1
            place = before[place]
        if shortest <= length < too_long:
            bucket = counts.setdefault(length, {})
            event = core[position] * 4 + lead[position]
            bucket[event] = bucket.get(event, 0.0) + scope.weight(position, owners[position], is_open=is_open)
        position = older[position]
    scope.examined += CHAIN_STEPS[chain] - steps


def collect_shapes(
    store: TokenStore, context: Sequence[int], shapes: Sequence[int], scope: Scope, counts: Counts, *, is_open: bool
) -> None:
    """Add to ``counts`` what followed after contexts that are equal once names are substituted, with the same substitution.

    ``self.host = host`` thus shows what follows ``self.port =``. Lengths are of contexts with substitutions.
    """
    core, lead, before, owners, older = store.core, store.lead, store.before, store.owner, store.older[SHAPE]
    shape = store.vocabulary.shape
    position = store.newest(SHAPE, shapes)
    steps = SHAPE_STEPS
    while position and steps:
        steps -= 1
        names: dict[int, int] = {}
        taken: dict[int, int] = {}
        length = 0
        place = before[position]
        while length < MAX_CONTEXT:
            theirs, ours = core[place], context[length]
            kind = shape[theirs]
            if kind != shapes[length]:
                break
            if kind in _NAMED and (names.setdefault(theirs, ours) != ours or taken.setdefault(ours, theirs) != theirs):
                break
            length += 1
            place = before[place]
        if length >= SHAPE_ORDER:
            bucket = counts.setdefault(length, {})
            number = core[position]
            event = names.get(number, number) * 4 + lead[position]
            bucket[event] = bucket.get(event, 0.0) + scope.weight(position, owners[position], is_open=is_open)
        position = older[position]
    scope.examined += SHAPE_STEPS - steps


def framed_positions(store: TokenStore, line: Sequence[int]) -> set[int]:
    """The positions of lines that are followed by a line that begins like ``line``, which must have three cores."""
    if len(line) < 3:
        return set()
    found: set[int] = set()
    core, before = store.core, store.before
    third_chain = ORDERS.index(3)
    position = store.newest(third_chain, (line[2], line[1], line[0]))
    for _ in range(_FRAME_STEPS):
        if not position:
            break
        third = before[position]
        second = before[third]
        first = before[second]
        place = before[first]
        if (core[first], core[second], core[third]) == tuple(line[:3]) and core[place] < START:
            found |= _line_above(store, place)
        position = store.older[third_chain][position]
    return found


def _line_above(store: TokenStore, line_start: int) -> set[int]:
    """The positions of the last line before ``line_start`` that isn't blank, and of its end."""
    found = {line_start}
    place = store.before[line_start]
    while place != NOWHERE and store.core[place] == BLANK:
        found.add(place)
        place = store.before[place]
    while store.core[place] > START and len(found) < _MAX_FRAME_TOKENS:
        found.add(place)
        place = store.before[place]
    return found
