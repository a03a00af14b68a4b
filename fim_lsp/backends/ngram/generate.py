"""The likeliest continuation, token by token, with the probability of each step."""

from __future__ import annotations

from dataclasses import dataclass

from fim_lsp.backends.ngram.candidates import LONGEST_CONTEXT, Scope
from fim_lsp.backends.ngram.cursor import Place
from fim_lsp.backends.ngram.lexer import TAB_COLUMNS
from fim_lsp.backends.ngram.mixture import ANYTHING, END_OF_LINE, Wanted, distribution
from fim_lsp.backends.ngram.model import NgramModel
from fim_lsp.backends.ngram.vocabulary import BLANK, SAME_INDENT

MOST_TOKENS = 24
"""Tokens of one line that are guessed at most; with it and ``CHAIN_STEPS`` the cost of an answer is bounded."""

HOPELESS = 1e-4
"""The product of probabilities below which a guess is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One token of a guess: its text, ``""`` for the end of the line, and its probability given what precedes."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """The rest of a line. ``whole``: it ends with the line's end; ``context`` is what a next line would follow."""

    steps: tuple[Step, ...]
    whole: bool
    context: tuple[int, ...]


def guess_line(model: NgramModel, cursor: Place, scope: Scope, *, least: float = HOPELESS) -> Guess:
    """The rest of the cursor's line; it breaks off where it gets less likely than ``least``."""
    wanted = Wanted(partial=cursor.partial, end=not cursor.spaced)
    return _guess(model, cursor.context, scope, wanted, spaced=bool(cursor.partial) or cursor.spaced, least=least)


def guess_next_line(
    model: NgramModel, context: tuple[int, ...], scope: Scope, indent: str, *, least: float = HOPELESS
) -> tuple[str, Guess] | None:
    """The indentation and text of a further line after a whole one; ``None`` where a blank line or nothing follows."""
    scores = distribution(model, context, scope, Wanted(line_starts=True))
    if not scores:
        return None
    event, probability = _best(model, scores)
    number = event >> 2
    if number == BLANK:
        return None
    guess = _guess(model, _push(context, number), scope, Wanted(end=False), spaced=True, least=least)
    start = Step(text="", probability=probability)
    return _indented(indent, number - SAME_INDENT), Guess(
        steps=(start, *guess.steps), whole=guess.whole, context=guess.context
    )


def _guess(
    model: NgramModel,
    context: tuple[int, ...],
    scope: Scope,
    wanted: Wanted,
    *,
    spaced: bool,
    least: float,
) -> Guess:
    steps: list[Step] = []
    overall = 1.0
    while len(steps) < MOST_TOKENS and overall > least:
        scores = distribution(model, context, scope, wanted)
        if not scores:
            break
        event, probability = _best(model, scores)
        overall *= probability
        if event == END_OF_LINE:
            steps.append(Step(text="", probability=probability))
            return Guess(steps=tuple(steps), whole=True, context=context)
        core, lead = event >> 2, event & 3
        spelt = model.vocabulary.text[core]
        steps.append(Step(text=spelt[len(wanted.partial) :] if spaced else " " * lead + spelt, probability=probability))
        context = _push(context, core)
        wanted, spaced = ANYTHING, False
    return Guess(steps=tuple(steps), whole=False, context=context)


def _best(model: NgramModel, scores: dict[int, float]) -> tuple[int, float]:
    """The likeliest event; among equals the choice depends on their spelling only."""
    top = max(scores.values())
    equals = [event for event, score in scores.items() if score > top - 1e-9]
    if len(equals) == 1:
        return equals[0], top
    text = model.vocabulary.text
    return min(equals, key=lambda event: (event != END_OF_LINE, text[event >> 2], event & 3)), top


def _push(context: tuple[int, ...], core: int) -> tuple[int, ...]:
    return (core, *context[: LONGEST_CONTEXT - 1])


def _indented(indent: str, delta: int) -> str:
    """``indent``, ``delta`` columns deeper, in tabs where it has tabs."""
    if delta >= 0:
        tabs, spaces = divmod(delta, TAB_COLUMNS) if "\t" in indent else (0, delta)
        return indent + "\t" * tabs + " " * spaces
    while indent and delta < 0:
        delta += TAB_COLUMNS if indent[-1] == "\t" else 1
        indent = indent[:-1]
    return indent
