"""What to offer at a cursor: the rest of the line and further lines, as far as they are likely right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from fim_lsp.ngram import confidence
from fim_lsp.ngram.candidates import Scope
from fim_lsp.ngram.cursor import CursorPlace, locate, place
from fim_lsp.ngram.fit import fit
from fim_lsp.ngram.generate import Guess, Step, guess_line, guess_next_line
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.scope import hide_below, scope_at

MAX_LINES = 4
"""Lines of one offer, the cursor's included."""

LEAST_PIECE = 3
"""Characters below which a piece of a line isn't worth showing."""

LEAST_REST = 2
"""Characters below which the rest of a line isn't: to take one character costs the key that would type it."""

LEAST_LINE = 4
"""Characters below which a whole line isn't, where nothing is typed: a bracket, a quote, a mark."""

LEAST_BEGINNING, LEAST_BEGINNING_TOKENS = 8, 2
"""Characters and tokens below which a piece isn't, where nothing is typed: a keyword says little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Text to show. ``confidence`` (0 to 1) is how likely all of it is what will be typed; ``whole``: to the line's end.

    ``examined`` is how many places were looked at for it.
    """

    text: str
    confidence: float
    whole: bool
    examined: int = field(default=0, compare=False)


def predict(model: NgramModel, uri: str, prefix: str, suffix: str, *, lines: int = MAX_LINES) -> Offer | None:
    """What to offer between ``prefix`` and ``suffix`` in the document ``uri``, in ``lines`` lines at most; or nothing."""
    cursor = place(prefix, suffix, model.vocabulary)
    document = model.documents.get(uri)
    line = locate(document, prefix, suffix) if document is not None else None
    scope = scope_at(model, uri, cursor, line)
    guess = guess_line(model, cursor, scope, least=confidence.HOPELESS)
    steps = fit(guess.steps, cursor.rest)
    if not steps:
        return None
    text = _text(steps)
    product = prod(step.probability for step in steps)
    whole = guess.whole or bool(cursor.rest.strip())
    sure = confidence.whole_line(product)
    if whole and _repeats(cursor, text):
        return None
    if not (whole and sure >= confidence.WHOLE_ENOUGH):
        return _piece(steps, cursor, scope.examined)
    if lines > 1 and guess.whole and not cursor.rest.strip():
        hide_below(model, uri, scope, line, lines=lines - 1)
        further, sure = _further(model, scope, cursor, guess, product, sure, lines - 1)
        text += further
    least = LEAST_REST if cursor.typed.strip() else LEAST_LINE
    return (
        Offer(text=text, confidence=sure, whole=True, examined=scope.examined) if len(text.strip()) >= least else None
    )


def _piece(steps: Sequence[Step], cursor: CursorPlace, examined: int) -> Offer | None:
    """The longest beginning that is likely enough and long enough."""
    products = [1.0]
    for step in steps:
        products.append(products[-1] * step.probability)
    for count in range(len(steps), 0, -1):
        sure = confidence.piece(products[count])
        text = _text(steps[:count])
        if sure >= confidence.PIECE_ENOUGH and steps[count - 1].text:
            if not _worth_reading(cursor, text, count) or _repeats(cursor, text):
                return None
            return Offer(text=text, confidence=sure, whole=False, examined=examined)
    return None


def _worth_reading(cursor: CursorPlace, piece: str, tokens: int) -> bool:
    if cursor.typed.strip():
        return len(piece.strip()) >= LEAST_PIECE
    return len(piece.strip()) >= LEAST_BEGINNING and tokens >= LEAST_BEGINNING_TOKENS


def _further(
    model: NgramModel, scope: Scope, cursor: CursorPlace, guess: Guess, product: float, sure: float, lines: int
) -> tuple[str, float]:
    """Further lines with their line ends before them, while all that is offered is likely enough; and its confidence."""
    text, indent = "", cursor.indent
    for _ in range(lines):
        found = guess_next_line(model, guess.context, scope, indent, least=confidence.HOPELESS)
        if found is None or not found[1].whole:
            break
        indent, guess = found
        product *= prod(step.probability for step in guess.steps)
        line = indent + _text(guess.steps)
        if confidence.whole_line(product) < confidence.FURTHER_ENOUGH or line.rstrip() == cursor.next_line:
            break
        text += cursor.line_end + line
        sure = confidence.whole_line(product)
    return text, sure


def _text(steps: Sequence[Step]) -> str:
    return "".join(step.text for step in steps)


def _repeats(cursor: CursorPlace, text: str) -> bool:
    """Whether the line would be the one below once more."""
    return bool(text.strip()) and (cursor.typed + text + cursor.rest).rstrip() == cursor.next_line
