"""How likely the line is complete at the cursor, given what it has opened and not closed.

Suggestions are requested at complete lines too, more often than the counts of what follows a token suggest. The likelihood
was therefore measured with 35 % of the cursors at ends of lines (the evaluation's tuning packages, 3,480 places).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from fim_lsp.ngram.candidates import Scope
from fim_lsp.ngram.cursor import CursorPlace
from fim_lsp.ngram.mixture import ANYTHING, END_OF_LINE, Wanted, distribution
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.vocabulary import UNKNOWN
from fim_lsp.text.typed import BRACKET_PAIRS

BALANCED, UNBALANCED, QUOTED = (2.13, 0.74), (0.97, 0.71), (-0.39, 0.59)
"""(shift, slope) of the log-odds of the end: if the line has closed what it opened, if it hasn't, and in a string.

Fitted by logistic regression on 2,798, 682 and 247 places; the second includes the third. Log loss falls from 0.36 to
0.19, from 0.22 to 0.16 and from 0.11 to 0.09.
"""

MIN_PROBABILITY = 1e-3
"""Before the shift a probability is at least this, and at most one minus this."""

UNOPENED = 0.05
"""Factor for a closing bracket that would close nothing: none of the 88 that followed a cursor was such a bracket."""


_OPENING, _CLOSING = frozenset(BRACKET_PAIRS), frozenset(BRACKET_PAIRS.values())
_QUOTES = "\"'`"
_LAST = 3
"""Characters that are kept. A quote after this many letters is an apostrophe: a string's prefix has up to two, ``rb"``."""

_LINES_ABOVE = 30
"""Lines above the cursor in which an open bracket is searched for."""


def first_scores(model: NgramModel, cursor: CursorPlace, scope: Scope, brackets: OpenBrackets) -> dict[int, float]:
    """Scores for the first token at the cursor. A completely typed word does not get the share that ends the line."""
    wanted = Wanted(partial=cursor.partial, end=not cursor.after_space)
    scores = distribution(model, cursor.context, scope, wanted)
    if cursor.after_space or cursor.line_suffix.strip():
        return scores
    seen = scores.get(END_OF_LINE, 0.0)
    word = model.vocabulary.find(cursor.partial) if cursor.partial else UNKNOWN
    as_typed = scores.get(word * 4, 0.0) if word != UNKNOWN else 0.0
    if as_typed:
        after = distribution(model, (word, *cursor.context[:-1]), scope, ANYTHING)
        seen = as_typed * after.get(END_OF_LINE, 0.0)
        scores[word * 4] = as_typed - seen
    end = probability_of_end(seen, brackets)
    others = (1 - end) / max(1 - seen, MIN_PROBABILITY)
    scores = {event: score * others for event, score in scores.items()}
    scores[END_OF_LINE] = end
    return scores


def probability_of_end(seen: float, brackets: OpenBrackets) -> float:
    """How likely the line is complete at the cursor if ``seen`` is the share of line ends in what was seen to follow."""
    shift, slope = QUOTED if brackets.quoted else BALANCED if brackets.balanced else UNBALANCED
    odds = log(max(seen, MIN_PROBABILITY) / max(1 - seen, MIN_PROBABILITY))
    return 1 / (1 + exp(-shift - slope * odds))


def without_unopened(model: NgramModel, scores: dict[int, float], brackets: OpenBrackets) -> dict[int, float]:
    """Make closing brackets that would close nothing unlikely, and everything else likelier."""
    text = model.vocabulary.text
    unopened = [event for event in scores if event != END_OF_LINE and brackets.unopened(text[event >> 2])]
    if not unopened:
        return scores
    lost = (1 - UNOPENED) * sum(scores[event] for event in unopened)
    weighed = dict(scores)
    for event in unopened:
        weighed[event] *= UNOPENED
    return {event: score / max(1 - lost, MIN_PROBABILITY) for event, score in weighed.items()}


def without_end(scores: dict[int, float]) -> dict[int, float]:
    """Scores if the line is known to continue."""
    continues = max(1 - scores.get(END_OF_LINE, 0.0), MIN_PROBABILITY)
    return {event: score / continues for event, score in scores.items() if event != END_OF_LINE}


class OpenBrackets:
    """The brackets and the quote that are open after what was read. Strings of several lines are not followed."""

    __slots__ = ("_above", "_brackets", "_last", "_quote")

    def __init__(self, above: Sequence[str] = ()) -> None:
        self._brackets: list[str] = []
        self._above = 0
        self._quote = ""
        self._last = ""
        for line in above[-_LINES_ABOVE:]:
            self.read(line)
            self._quote = self._last = ""
            self._above = len(self._brackets)

    def read(self, text: str) -> None:
        """Continue with more of the line."""
        for character in text:
            if self._quote and self._last.endswith("\\"):
                self._last = ""  # escaped, whatever it is
                continue
            if self._quote:
                self._quote = "" if character == self._quote else self._quote
            elif character in _QUOTES:
                self._quote = character if self._begins_string(character) else ""
            elif character in _OPENING:
                self._brackets.append(character)
            elif character in _CLOSING and self.closes(character):
                self._brackets.pop()
                self._above = min(self._above, len(self._brackets))
            self._last = (self._last + character)[-_LAST:]

    def closes(self, character: str) -> bool:
        """Whether a closing bracket would close one that is open."""
        return bool(self._brackets) and BRACKET_PAIRS[self._brackets[-1]] == character

    @property
    def quoted(self) -> bool:
        """Whether a string has begun on this line and not ended."""
        return bool(self._quote)

    @property
    def balanced(self) -> bool:
        """Whether everything that this line opened is closed."""
        return not self._quote and len(self._brackets) == self._above

    def unopened(self, token: str) -> bool:
        """Whether a token begins with a closing bracket for which none is open."""
        return token[:1] in _CLOSING and not self._quote and not self.closes(token[0])

    def _begins_string(self, character: str) -> bool:
        """Whether a quote is no apostrophe, and not one of three, whose string may end on another line."""
        return not self._last.endswith(character) and not (len(self._last) == _LAST and self._last.isalnum())
