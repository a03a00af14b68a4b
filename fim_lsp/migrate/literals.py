"""Reads literal tables of Lua and Vimscript out of a program, without running it: what is computed stays unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from fim_lsp.errors import UsageError

MAX_DEPTH: Final = 30  # of tables in tables


class Unknown:
    """A value that only running the program would tell: a call, a variable, a function."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a language writes what can stand in a table."""

    space: re.Pattern[str]
    """Whitespace and comments."""
    string: re.Pattern[str]
    """A whole string."""
    words: Mapping[str, Any]
    """Constants."""
    key: re.Pattern[str]
    """A key in front of a value; its first group that matched is the key, perhaps with quotes."""
    openers: frozenset[str]
    """Words that begin a block which ``closers`` end: commas inside do not separate values."""
    closers: frozenset[str]
    lists: str
    """The brackets of a list, if it has others than a table."""
    raw_quote: str
    """The quotation mark between which a backslash is an ordinary character, and which is doubled to stand for itself."""


# What is never closed extends to the end of the text: looked for once, not once more after each beginning.
LUA: Final = Dialect(
    space=re.compile(r"(?:\s+|--\[\[.*?(?:\]\]|\Z)|--[^\n]*)*", re.DOTALL),
    string=re.compile(
        r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|\[\[.*?(?:\]\]|\Z)|\[=\[.*?(?:\]=\]|\Z)", re.DOTALL
    ),
    words=MappingProxyType({"true": True, "false": False, "nil": None}),
    key=re.compile(
        r"([A-Za-z_]\w*)\s{0,99}=(?!=)|\[\s{0,99}(\"[^\"\n]{0,99}\"|'[^'\n]{0,99}')\s{0,99}\]\s{0,99}=(?!=)"
    ),
    openers=frozenset({"function", "do", "if", "repeat"}),
    closers=frozenset({"end", "until"}),
    lists="",
    raw_quote="",
)
VIM: Final = Dialect(
    space=re.compile(r"(?:[ \t\r]+|\n[ \t]*(?:\\|\"\\[^\n]*|#[^\n]*)?)*"),  # a line goes on after \
    string=re.compile(r"'(?:[^'\n]|'')*'?|\"(?:[^\"\\\n]|\\.)*\"?"),
    words=MappingProxyType({"v:true": True, "v:false": False, "v:null": None}),
    key=re.compile(r"('[^'\n]{0,99}'|\"[^\"\n]{0,99}\")\s{0,99}:|([A-Za-z_]\w*)\s{0,99}:(?![A-Za-z_])"),
    openers=frozenset(),
    closers=frozenset(),
    lists="[]",
    raw_quote="'",
)
_NUMBER: Final = re.compile(r"-?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d{1,3})?(?![\w.])")
_WORD: Final = re.compile(r"[A-Za-z_][\w:]*")
_BRACKETS: Final[Mapping[str, str]] = MappingProxyType({"(": ")", "[": "]", "{": "}"})
_MAX_DIGITS: Final = 20


def read_table(text: str, start: int, dialect: Dialect) -> tuple[dict[str, Any], int]:
    """The table that begins with the brace at ``start``, and where it ends.

    Named values are under their names, the others under ``1``, ``2`` … Values that are not literals are
    :data:`UNKNOWN`. Raises :class:`~fim_lsp.errors.UsageError` with the line if the table has no end.
    """
    reader = _Reader(text, start, dialect)
    return reader.table(MAX_DEPTH), reader.position


