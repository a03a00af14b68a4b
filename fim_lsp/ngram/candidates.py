"""The places that were followed after a context like this one, and how much each of them counts.

Scopes are nested as in Hellendoorn & Devanbu (FSE 2017): this document (the lines round the cursor first, as in the
cache of Tu, Su & Devanbu, FSE 2014), its folder and the other open documents, the workspace. They differ by weight,
and open documents are looked through first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from fim_lsp.ngram.token_store import NOWHERE, ORDERS, SHAPE, SHAPE_ORDER, TokenStore
from fim_lsp.ngram.vocabulary import BLANK, NUMBER, START, WORD

LONGEST_CONTEXT = 24
"""Tokens before the cursor that are compared."""

CHAIN_STEPS = (32, 64, 64)
"""How many positions of a chain are looked at, for each of ``ORDERS``, in each store: this bounds the cost.

From (24, 48, 64) to (96, 256, 256) the tuning packages gained 0.1 points of exact lines.
"""

SHAPE_STEPS = 48
"""The same for the chain of shapes."""

OWN, NEAR, FAR = 5.0, 2.0, 1.0
"""What a place weighs in this document, in its folder or another open document, and anywhere else."""

FRAMED = 8.0
"""By how much more a place counts in a line that is followed by a line that begins like the one below the cursor."""

_NAMED = (WORD, NUMBER)
_FRAME_STEPS = 64
_LONGEST_FRAME = 40

Counts = dict[int, dict[int, float]]
"""By length of the matching context: by event (``core * 4 + lead``), the weight of the places where it followed."""


@dataclass(slots=True, kw_only=True)
class Scope:
    """For whom is asked: the owner number and folder of the document.

    ``placed`` weighs single positions of it: 0 hides one, those round the cursor count for more. ``muted`` owners don't
    count. ``framed`` are the positions in open documents and in files that ``FRAMED`` is for. ``examined`` counts the
    places looked at.
    """

    owner: int
    folder: str
    folders: Mapping[int, str]
    muted: Collection[int] = ()
    placed: dict[int, float] = field(default_factory=dict)
    framed: tuple[Collection[int], Collection[int]] = ((), ())
    examined: int = 0

    def weight(self, position: int, owner: int, *, is_open: bool) -> float:
        """What a position counts; 0 if it must not be looked at."""
        factor = FRAMED if position in self.framed[0 if is_open else 1] else 1.0
        if owner == self.owner:
            return self.placed.get(position, OWN) * factor
        if is_open or self.folders.get(owner) == self.folder:
            return 0.0 if owner in self.muted else NEAR * factor
        return 0.0 if owner in self.muted else FAR * factor


def collect(
    store: TokenStore, chain: int, context: Sequence[int], scope: Scope, counts: Counts, *, is_open: bool
) -> None:
    """Add to ``counts`` what followed in the store after contexts that share ``ORDERS[chain]`` tokens or more.

    ``context`` is cores, nearest first, ``LONGEST_CONTEXT`` of them. Lengths that the chain of the next longer order
    has given already are left out.
    """
    shortest = ORDERS[chain]
    too_long = ORDERS[chain - 1] if chain else LONGEST_CONTEXT + 1
    core, lead, before, owners, older = store.core, store.lead, store.before, store.owner, store.older[chain]
    position = store.newest(chain, context)
    steps = CHAIN_STEPS[chain]
    while position and steps:
        steps -= 1
        length = 0
        place = before[position]
        while length < LONGEST_CONTEXT and core[place] == context[length]:
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
    """Add what followed after contexts that read the same when names are exchanged one for one, with names exchanged.

    ``self.host = host`` thus tells what follows ``self.port =``. Lengths are of contexts with such exchanges.
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
        while length < LONGEST_CONTEXT:
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
    """The positions of lines that are followed by a line that begins like ``line``: three cores, else none are found."""
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
    """The positions of the last line before that isn't blank, and of its end."""
    found = {line_start}
    place = store.before[line_start]
    while place != NOWHERE and store.core[place] == BLANK:
        found.add(place)
        place = store.before[place]
    while store.core[place] > START and len(found) < _LONGEST_FRAME:
        found.add(place)
        place = store.before[place]
    return found
