"""Words as small numbers, with a count of their uses, so that unused words are forgotten."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from zlib import crc32

from fim_lsp.ngram.lexer import is_word

_MAX_DELTA = 40

BLANK = 0
"""The number of "a blank line follows"."""
SAME_INDENT = BLANK + 1 + _MAX_DELTA
"""The number of "a line follows, indented like the last that wasn't blank"; one more per column deeper."""
START = SAME_INDENT + _MAX_DELTA + 1
"""The number of what precedes a file's first line and follows its last."""
WORD = START + 1
"""The shape of every word that isn't a keyword: in similar contexts, the names may differ."""
NUMBER = START + 2
"""The shape of every number."""
RESERVED = NUMBER + 1
"""Numbers below are not words."""
UNKNOWN = -1
"""In a context, a word that has no number: it matches nothing."""

_PREFIX_KEY = 3

_KEYWORDS = frozenset(
    "if else elif for while do switch case default break continue return yield try except finally catch throw raise with "
    "as in is not and or def class fn func function fun let var const val mut pub struct enum impl trait type interface "
    "import from use package namespace module export public private protected static final void int bool string float "
    "double char long self this super None True False null true false nil undefined async await lambda new delete "
    "match where end then begin local unsafe extends implements throws go defer select chan map range del global".split()
)
"""Words of many languages that are not names."""


def line_start(delta: int) -> int:
    """The number of a line start that is ``delta`` columns deeper than the last line that wasn't blank."""
    return SAME_INDENT + max(-_MAX_DELTA, min(_MAX_DELTA, delta))


class Vocabulary:
    """Numbers of words, shared by the stores of one language. A number is reused once its word is forgotten.

    Numbers below ``RESERVED`` are line starts and have no spelling. ``shape`` is the number itself, or the kind of word.
    ``code`` and ``shape_code`` stand for the word and its shape in hashes of contexts: unlike numbers, which depend on what
    was read before, they are the same in every process, so that chains can be kept.
    """

    def __init__(self) -> None:
        self.text: list[str] = [""] * RESERVED
        self._uses = array("i", [1]) * RESERVED
        self.shape = array("i", range(RESERVED))
        self.code = array("q", range(RESERVED))
        self.shape_code = array("q", range(RESERVED))
        self._number: dict[str, int] = {}
        self._free: list[int] = []
        self._by_prefix: dict[str, set[int]] = {}

    def __len__(self) -> int:
        return len(self._number)

    def find(self, word: str) -> int:
        """The word's number, or ``UNKNOWN``."""
        return self._number.get(word, UNKNOWN)

    def take(self, word: str, uses: int = 1) -> int:
        """The word's number, a new one if it has none, with so many more uses."""
        number = self._number.get(word)
        if number is None:
            number = self._new(word)
        self._uses[number] += uses
        return number

    def drop(self, number: int) -> None:
        """Remove one use; after the last the word is forgotten."""
        if number < RESERVED:
            return
        self._uses[number] -= 1
        if self._uses[number] == 0:
            word = self.text[number]
            del self._number[word]
            self.text[number] = ""
            self._free.append(number)
            if len(word) >= _PREFIX_KEY:
                alike = self._by_prefix[word[:_PREFIX_KEY]]
                alike.discard(number)
                if not alike:
                    del self._by_prefix[word[:_PREFIX_KEY]]

    def uses(self, number: int) -> int:
        """How often the stores contain the word."""
        return self._uses[number]

    def starting_with(self, beginning: str) -> Iterator[int]:
        """Numbers of the words that start with ``beginning``, which has three characters or more."""
        for number in self._by_prefix.get(beginning[:_PREFIX_KEY], ()):
            if self.text[number].startswith(beginning):
                yield number

    def _new(self, word: str) -> int:
        if self._free:
            number = self._free.pop()
            self.text[number] = word
        else:
            number = len(self.text)
            self.text.append(word)
            self.shape.append(0)
            self.code.append(0)
            self.shape_code.append(0)
            self._uses.append(0)
        self._number[word] = number
        shape = self.shape[number] = _shape(word, number)
        code = self.code[number] = RESERVED + crc32(word.encode("utf-8", "surrogatepass"))
        self.shape_code[number] = code if shape == number else shape
        if len(word) >= _PREFIX_KEY:
            self._by_prefix.setdefault(word[:_PREFIX_KEY], set()).add(number)
        return number


def _shape(word: str, number: int) -> int:
    if word[0].isdigit():
        return NUMBER
    return WORD if is_word(word) and word not in _KEYWORDS else number
