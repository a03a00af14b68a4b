"""Combines counts after contexts of many lengths into one distribution: Witten-Bell smoothing, longest context first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fim_lsp.ngram.candidates import Counts, Scope, collect, collect_shapes
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.token_store import ORDERS
from fim_lsp.ngram.vocabulary import RESERVED, UNKNOWN, WORD, Vocabulary

END_OF_LINE = -1
"""The event "nothing more on this line"; all line starts, of any depth, count as this event."""

ESCAPE = 0.5
"""Weight of "something new" for each kind of event seen (Witten-Bell's is 1)."""

MIN_SHARE = 0.02
"""If a smaller share remains for shorter contexts, they are not searched."""

TRUST = 0.4
"""Exponent of the weights in the share of "something new": a position that counts twenty times is still only one.

With 1, half as many whole lines could be offered at 80 % right (tuning packages).
"""

DEEP_SHAPES = 16
"""Contexts of this many equal shapes come before exact ones of three to five tokens, shorter ones after them."""

_AS_TYPED = 0.1
"""Share of what remains at the end for the possibility that the word is complete as it is typed."""

_MIN_SEARCHED = 3
"""Characters that must be typed before all words that start with them are considered."""

_FIRST_WORD_EVENT = RESERVED * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events are requested.

    ``partial``: only words that start with it, whatever spaces precede them. ``end``: whether the line may end here.
    ``line_starts``: only line starts, with their indentations.
    """

    partial: str = ""
    end: bool = True
    line_starts: bool = False

    def kind(self, event: int, vocabulary: Vocabulary) -> int | None:
        """The event under which it is counted, or ``None`` if it isn't wanted."""
        if event < _FIRST_WORD_EVENT:
            if self.line_starts:
                return event
            return END_OF_LINE if self.end and not self.partial else None
        if self.line_starts:
            return None
        if self.partial:
            return event & ~3 if vocabulary.text[event >> 2].startswith(self.partial) else None
        return event


ANYTHING = Wanted()


def distribution(model: NgramModel, context: Sequence[int], scope: Scope, wanted: Wanted) -> dict[int, float]:
    """Events with their probabilities; the rest up to 1 is the share of events never seen here."""
    scores: dict[int, float] = {}
    left = 1.0
    pools: dict[bool, _Pool] = {False: _Pool(model.vocabulary, wanted), True: _Pool(model.vocabulary, wanted)}
    for by_shape, counts in _stages(model, context, scope):
        left = pools[by_shape].add(counts, left, scores)
        if left < MIN_SHARE:
            break
    if wanted.partial:
        _complete(model.vocabulary, wanted.partial, left, scores)
    return scores


def _stages(model: NgramModel, context: Sequence[int], scope: Scope) -> Iterator[tuple[bool, Counts]]:
    """Counts from the most to the least specific, each collected when it is needed; and whether they are by shape."""
    yield False, _exact(model, 0, context, scope)
    shapes: Counts = {}
    known = [model.vocabulary.shape[number] if number != UNKNOWN else WORD for number in context]
    collect_shapes(model.open_store, context, known, scope, shapes, is_open=True)
    collect_shapes(model.file_store, context, known, scope, shapes, is_open=False)
    yield True, {length: counts for length, counts in shapes.items() if length >= DEEP_SHAPES}
    yield False, _exact(model, 1, context, scope)
    yield True, {length: counts for length, counts in shapes.items() if length < DEEP_SHAPES}
    for chain in range(2, len(ORDERS)):
        yield False, _exact(model, chain, context, scope)


def _exact(model: NgramModel, chain: int, context: Sequence[int], scope: Scope) -> Counts:
    counts: Counts = {}
    collect(model.open_store, chain, context, scope, counts, is_open=True)
    collect(model.file_store, chain, context, scope, counts, is_open=False)
    return counts


class _Pool:
    """Counts after contexts of one kind, longest first: those after a longer one are after each shorter one, too."""

    def __init__(self, vocabulary: Vocabulary, wanted: Wanted) -> None:
        self._vocabulary = vocabulary
        self._wanted = wanted
        self._weights: dict[int, float] = {}
        self._total = 0.0

    def add(self, counts: Mapping[int, Mapping[int, float]], left: float, scores: dict[int, float]) -> float:
        """Distribute the share ``left`` to ``scores``, length by length; returns what remains of it."""
        weights, wanted, vocabulary = self._weights, self._wanted, self._vocabulary
        for length in sorted(counts, reverse=True):
            added = 0.0
            for event, weight in counts[length].items():
                kind = wanted.kind(event, vocabulary)
                if weight and kind is not None:
                    weights[kind] = weights.get(kind, 0.0) + weight
                    added += weight
            if not added:
                continue
            self._total += added
            escape = ESCAPE * len(weights)
            trusted = self._total**TRUST
            remains = escape / (trusted + escape)
            share = left * (1 - remains) / self._total
            for kind, weight in weights.items():
                scores[kind] = scores.get(kind, 0.0) + share * weight
            left *= remains
            if left < MIN_SHARE:
                break
        return left


def _complete(vocabulary: Vocabulary, partial: str, left: float, scores: dict[int, float]) -> None:
    """Distribute ``left`` to the words that start with ``partial``, by their frequencies, and to the word as it is."""
    own = vocabulary.find(partial)
    if len(partial) >= _MIN_SEARCHED:
        # one use is the word at the cursor itself
        uses = {number: vocabulary.uses(number) - (number == own) for number in vocabulary.starting_with(partial)}
        total = sum(uses.values())
        for number, count in uses.items():
            if count:
                scores[number * 4] = scores.get(number * 4, 0.0) + left * (1 - _AS_TYPED) * count / total
    if own != UNKNOWN:
        scores[own * 4] = scores.get(own * 4, 0.0) + left * _AS_TYPED
