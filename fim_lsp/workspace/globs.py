"""Globs in git's syntax, as in ignore files and in settings.

:func:`parse_rules` reads both, and :class:`Globs` matches them. An ignore file may contain comments, and an invalid line
matches nothing, as in git. In a setting there are no comments, and invalid syntax is matched literally.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from fim_lsp.workspace.glob_automaton import Automaton
from fim_lsp.workspace.glob_parser import Token, Wild, is_plain, longest_literal, readings, tokens

MAX_GLOB_LENGTH = 4_096
"""Characters of one glob: the longest path on Linux."""

MAX_RULES = 10_000
"""Globs of one source."""

_MAX_WORK = 1 << 28  # characters of a path times states of an automaton, which takes some 50 ms
_MAX_PATH = 1 << 15  # characters: the longest path on Windows


@dataclass(frozen=True, slots=True)
class GlobRule:
    """A parsed glob.

    ``negative``: it re-includes. ``folder``: it matches folders only. ``anchored``: it is matched against the path relative
    to where the rule is from, otherwise against the name. Of several matching rules the highest ``number`` decides.
    """

    number: int
    pattern: str
    negative: bool
    folder: bool
    anchored: bool


def parse_rules(globs: Iterable[tuple[int, str]], *, comments: bool) -> list[GlobRule] | None:
    """Parse numbered lines, in ascending order; with ``comments``, lines that begin with ``#`` are skipped.

    ``None`` if a limit is exceeded: everything must be matched then. Negative lines that are too long are skipped.
    """
    found: list[GlobRule] = []
    for number, glob in globs:
        if comments and glob.startswith("#"):
            continue
        if len(glob) > MAX_GLOB_LENGTH:
            if glob.startswith("!"):
                continue
            return None
        if line := trimmed(glob):
            found.append(_rule(number, line))
    return found if len(found) <= MAX_RULES else None


def trimmed(line: str) -> str:
    """The line without trailing spaces, except one that is escaped with a backslash."""
    bare = line.rstrip(" ")
    backslashes = len(bare) - len(bare.rstrip("\\"))
    return line[: len(bare) + 1] if backslashes % 2 else bare


def _rule(number: int, line: str) -> GlobRule:
    negative = line.startswith("!")
    pattern = line[negative:]
    folder = pattern.endswith("/")
    pattern = pattern[: len(pattern) - folder]
    anchored = "/" in pattern
    return GlobRule(number, pattern.removeprefix("/"), negative, folder, anchored)


class Globs:
    """Matches paths against the rules of one source.

    Rules without wildcards, or with a single leading ``*``, are kept in tables: their number does not affect matching.
    """

    def __init__(self, found: Sequence[GlobRule], *, fold: Callable[[str], str] | None = None) -> None:
        """``fold``: match case-insensitively, against paths that are already folded, and invalid syntax literally."""
        self._names = _Table()
        self._suffixes = _Table()  # of names
        self._paths = _Table()
        wild: dict[bool, list[tuple[int, bool, Sequence[Token]]]] = {True: [], False: []}
        for rule in found:
            text = rule.pattern if rule.anchored else rule.pattern.removeprefix("*")
            if is_plain(text):  # a shortcut for most rules
                self._table(rule, starred=text != rule.pattern).add(fold(text) if fold else text, rule)
                continue
            for row in _rows(rule, fold):
                if not self._add_plain(rule, row):
                    wild[rule.anchored].append((rule.number, rule.folder, row))
        self._lengths = tuple(self._suffixes.lengths())
        self._path_lengths = self._paths.lengths()
        self._by_name = _Wild(wild[False], fold is not None)
        self._by_path = _Wild(wild[True], fold is not None)
        self._states = self._by_name.size + self._by_path.size

    def _add_plain(self, rule: GlobRule, row: Sequence[Token]) -> bool:
        """Add a rule without wildcards, or with just a leading star, to a table; whether it is such a rule."""
        starred = row[:1] == [Wild.STAR] and not rule.anchored
        plain = row[1:] if starred else row
        if not all(isinstance(token, str) for token in plain):
            return False
        self._table(rule, starred=starred).add("".join(map(str, plain)), rule)
        return True

    def _table(self, rule: GlobRule, *, starred: bool) -> _Table:
        return self._suffixes if starred else self._paths if rule.anchored else self._names

    def __bool__(self) -> bool:
        return bool(self._states or self._names or self._suffixes or self._paths)

    def can_match(self, path: str) -> bool:
        """Whether matching a path takes acceptably long."""
        return len(path) <= _MAX_PATH and len(path) * self._states <= _MAX_WORK

    def last(self, path: str, *, folder: bool) -> int:
        """The number of the last rule that matches a path itself, -1 for none."""
        name = path[path.rfind("/") + 1 :]
        return max(self._plain(path, len(path), name, folder=folder), self._by_path.last(path, folder=folder))

    def levels(self, path: str, *, folder: bool) -> list[int]:
        """Like :meth:`last`, for each folder above from the top down, and for the path."""
        wild = self._by_path.levels(path, folder=folder)
        found: list[int] = []
        start = 0
        while start >= 0:
            end = path.find("/", start)
            stop, within = (len(path), folder) if end < 0 else (end, True)
            best = self._plain(path, stop, path[start:stop], folder=within)
            found.append(max(best, wild[len(found)]) if wild else best)
            start = end + 1 if end >= 0 else -1
        return found

    def _plain(self, path: str, stop: int, name: str, *, folder: bool) -> int:
        """The last rule that matches ``path[:stop]``, named ``name``, without anchored rules with wildcards."""
        best = max(self._names.get(name, folder=folder), self._by_name.last(name, folder=folder))
        if stop in self._path_lengths:
            best = max(best, self._paths.get(path[:stop], folder=folder))
        for length in self._lengths:
            if length <= len(name):
                best = max(best, self._suffixes.get(name[len(name) - length :], folder=folder))
        return best


class Match(Enum):
    """How an ignore file treats a path: ignored, re-included by a ``!`` line, or not mentioned."""

    IGNORED = auto()
    INCLUDED = auto()
    NONE = auto()


class IgnoreRules:
    """The lines of a ``.gitignore`` or ``.fimignore``, matched as git does on a case-sensitive file system."""

    def __init__(self, lines: Sequence[str]) -> None:
        lines = [_as_bytes(line.partition("\0")[0]) for line in lines]
        found = parse_rules(enumerate(lines), comments=True)
        self._everything = found is None
        self._negative = {rule.number for rule in found or () if rule.negative}
        self._globs = Globs(found or ())

    def match(self, path: str, *, folder: bool) -> Match:
        """Match a path that is relative to the file's folder. Fails closed: what can't be matched is ignored."""
        try:
            path = _as_bytes(path)
        except UnicodeEncodeError:  # half a surrogate pair, which is not a valid name
            return Match.IGNORED
        if self._everything or not self._globs.can_match(path):
            return Match.IGNORED
        number = self._globs.last(path, folder=folder)
        if number < 0:
            return Match.NONE
        return Match.INCLUDED if number in self._negative else Match.IGNORED

    def last_line(self, path: str, *, folder: bool) -> int:
        """The number of the line that decides about a path, from 0; -1 if none does, or if nothing could be matched."""
        try:
            path = _as_bytes(path)
        except UnicodeEncodeError:
            return -1
        return -1 if self._everything or not self._globs.can_match(path) else self._globs.last(path, folder=folder)


class _Table:
    """Strings without wildcards, each with the number of the last rule that contains it."""

    def __init__(self) -> None:
        self._any: dict[str, int] = {}
        self._files: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._any)

    def add(self, text: str, rule: GlobRule) -> None:
        """Rules must be added in ascending order."""
        self._any[text] = rule.number
        if not rule.folder:
            self._files[text] = rule.number

    def get(self, text: str, *, folder: bool) -> int:
        """The number of the last rule, -1 for none."""
        return (self._any if folder else self._files).get(text, -1)

    def lengths(self) -> set[int]:
        """The lengths of its strings."""
        return {len(text) for text in self._any}


class _Wild:
    """An automaton that only runs on strings that contain a literal part of one of its patterns."""

    def __init__(self, patterns: Sequence[tuple[int, bool, Sequence[Token]]], fold: bool) -> None:
        self._automaton = Automaton(patterns, fold=fold) if patterns else None
        literals = {longest_literal(row) for _, _, row in patterns}
        self._literals = () if "" in literals else tuple(literals)
        self.size = self._automaton.size if self._automaton else 0

    def last(self, text: str, *, folder: bool) -> int:
        return self._automaton.last(text, folder=folder) if self._automaton and self._may_match(text) else -1

    def levels(self, text: str, *, folder: bool) -> list[int]:
        return list(self._automaton.levels(text, folder=folder)) if self._automaton and self._may_match(text) else []

    def _may_match(self, text: str) -> bool:
        return not self._literals or any(literal in text for literal in self._literals)


def _rows(rule: GlobRule, fold: Callable[[str], str] | None) -> list[list[Token]]:
    """The tokens of each reading of a rule; none if it matches nothing. Negative rules have one reading at most."""
    try:
        if fold is None or rule.negative:
            rows = [tokens(rule.pattern, path=rule.anchored)]
        else:
            rows = readings(rule.pattern, path=rule.anchored)
    except ValueError:
        return []
    return rows if fold is None else [_folded(row, fold) for row in rows]


def _folded(row: Iterable[Token], fold: Callable[[str], str]) -> list[Token]:
    return [part for token in row for part in (fold(token) if isinstance(token, str) else (token,))]


def _as_bytes(text: str) -> str:
    """The string with one character for each byte, because git's ``?`` matches a byte."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")
