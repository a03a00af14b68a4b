"""From the model's own probability to how often such an offer is right, as measured, and what is worth offering.

The tables are from the evaluation's tuning packages (``tests/quality/ngram_eval.py --calibrate``): the share of guesses
that were right, by the product of their tokens' probabilities. 35 % of the places are ends of lines, where all are wrong.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

WHOLE_RIGHT: Sequence[tuple[float, float]] = (
    (0.0, 0.0), (0.126, 0.035), (0.303, 0.075), (0.414, 0.11), (0.52, 0.224), (0.623, 0.30), (0.721, 0.362),
    (0.80, 0.531), (0.861, 0.74), (0.903, 0.815), (0.927, 0.94), (0.953, 0.98), (1.0, 1.0),
)  # fmt: skip
"""(product, share exactly right) of 3,563 whole rests of lines; between rows the share is interpolated."""

PIECE_RIGHT: Sequence[tuple[float, float]] = (
    (0.0, 0.0), (0.141, 0.05), (0.323, 0.074), (0.431, 0.131), (0.542, 0.193), (0.655, 0.286), (0.75, 0.351),
    (0.831, 0.565), (0.884, 0.704), (0.922, 0.847), (0.941, 0.94), (0.965, 0.96), (1.0, 1.0),
)  # fmt: skip
"""The same for 20,939 beginnings of them, at any token."""

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
