"""From the model's own probability to how often such an offer is right, as measured, and what is worth offering.

The tables are from the evaluation's tuning packages (``tests/quality/ngram_eval.py --calibrate``): the share of guesses
that were right, by the product of their tokens' probabilities.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

WHOLE_RIGHT: Sequence[tuple[float, float]] = (
    (0.0, 0.0), (0.22, 0.03), (0.32, 0.09), (0.43, 0.10), (0.556, 0.25), (0.67, 0.32), (0.768, 0.37), (0.841, 0.58),
    (0.90, 0.73), (0.944, 0.85), (0.968, 0.92), (0.986, 0.97), (1.0, 1.0),
)  # fmt: skip
"""(product, share exactly right) of 3,560 whole rests of lines; between rows the share is interpolated."""

PIECE_RIGHT: Sequence[tuple[float, float]] = (
    (0.0, 0.0), (0.26, 0.05), (0.376, 0.10), (0.50, 0.17), (0.63, 0.28), (0.739, 0.33), (0.831, 0.49), (0.898, 0.68),
    (0.948, 0.81), (0.975, 0.91), (0.99, 0.98), (1.0, 1.0),
)  # fmt: skip
"""The same for 21,474 beginnings of them, at any token."""

WHOLE_ENOUGH = 0.5
"""A whole rest of a line is offered from this confidence on."""

PIECE_ENOUGH = 0.6
"""Else the longest beginning is offered that has this."""

FURTHER_ENOUGH = 0.6
"""A further line is offered with the ones before it from this confidence in all of them on."""

HOPELESS = 0.6
"""From a product as low as this neither table comes to an offer: a guess needn't be finished."""


def whole_line(product: float) -> float:
    """How likely a whole rest of a line with this product is exactly right."""
    return _interpolated(WHOLE_RIGHT, product)


def piece(product: float) -> float:
    """How likely a beginning with this product is right as far as it goes."""
    return _interpolated(PIECE_RIGHT, product)


def _interpolated(table: Sequence[tuple[float, float]], product: float) -> float:
    at = bisect_right(table, (product, 2.0))
    if at == len(table):
        return table[-1][1]
    (left, low), (right, high) = table[at - 1], table[at]
    return low + (high - low) * (product - left) / (right - left)
