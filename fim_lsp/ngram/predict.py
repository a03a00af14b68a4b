"""Decides what to offer at a cursor: the rest of the line and further lines, as long as they are probably right.

The confidence tables are from the evaluation's tuning packages (``tests/quality/ngram_eval.py --calibrate``): the share of
guesses that were right, by the product of their tokens' probabilities. 35 % of the cursors are at ends of lines, where
every guess is wrong.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from fim_lsp.ngram.candidates import Scope
from fim_lsp.ngram.cursor import CursorPlace, cursor_place, find_line
from fim_lsp.ngram.generate import Guess, Step, guess_line, guess_next_line
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.scope import hide_below, scope_at

MAX_LINES = 4
"""Lines of one offer, including the cursor's."""

MIN_PIECE = 3
"""Characters of a part of a line that is worth showing."""

MIN_LINE_END = 2
"""Characters of the rest of a line: accepting a single one takes as many keystrokes as typing it."""

MIN_LINE = 4
"""Characters of a whole line where nothing is typed yet: not just a bracket or a quote."""

MIN_BEGINNING, MIN_BEGINNING_TOKENS = 8, 2
"""Characters and tokens of a part of a line where nothing is typed yet: not just a keyword."""

_WHOLE_RIGHT: Sequence[tuple[float, float]] = (
    (0.0, 0.0), (0.126, 0.035), (0.303, 0.075), (0.414, 0.11), (0.52, 0.224), (0.623, 0.30), (0.721, 0.362),
    (0.80, 0.531), (0.861, 0.74), (0.903, 0.815), (0.927, 0.94), (0.953, 0.98), (1.0, 1.0),
)  # fmt: skip
"""(product, share exactly right) of 3,563 guesses to the line's end; the share is interpolated between rows."""

_PIECE_RIGHT: Sequence[tuple[float, float]] = (
    (0.0, 0.0), (0.141, 0.05), (0.323, 0.074), (0.431, 0.131), (0.542, 0.193), (0.655, 0.286), (0.75, 0.351),
    (0.831, 0.565), (0.884, 0.704), (0.922, 0.847), (0.941, 0.94), (0.965, 0.96), (1.0, 1.0),
)  # fmt: skip
"""The same for 20,939 beginnings of such guesses, of any number of tokens."""

MIN_WHOLE_CONFIDENCE = 0.5
"""Confidence from which a guess to the line's end is offered."""

MIN_PIECE_CONFIDENCE = 0.6
"""Otherwise the longest beginning with this confidence is offered."""

MIN_FURTHER_CONFIDENCE = 0.6
"""A further line is offered if all lines together have this confidence."""

HOPELESS = 0.6
"""A product at which neither table allows an offer, so that the guess needn't be finished."""

