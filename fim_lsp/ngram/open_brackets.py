"""What a line has opened and not closed: evidence for and against its being complete, the same way for every language."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

_PAIRS: Final = MappingProxyType({")": "(", "]": "[", "}": "{"})
_CLOSING = frozenset(_PAIRS)
_OPENING = frozenset(_PAIRS.values())
_QUOTES = "\"'`"
_TAIL = 3
"""Characters kept of what was read. A quote after as many letters is an apostrophe: strings begin ``rb"`` at most."""

_LINES_ABOVE = 30
"""Lines above the cursor in which an open bracket is looked for."""


class OpenBrackets:
    """Brackets and a quote that are open at the end of what was read. Strings of several lines are not followed."""

    __slots__ = ("_above", "_brackets", "_quote", "_tail")

    def __init__(self, above: Sequence[str] = ()) -> None:
        self._brackets: list[str] = []
        self._above = 0
        self._quote = ""
        self._tail = ""
        for line in above[-_LINES_ABOVE:]:
            self.read(line)
            self._quote = self._tail = ""
            self._above = len(self._brackets)

    def read(self, text: str) -> None:
        """Go on with more of the line."""
        for character in text:
            if self._quote and self._tail.endswith("\\"):
                self._tail = ""  # escaped, whatever it is
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
            self._tail = (self._tail + character)[-_TAIL:]

    def closes(self, character: str) -> bool:
        """Whether a closing bracket would close one that is open."""
        return bool(self._brackets) and self._brackets[-1] == _PAIRS[character]

    @property
    def quoted(self) -> bool:
        """Whether a string has begun on this line and not ended."""
        return bool(self._quote)

    @property
    def balanced(self) -> bool:
        """Whether nothing that this line opened is open still."""
        return not self._quote and len(self._brackets) == self._above

    @property
    def ended(self) -> bool:
        """Whether the line ends in a word, a number, or a mark that ends something, not in one that wants more."""
        last = self._tail[-1:]
        return last.isalnum() or (bool(last) and last in "_;:}])\"'`.")

    def unopened(self, token: str) -> bool:
        """Whether a token begins with a closing bracket that nothing has opened."""
        return token[:1] in _CLOSING and not self._quote and not self.closes(token[0])

    def _begins_string(self, character: str) -> bool:
        """Whether a quote is no apostrophe, and none of three in a row, whose string may end on another line."""
        return not self._tail.endswith(character) and not (len(self._tail) == _TAIL and self._tail.isalnum())
