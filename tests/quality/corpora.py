"""Installed packages as corpora, lines held out of them, and the two simple predictors to compare with."""

from __future__ import annotations

import importlib.util
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.ngram.lexer import lex, lex_line

_MOST_BYTES = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """One place: in ``lines[line]`` of ``file`` the text from ``column`` on is unknown; ``rest`` is that text."""

    file: str
    line: int
    column: int
    rest: str


Corpus = dict[str, list[str]]


def corpus(package: str) -> Corpus:
    """The Python files of an installed package, by name, as lines with their ends; ``{}`` if it isn't installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return {}
    root = Path(next(iter(spec.submodule_search_locations)))
    files = {}
    for path in sorted(root.rglob("*.py")):
        if path.stat().st_size <= _MOST_BYTES and not {"test", "tests", "_vendor"} & set(path.relative_to(root).parts):
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            files[path.relative_to(root).as_posix()] = text.splitlines(keepends=True)
    return files


def held_out(files: Corpus, count: int, *, seed: int, cut: str) -> list[HeldOut]:
    """``count`` lines, each cut once, in the order of files and lines; not blank, and of four tokens if cut within.

    ``cut="third"``: after a third of the line's tokens. ``cut="any"``: after any character but the last, from the
    second of the line's text on. ``cut="token"``: after any token but the last. ``cut="end"``: at the end, where
    nothing is to come. ``cut="start"``: behind the indentation, where all is.
    """
    chance = random.Random(seed)
    least = 1 if cut in ("end", "start") else 4
    places = [
        (file, index)
        for file, lines in files.items()
        for index, line in enumerate(lines)
        if len(lex_line(line).tokens) >= least
    ]
    chosen = sorted(chance.sample(places, min(count, len(places))))
    found = []
    for file, index in chosen:
        lexed = lex_line(files[file][index])
        column = _column(lexed.tokens, cut, chance)
        rest = "".join(lexed.tokens)[column:]
        found.append(HeldOut(file=file, line=index, column=len(lexed.indent) + column, rest=rest))
    return found


def _column(tokens: Sequence[str], cut: str, chance: random.Random) -> int:
    lengths = [len(token) for token in tokens]
    if cut in ("end", "start"):
        return sum(lengths) if cut == "end" else 0
    boundary, within = chance.randrange(1, len(tokens)), chance.randrange(1, sum(lengths))
    return {"third": sum(lengths[: max(1, len(tokens) // 3)]), "any": within, "token": sum(lengths[:boundary])}[cut]


class Floor:
    """The design's prototype: longest-suffix match over token trigrams, same-file counts doubled."""

    def __init__(self, files: Corpus) -> None:
        self._tokens: dict[str, list[str]] = {}
        self._lines: dict[str, list[int]] = {}
        self._index: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
        for name, lines in files.items():
            tokens = self._tokens[name] = []
            starts = self._lines[name] = []
            for line in lines:
                starts.append(len(tokens))
                tokens += lex(line)
            starts.append(len(tokens))
            for at in range(3, len(tokens)):
                self._index[tuple(tokens[at - 3 : at])].append((name, at))

    def predict(self, name: str, line: int, before: Sequence[str]) -> str:
        """The rest of the last of the lines ``before``, which is ``line`` of a file; a word that it ends in may be longer.

        The line itself isn't looked at, nor what follows it within a trigram.
        """
        starts = self._lines[name]
        hidden = range(starts[line], starts[line + 1] + 3)
        context = [token for text in before for token in lex(text)]
        partial = context.pop() if context and (context[-1][-1].isalnum() or context[-1] == " ") else ""
        said = ""
        for step in range(40):
            token = self._next(name, hidden, context, "" if step else partial)
            if token is None or "\n" in token:
                break
            said += token
            context.append(token)
        return said[len(partial) :]

    def _next(self, name: str, hidden: range, context: list[str], partial: str) -> str | None:
        longest, votes = 0, Counter[str]()
        for file, at in self._index.get(tuple(context[-3:]), [])[-400:]:
            tokens = self._tokens[file]
            if (file == name and at in hidden) or not tokens[at].startswith(partial):
                continue
            length = _common(tokens, at, context)
            if length > longest:
                longest, votes = length, Counter()
            if length == longest:
                votes[tokens[at]] += 2 if file == name else 1
        return min(votes, key=lambda token: (-votes[token], token)) if votes else None


def _common(tokens: Sequence[str], at: int, context: Sequence[str]) -> int:
    """How many tokens before ``at`` are those at the end of ``context``, 30 at most; three are known to be."""
    length = 3
    while length < min(30, at, len(context)) and tokens[at - length - 1] == context[-length - 1]:
        length += 1
    return length


class FrequentLine:
    """The most frequent line of the corpus that starts like this."""

    def __init__(self, files: Corpus) -> None:
        self.lines = Counter(line.strip() for lines in files.values() for line in lines if line.strip())

    def predict(self, typed: str, held: str) -> str:
        """The rest of the likeliest line after ``typed``, with one occurrence of the line ``held`` left out."""
        best, most = "", 0
        for line, count in self.lines.items():
            if line.startswith(typed):
                count -= line == held
                if count > most or (count == most and count and line < best):
                    best, most = line, count
        return best[len(typed) :]