_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Text to show. ``confidence`` (0 to 1) is how likely all of it will be typed; ``whole``: to the line's end.

    ``examined`` is how many positions were compared for it.
    """

    text: str
    confidence: float
    whole: bool
    examined: int = field(default=0, compare=False)


def predict(model: NgramModel, uri: str, prefix: str, suffix: str, *, lines: int = MAX_LINES) -> Offer | None:
    """What to offer between ``prefix`` and ``suffix`` in the document ``uri``, up to ``lines`` lines; or nothing."""
    cursor = cursor_place(prefix, suffix, model.vocabulary)
    document = model.documents.get(uri)
    line = find_line(document, prefix, suffix) if document is not None else None
    scope = scope_at(model, uri, cursor, line)
    guess = guess_line(model, cursor, scope, min_product=HOPELESS)
    steps = fit(guess.steps, cursor.line_suffix)
    if not steps:
        return None
    text = _text(steps)
    product = prod(step.probability for step in steps)
    whole = guess.whole or bool(cursor.line_suffix.strip())
    sure = whole_confidence(product)
    if whole and _repeats(cursor, text):
        return None
    if not (whole and sure >= MIN_WHOLE_CONFIDENCE):
        return _piece(steps, cursor, scope.examined)
    if lines > 1 and guess.whole and not cursor.line_suffix.strip():
        hide_below(model, uri, scope, line, lines=lines - 1)
        further, sure = _further(model, scope, cursor, guess, product, sure, lines - 1)
        text += further
    if len(text.strip()) < (MIN_LINE_END if cursor.line_prefix.strip() else MIN_LINE):
        return None
    return Offer(text=text, confidence=sure, whole=True, examined=scope.examined)


def _piece(steps: Sequence[Step], cursor: CursorPlace, examined: int) -> Offer | None:
    """The longest beginning that is likely enough, if it is long enough."""
    products = [1.0]
    for step in steps:
        products.append(products[-1] * step.probability)
    for count in range(len(steps), 0, -1):
        sure = piece_confidence(products[count])
        text = _text(steps[:count])
        if sure >= MIN_PIECE_CONFIDENCE and steps[count - 1].text:
            if not _worth_reading(cursor, text, count) or _repeats(cursor, text):
                return None
            return Offer(text=text, confidence=sure, whole=False, examined=examined)
    return None


def _worth_reading(cursor: CursorPlace, piece: str, tokens: int) -> bool:
    if cursor.line_prefix.strip():
        return len(piece.strip()) >= MIN_PIECE
    return len(piece.strip()) >= MIN_BEGINNING and tokens >= MIN_BEGINNING_TOKENS


def _further(
    model: NgramModel, scope: Scope, cursor: CursorPlace, guess: Guess, product: float, sure: float, lines: int
) -> tuple[str, float]:
    """Further lines, each after a line end, as long as all lines together are likely enough; and their confidence."""
    text, indent = "", cursor.indent
    for _ in range(lines):
        found = guess_next_line(model, guess.context, scope, indent, min_product=HOPELESS)
        if found is None or not found[1].whole:
            break
        indent, guess = found
        product *= prod(step.probability for step in guess.steps)
        line = indent + _text(guess.steps)
        if whole_confidence(product) < MIN_FURTHER_CONFIDENCE or line.rstrip() == cursor.next_line:
            break
        text += cursor.line_end + line
        sure = whole_confidence(product)
    return text, sure


def _text(steps: Sequence[Step]) -> str:
    return "".join(step.text for step in steps)


def _repeats(cursor: CursorPlace, text: str) -> bool:
    """Whether the line would repeat the one below it."""
    return bool(text.strip()) and (cursor.line_prefix + text + cursor.line_suffix).rstrip() == cursor.next_line


def fit(steps: Sequence[Step], line_suffix: str) -> tuple[Step, ...] | None:
    """The steps before ``line_suffix``, the text after the cursor on its line; ``None`` if the guess doesn't contain it.

    Either the guess ends with it, or reaches it with all of its brackets closed, as after a bracket that the editor has
    inserted.
    """
    wanted = line_suffix.strip()
    if not wanted:
        return tuple(steps)
    texts = [step.text for step in steps]
    ends = [index for index in range(len(texts)) if "".join(texts[index:]).strip() == wanted]
    if ends:
        return tuple(steps[: ends[0]])
    meets = [
        index
        for index in range(len(texts))
        if "".join(texts[index:]).lstrip().startswith(wanted) and _closed("".join(texts[:index]))
    ]
    return tuple(steps[: meets[-1]]) if meets else None


def _closed(text: str) -> bool:
    """Whether all brackets are closed; their kinds are not compared."""
    depth = 0
    for character in text:
        depth += (character in _OPENING) - (character in _CLOSING)
        if depth < 0:
            return False
    return depth == 0


def whole_confidence(product: float) -> float:
    """How likely a guess to the line's end with this product is exactly right."""
    return _interpolated(_WHOLE_RIGHT, product)


def piece_confidence(product: float) -> float:
    """How likely a beginning with this product is right."""
    return _interpolated(_PIECE_RIGHT, product)


def _interpolated(table: Sequence[tuple[float, float]], product: float) -> float:
    at = bisect_right(table, (product, 2.0))
    if at == len(table):
        return table[-1][1]
    (left, low), (right, high) = table[at - 1], table[at]
    return low + (high - low) * (product - left) / (right - left)
