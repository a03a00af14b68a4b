"""Matches many globs at once without backtracking: an automaton that reads a path once.

A pattern is a row of states, one for each token. A set of states is a single integer, so a character takes a few integer
operations regardless of the number of patterns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from fim_lsp.workspace.glob_parser import Bracket, Token, Wild

_MAX_CACHED = 1_024  # characters whose states are cached
_ENTRY_WIDTH = 3  # states of FOLDERS: entry, loop, slash


class Automaton:
    """Patterns with ascending numbers. Of several that match, the highest number is returned."""

    def __init__(self, patterns: Sequence[tuple[int, bool, Sequence[Token]]], *, fold: bool) -> None:
        """A pattern is its number, whether it matches folders only, and its tokens. ``fold``: strings are already folded."""
        self._fold = fold
        self._numbers: dict[int, int] = {}
        self._literal: defaultdict[str, list[int]] = defaultdict(list)
        self._brackets: defaultdict[Bracket, list[int]] = defaultdict(list)
        self._kinds: defaultdict[Wild, list[int]] = defaultdict(list)
        self._loops: list[int] = []  # of FOLDERS
        starts: list[int] = []
        files: list[int] = []
        at = 0
        for number, folder, row in patterns:
            starts.append(at)
            at = self._add(row, at)
            self._numbers[at] = number
            if not folder:
                files.append(at)
            at += 1
        self.size = at
        self._compile(starts, files)

    def _add(self, row: Sequence[Token], at: int) -> int:
        """Assign states to a pattern's tokens from ``at`` on; returns the accepting state after them."""
        last: Token | None = None
        for token in row:
            if isinstance(token, str):
                self._literal[token].append(at)
            elif isinstance(token, Bracket):
                self._brackets[token].append(at)
            elif token is Wild.FOLDERS and last is token:
                continue  # repeated, which means the same
            else:
                self._kinds[token].append(at)
                if token is Wild.FOLDERS:
                    self._loops.append(at + 1)
                    self._literal["/"].append(at + 2)
                    at += _ENTRY_WIDTH - 1
            last = token
            at += 1
        return at

    def _compile(self, starts: Sequence[int], files: Sequence[int]) -> None:
        kinds, size = self._kinds, self.size
        across = [*kinds[Wild.GLOBSTAR], *self._loops]
        self._any = _mask(kinds[Wild.ANY], size)
        self._entries = _mask(kinds[Wild.FOLDERS], size)
        self._over_slash = _mask(across, size)
        self._stars = _mask([*across, *kinds[Wild.STAR]], size)
        self._accepts = _mask(self._numbers, size)
        self._accepts_file = _mask(files, size)
        self._literals = {char: _mask(states, size) for char, states in self._literal.items()}
        self._sets = [(bracket, _mask(states, size)) for bracket, states in self._brackets.items()]
        self._start = self._closed(_mask(starts, size))
        self._cached: dict[str, int] = {}

    def last(self, text: str, *, folder: bool) -> int:
        """The highest number of a pattern that matches a string, -1 for none."""
        states = self._start
        for char in text:
            states = self._step(states, char)
            if not states:
                return -1
        return self._number(states, folder=folder)

    def levels(self, text: str, *, folder: bool) -> Iterator[int]:
        """Like :meth:`last`, for every prefix that ends before a slash, which is a folder, and for the whole string."""
        states = self._start
        for char in text:
            if char == "/":
                yield self._number(states, folder=True)
            states = self._step(states, char)
        yield self._number(states, folder=folder)

    def _step(self, states: int, char: str) -> int:
        mask = self._cached.get(char)
        if mask is None:
            mask = self._mask_of(char)
        return self._closed((states & mask) << 1 | states & (self._over_slash if char == "/" else self._stars))

    def _closed(self, states: int) -> int:
        """The states together with those reached without a character."""
        entered = states & self._entries
        if entered:
            states |= entered << 1 | entered << _ENTRY_WIDTH
        return states | (states & self._stars) << 1

    def _number(self, states: int, *, folder: bool) -> int:
        accepted = states & (self._accepts if folder else self._accepts_file)
        return self._numbers[accepted.bit_length() - 1] if accepted else -1

    def _mask_of(self, char: str) -> int:
        mask = self._literals.get(char, 0)
        if char != "/":
            mask |= self._any
            for bracket, states in self._sets:
                if bracket.accepts(char, fold=self._fold):
                    mask |= states
        if len(self._cached) < _MAX_CACHED:
            self._cached[char] = mask
        return mask


def _mask(states: Iterable[int], size: int) -> int:
    bits = bytearray(size // 8 + 1)
    for state in states:
        bits[state >> 3] |= 1 << (state & 7)
    return int.from_bytes(bits, "little")
