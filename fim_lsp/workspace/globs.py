"""Globs in git's syntax: the lines of an ignore file, and what a setting lists.

Both are the same language, read by :func:`rules` and matched by :class:`Globs`. An ignore file has comments, and an invalid
line of it matches nothing, as in git. A setting's entry has no comments, and what is invalid in it is a character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fim_lsp.workspace.glob_tokens import Token, Wild, is_plain, longest_literal, readings, tokens
from fim_lsp.workspace.wildmatch import Automaton

MAX_LENGTH = 4_096
"""Characters of one glob, as many as a path has on Linux."""

MAX_RULES = 10_000
"""Globs of one source."""

_MAX_WORK = 1 << 28  # characters of a path times states of an automaton: some 50 ms
_MAX_PATH = 1 << 15  # characters, as many as a path has on Windows


@dataclass(frozen=True, slots=True)
class GlobRule:
    """A glob, without the marks that say what it is for.

    ``negative``: it lets through. ``folder``: it matches folders only. ``anchored``: it is matched against the path, seen
    from where the rule is from; else against each file's or folder's name. ``number`` orders rules, the highest decides.
    """

    number: int
    pattern: str
    negative: bool
    folder: bool
    anchored: bool


def rules(globs: Iterable[tuple[int, str]], *, comments: bool) -> list[GlobRule] | None:
    """What the numbered lines of a source mean, numbers ascending; ``comments``: lines that begin with ``#`` mean nothing.

    ``None`` if a bound is exceeded: then everything is matched. A line that lets through and is too long does not count.
    """
    found: list[GlobRule] = []
    for number, glob in globs:
        if comments and glob.startswith("#"):
            continue
        if len(glob) > MAX_LENGTH:
            if glob.startswith("!"):
                continue
            return None
        if line := trimmed(glob):
            found.append(_rule(number, line))
    return found if len(found) <= MAX_RULES else None


def trimmed(line: str) -> str:
    """Without the spaces at its end, but one that a backslash precedes."""
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
    """Rules of one source, ready to be asked. Asking costs the same however many rules have no wildcard but a first star."""

    def __init__(self, found: Sequence[GlobRule], *, fold: Callable[[str], str] | None = None) -> None:
        """``fold``: matches without regard to case; names come folded. What is invalid is then a character."""
        self._names = _Table()  # whole names
        self._suffixes = _Table()  # ends of names
        self._paths = _Table()  # whole paths
        wild: dict[bool, list[tuple[int, bool, Sequence[Token]]]] = {True: [], False: []}
        for rule in found:
            text = rule.pattern if rule.anchored else rule.pattern.removeprefix("*")
            if is_plain(text):  # as most are; the same as below, at once
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
        """Put a rule without wildcards, or with a star before a name's end alone, into a table; whether it is one."""
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

    def fits(self, path: str) -> bool:
        """Whether a path can be matched in good time."""
        return len(path) <= _MAX_PATH and len(path) * self._states <= _MAX_WORK

    def last(self, path: str, *, folder: bool) -> int:
        """The number of the last rule that matches a path by itself, -1 for none."""
        name = path[path.rfind("/") + 1 :]
        return max(self._plain(path, len(path), name, folder=folder), self._by_path.last(path, folder=folder))

    def levels(self, path: str, *, folder: bool) -> list[int]:
        """The same for each folder above, from the uppermost on, and for the path."""
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
        """All but the paths with wildcards, for a path up to ``stop`` whose last name is ``name``."""
        best = max(self._names.get(name, folder=folder), self._by_name.last(name, folder=folder))
        if stop in self._path_lengths:
            best = max(best, self._paths.get(path[:stop], folder=folder))
        for length in self._lengths:
            if length <= len(name):
                best = max(best, self._suffixes.get(name[len(name) - length :], folder=folder))
        return best


class IgnoreFile:
    """The lines of a ``.gitignore`` or ``.fimignore``, matched as git does on a file system that tells cases apart."""

    def __init__(self, lines: Sequence[str]) -> None:
        lines = [_as_bytes(line.partition("\0")[0]) for line in lines]
        found = rules(enumerate(lines), comments=True)
        self._everything = found is None
        self._negative = {rule.number for rule in found or () if rule.negative}
        self._globs = Globs(found or ())

    def verdict(self, path: str, *, folder: bool) -> bool | None:
        """Whether a path, seen from the file's folder, is ignored, or let through (False), or not spoken of."""
        try:
            path = _as_bytes(path)
        except UnicodeEncodeError:  # half a surrogate pair: no file's name
            return True
        if self._everything or not self._globs.fits(path):
            return True
        number = self._globs.last(path, folder=folder)
        return None if number < 0 else number not in self._negative


class _Table:
    """Texts without wildcards and the number of the last rule that has them."""

    def __init__(self) -> None:
        self._any: dict[str, int] = {}
        self._files: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._any)

    def add(self, text: str, rule: GlobRule) -> None:
        """Rules come in order."""
        self._any[text] = rule.number
        if not rule.folder:
            self._files[text] = rule.number

    def get(self, text: str, *, folder: bool) -> int:
        """The last rule's number, -1 for none."""
        return (self._any if folder else self._files).get(text, -1)

    def lengths(self) -> set[int]:
        """Those of its texts."""
        return {len(text) for text in self._any}


class _Wild:
    """An automaton that is only asked about texts that contain what one of its patterns needs."""

    def __init__(self, patterns: Sequence[tuple[int, bool, Sequence[Token]]], fold: bool) -> None:
        self._automaton = Automaton(patterns, fold=fold) if patterns else None
        needed = {longest_literal(row) for _, _, row in patterns}
        self._needed = () if "" in needed else tuple(needed)
        self.size = self._automaton.size if self._automaton else 0

    def last(self, text: str, *, folder: bool) -> int:
        return self._automaton.last(text, folder=folder) if self._automaton and self._may_match(text) else -1

    def levels(self, text: str, *, folder: bool) -> list[int]:
        return list(self._automaton.levels(text, folder=folder)) if self._automaton and self._may_match(text) else []

    def _may_match(self, text: str) -> bool:
        return not self._needed or any(literal in text for literal in self._needed)


def _rows(rule: GlobRule, fold: Callable[[str], str] | None) -> list[list[Token]]:
    """A rule's tokens, in each of its readings: none if it matches nothing. What lets through is never guessed at."""
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
    """A text with a character for each byte, since that is what git's ``?`` matches."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")