def listed(value: object) -> list[Any] | None:
    """The values of a table without names, in their order; None for anything else."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and all(name.isdigit() for name in value):
        return list(value.values())
    return None


@dataclass(slots=True)
class _Reader:
    text: str
    position: int
    dialect: Dialect

    def table(self, depth: int) -> dict[str, Any]:
        start = self.position
        if depth == 0:
            raise UsageError(f"line {self._line(start)}: its tables are nested too deeply")
        self.position += 1
        values: dict[str, Any] = {}
        unnamed = 0
        while not self._at("}", start):
            before = self.position
            name = self._key()
            if not name:
                unnamed += 1
                name = str(unnamed)
            values[name] = self._value(depth)
            self._separator(before)
        self.position += 1
        return values

    def _list(self, depth: int) -> list[Any]:
        start = self.position
        if depth == 0:
            raise UsageError(f"line {self._line(start)}: its lists are nested too deeply")
        self.position += 1
        values: list[Any] = []
        while not self._at("]", start):
            before = self.position
            values.append(self._value(depth))
            self._separator(before)
        self.position += 1
        return values

    def _at(self, end: str, start: int) -> bool:
        """Whether the next character, after whitespace, is ``end``. Raises UsageError at the end of the text."""
        self._skip_space()
        if self.position >= len(self.text):
            raise UsageError(f"the table that begins on line {self._line(start)} has no end")
        return self.text[self.position] == end

    def _key(self) -> str:
        if found := self.dialect.key.match(self.text, self.position):
            self.position = found.end()
            return self._unquoted(next(group for group in found.groups() if group is not None))
        return ""

    def _value(self, depth: int) -> Any:
        """A literal, or what begins like one and goes on: that is unknown."""
        self._skip_space()
        value = self._literal(depth)
        self._skip_space()
        if self.position < len(self.text) and self.text[self.position] in ",;}" + self.dialect.lists[1:]:
            return value
        self._skip_expression()
        return UNKNOWN

    def _literal(self, depth: int) -> Any:
        text, position = self.text, self.position
        if position >= len(text):
            return UNKNOWN
        if text[position] == "{":
            return self.table(depth - 1)
        if self.dialect.lists and text[position] == "[":
            return self._list(depth - 1)
        for pattern, meaning in ((self.dialect.string, self._unquoted), (_NUMBER, _number), (_WORD, self._constant)):
            if found := pattern.match(text, position):
                self.position = found.end()
                return meaning(found[0])
        return UNKNOWN

    def _constant(self, word: str) -> Any:
        if word in self.dialect.words:
            return self.dialect.words[word]
        self.position -= len(word)  # it may begin a block
        return UNKNOWN

    def _unquoted(self, text: str) -> str:
        """The contents of a string, or a bare name as it is."""
        for opening in ("[[", "[=["):
            if text.startswith(opening):
                return text[len(opening) : -len(opening)].removeprefix("\n")
        if text[:1] not in ("'", '"'):
            return text
        if text[0] == self.dialect.raw_quote:
            return text[1:-1].replace("''", "'")
        return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])

    def _skip_expression(self) -> None:
        """Skip to the separator or bracket that ends this value, past brackets, strings and blocks inside it."""
        open_brackets: list[str] = []
        while self.position < len(self.text):
            self._skip_space()
            character = self.text[self.position : self.position + 1]
            if not open_brackets and (
                character in (",", ";", "}") or (character and character in self.dialect.lists[1:])
            ):
                return
            if found := self.dialect.string.match(self.text, self.position):
                self.position = found.end()
            elif found := _WORD.match(self.text, self.position):
                self.position = found.end()
                self._count_block(found[0], open_brackets)
            else:
                self.position += 1
                if character in _BRACKETS:
                    open_brackets.append(_BRACKETS[character])
                elif open_brackets and character == open_brackets[-1]:
                    open_brackets.pop()

    def _count_block(self, word: str, open_brackets: list[str]) -> None:
        if word in self.dialect.openers:
            open_brackets.append("end")
        elif word in self.dialect.closers and open_brackets and open_brackets[-1] == "end":
            open_brackets.pop()

    def _separator(self, before: int) -> None:
        """Skip what separates values, or a bracket that nothing has opened. ``before`` is where the value began."""
        self._skip_space()
        if self.text[self.position : self.position + 1] in (",", ";") or self.position == before:
            self.position += 1

    def _skip_space(self) -> None:
        if found := self.dialect.space.match(self.text, self.position):
            self.position = found.end()

    def _line(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1


def _number(text: str) -> int | float:
    if text.lstrip("-").isdigit():
        return int(text) if len(text) <= _MAX_DIGITS else float(text[:_MAX_DIGITS])
    return float(text)


_ESCAPES: Final[Mapping[str, str]] = MappingProxyType({"n": "\n", "t": "\t", "r": "\r"})
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
