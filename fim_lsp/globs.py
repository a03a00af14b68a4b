"""Globs in git's syntax, as many as a project has: each is compiled when a name first may match it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_MOST_STARS = 4  # in one name of a glob
_MOST_GLOBS = 10_000  # of one source; some 3 microseconds each, and a tenth of one for each name that is asked about
_MOST_TRIED = 1_000  # for one name; compiling takes 140 microseconds each
_LEAST_LITERAL = 2
_BRACKETS = re.compile(r"\[[!^]?[^\[\]\\!^]+\]")
_WILD = re.compile(r"[*?/]+|\[[!^]?[^\[\]\\!^]+\]")


class Globs:
    """Lines of an ignore file, the last that matches wins.

    So many that asking would take too long match everything: better too little is sent than too much.
    """

    def __init__(self, globs: Sequence[str]) -> None:
        lines = [short for glob in globs if glob.strip() and not glob.startswith("#") and (short := _bounded(glob))]
        self._everything = len(lines) > _MOST_GLOBS
        self._lines = [] if self._everything else [(_literal(line), line) for line in lines]
        self._patterns: dict[str, GitIgnoreSpecPattern | None] = {}

    def verdict(self, name: str) -> bool | None:
        """Whether a path is ignored, or let through (False), or not spoken of; a folder's ends in ``/``."""
        if self._everything:
            return True
        name = name.replace("\n", "_")  # which a regex's dot doesn't match
        tried = [line for literal, line in self._lines if literal in name]
        if len(tried) > _MOST_TRIED:
            return True
        patterns = [found for line in tried if (found := self._pattern(line)) is not None]
        return GitIgnoreSpec(patterns, backend="simple").check_file(name).include if patterns else None

    def match_file(self, name: str) -> bool:
        """Whether a path is ignored."""
        return bool(self.verdict(name))

    def _pattern(self, line: str) -> GitIgnoreSpecPattern | None:
        """One that isn't valid is the name of a file, or lets nothing through. Threads may do the same work twice."""
        if line not in self._patterns:
            try:
                found: GitIgnoreSpecPattern | None = GitIgnoreSpecPattern(line)
            except (ValueError, re.error):
                found = None if line.startswith("!") else GitIgnoreSpecPattern(_escaped(line))
            self._patterns[line] = found
        return self._patterns[line]


def _escaped(line: str) -> str:
    return "".join("\\" + char if char in "*?[]!#\\" else char for char in line.strip())


def _literal(glob: str) -> str:
    """What a path must hold if the glob is to match it, ``""`` where that isn't plain to see."""
    bare = glob.removeprefix("!").strip()
    if "\\" in bare or "[" in _BRACKETS.sub("", bare):
        return ""
    longest = max(_WILD.split(bare), key=len).strip()
    return longest if len(longest) >= _LEAST_LITERAL else ""


def _bounded(glob: str) -> str:
    """A glob that can be matched in good time: with many stars in one name, each doubles the ways to fail.

    What is cut off makes it match more, which is the safe side; one that lets through is left out instead.
    """
    if glob.count("*") <= _MOST_STARS:
        return glob
    names = glob.split("/")
    if not any(map(_is_wild, names)):
        return glob
    return "" if glob.startswith("!") else "/".join(_shortened(name) if _is_wild(name) else name for name in names)


def _is_wild(name: str) -> bool:
    return _BRACKETS.sub("", name).count("*") > _MOST_STARS


def _shortened(name: str) -> str:
    return "*" if "[" in name else "*".join(name.split("*")[:_MOST_STARS]) + "*"
