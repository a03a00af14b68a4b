"""The likeliest continuation, token by token, with the probability of each step."""

from __future__ import annotations

from dataclasses import dataclass

from fim_lsp.ngram.candidates import MAX_CONTEXT, Scope
from fim_lsp.ngram.cursor import CursorPlace
from fim_lsp.ngram.lexer import TAB_COLUMNS
from fim_lsp.ngram.line_end import OpenBrackets, first_scores, without_end, without_unopened
from fim_lsp.ngram.mixture import ANYTHING, END_OF_LINE, Wanted, distribution
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.vocabulary import BLANK, SAME_INDENT

MAX_LINE_TOKENS = 24
"""Tokens that are guessed for one line; together with ``CHAIN_STEPS``, this bounds the cost of a suggestion."""

HOPELESS = 1e-4
"""A guess ends when the product of its probabilities falls to this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One token of a guess: its text, ``""`` for the end of the line, and its probability given what precedes."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """The rest of a line; all of it if ``whole``. ``context`` is what a next line would follow."""

    steps: tuple[Step, ...]
    whole: bool
    context: tuple[int, ...]


def guess_line(model: NgramModel, cursor: CursorPlace, scope: Scope, *, min_product: float = HOPELESS) -> Guess:
    """The rest of the cursor's line, up to where it is no likelier than ``min_product``."""
    brackets = OpenBrackets(cursor.lines_above)
    brackets.read(cursor.line_prefix.lstrip())
    first = first_scores(model, cursor, scope, brackets)
    return _guess(model, cursor.context, scope, first, brackets, cursor=cursor, min_product=min_product)


def guess_next_line(
    model: NgramModel, context: tuple[int, ...], scope: Scope, indent: str, *, min_product: float = HOPELESS
) -> tuple[str, Guess] | None:
    """The indentation and text of the line after a whole one; ``None`` if a blank line or nothing follows."""
    scores = distribution(model, context, scope, Wanted(line_starts=True))
    if not scores:
        return None
    event, probability = _best(model, scores)
    number = event >> 2
    if number == BLANK:
        return None
    context = _push(context, number)
    first = distribution(model, context, scope, Wanted(end=False))
    guess = _guess(model, context, scope, first, None, cursor=None, min_product=min_product)
    start = Step(text="", probability=probability)
    return _indented(indent, number - SAME_INDENT), Guess(
        steps=(start, *guess.steps), whole=guess.whole, context=guess.context
    )


def _guess(
    model: NgramModel,
    context: tuple[int, ...],
    scope: Scope,
    scores: dict[int, float],
    brackets: OpenBrackets | None,
    *,
    cursor: CursorPlace | None,
    min_product: float,
) -> Guess:
    """A line, from ``cursor`` or its beginning, given ``scores`` for its first token. ``brackets`` are updated."""
    steps: list[Step] = []
    overall = 1.0
    typed = cursor.partial if cursor is not None else ""
    after_space = cursor is None or bool(typed) or cursor.after_space
    while scores:
        if brackets is not None and not typed:
            scores = without_unopened(model, scores, brackets)
        event, probability = _best(model, scores)
        overall *= probability
        if event == END_OF_LINE:
            steps.append(Step(text="", probability=probability))
            return Guess(steps=tuple(steps), whole=True, context=context)
        core, lead = event >> 2, event & 3
        spelt = model.vocabulary.text[core]
        steps.append(Step(text=spelt[len(typed) :] if after_space else " " * lead + spelt, probability=probability))
        if brackets is not None:
            brackets.read(steps[-1].text)
        context = _push(context, core)
        if len(steps) == MAX_LINE_TOKENS or overall <= min_product:
            break
        scores = distribution(model, context, scope, ANYTHING)
        if typed and spelt == typed and cursor is not None and not cursor.line_suffix.strip():
            scores = without_end(scores)
        typed, after_space = "", False
    return Guess(steps=tuple(steps), whole=False, context=context)


def _best(model: NgramModel, scores: dict[int, float]) -> tuple[int, float]:
    """The likeliest event; ties are broken by the spelling."""
    top = max(scores.values())
    equals = [event for event, score in scores.items() if score > top - 1e-9]
    if len(equals) == 1:
        return equals[0], top
    text = model.vocabulary.text
    return min(equals, key=lambda event: (event != END_OF_LINE, text[event >> 2], event & 3)), top


def _push(context: tuple[int, ...], core: int) -> tuple[int, ...]:
    return (core, *context[: MAX_CONTEXT - 1])


def _indented(indent: str, delta: int) -> str:
    """``indent``, ``delta`` columns deeper, in tabs where it has tabs."""
    if delta >= 0:
        tabs, spaces = divmod(delta, TAB_COLUMNS) if "\t" in indent else (0, delta)
        return indent + "\t" * tabs + " " * spaces
    while indent and delta < 0:
        delta += TAB_COLUMNS if indent[-1] == "\t" else 1
        indent = indent[:-1]
    return indent
