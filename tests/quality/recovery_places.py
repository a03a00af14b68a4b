"""Holes in real code: where a cursor may stand, and what really stood there.

A place's ``middle`` is exactly what stands between its prefix and its suffix in the file. It never ends with the line end
of its last line, because the cursor's own line has one; the exception is ``braces``, whose last line is the closer's.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fim_lsp.prompt.build import WINDOW_CHARACTERS
from fim_lsp.text.cursor import Split, split_at
from fim_lsp.text.document import split_lines
from fim_lsp.text.positions import content

DATA = Path(__file__).parent / "data"
LANGUAGES = ("python", "javascript", "typescript", "rust", "go", "c")
MAX_LINES = 12  # of a block: what 128 tokens hold
_COMMENT = ("/*", "*", "//", "#", '"""')


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A hole of some ``kind`` in a file of ``language``; ``split`` is the cursor in the file without ``middle``."""

    language: str
    kind: str
    split: Split
    middle: str

    @property
    def indent(self) -> str:
        """The indentation of the cursor's line."""
        return indentation(self.split.line_prefix)

    @property
    def below(self) -> list[str]:
        """The lines below the cursor's, without line ends."""
        return [content(line) for line in split_lines(self.split.suffix)[1:]]

    def with_line_end(self, end: str) -> Place:
        """The same place in a file with other line ends."""
        prefix, suffix, middle = (
            re.sub(r"\r?\n", lambda _: end, text) for text in (self.split.prefix, self.split.suffix, self.middle)
        )
        return replace(self, split=_split(prefix, suffix), middle=middle)


def indentation(line: str) -> str:
    """The blanks that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def _split(prefix: str, suffix: str) -> Split:
    above = split_lines(prefix)
    return split_at(
        split_lines(prefix + suffix), len(above) - 1, len(above[-1]), before=WINDOW_CHARACTERS, after=WINDOW_CHARACTERS
    )


def is_code(line: str) -> bool:
    """Not blank, not plainly a comment, and with a word in it."""
    return bool(re.search(r"\w{2}", line)) and not line.lstrip().startswith(_COMMENT)


def without_prose(lines: Sequence[str]) -> list[str]:
    """The lines, those inside a documentation string empty: what is code and what isn't can't be told apart in prose."""
    inside, found = False, []
    for line in lines:
        quotes = line.count('"""')
        found.append("" if inside or quotes else line)
        inside ^= quotes % 2 == 1
    return found


def whole_lines(lines: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """``line``: all of a line but its indentation."""
    for index, line in enumerate(without_prose(lines)):
        if is_code(line):
            yield index, len(indentation(line)), index, len(content(line))


def rests(lines: Sequence[str], chance: random.Random) -> Iterator[tuple[int, int, int, int]]:
    """``rest``: a line from the end of a word or a sign on, where at least two characters are to come."""
    for index, line in enumerate(without_prose(lines)):
        ends = [match.end() for match in re.finditer(r"\w+|[^\w\s] ?", content(line))]
        ends = [end for end in ends if end <= len(content(line)) - 2 and line[end - 1 : end + 1].strip()]
        if is_code(line) and ends:
            yield index, chance.choice(ends), index, len(content(line))


def in_brackets(lines: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """``brackets``: what stands between a bracket and its partner on one line."""
    for index, line in enumerate(without_prose(lines)):
        for match in re.finditer(r"[(\[]([^()\[\]{}]{2,})[)\]]", content(line)):
            if is_code(line) and match[1].strip():
                yield index, match.start(1), index, match.end(1)


def _bodies(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each indented block of 2 to ``MAX_LINES`` lines, behind a line that opens one."""
    for index in range(1, len(lines)):
        depth, opener = len(indentation(lines[index])), content(lines[index - 1]).rstrip()
        if not lines[index].strip() or depth <= len(indentation(lines[index - 1])) or not opener.endswith((":", "{")):
            continue
        last = index
        for further in range(index + 1, min(index + MAX_LINES, len(lines))):
            if lines[further].strip() and len(indentation(lines[further])) < depth:
                break
            last = further if lines[further].strip() else last
        ended = next((line for line in lines[last + 1 :] if line.strip()), "")
        if last > index and len(indentation(ended)) < depth:
            yield index, last


def blocks(lines: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """``block``: an indented block, the cursor behind the first indentation."""
    for first, last in _bodies(lines):
        yield first, len(indentation(lines[first])), last, len(content(lines[last]))


def behind_openers(lines: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """``opener``: an indented block, the cursor at the end of the line that opens it."""
    for first, last in _bodies(lines):
        yield first - 1, len(content(lines[first - 1]).rstrip()), last, len(content(lines[last]))


def in_braces(lines: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """``braces``: from ``{`` to its ``}`` on a line of closers, as if the editor had paired them."""
    for first, last in _bodies(lines):
        closer = lines[last + 1] if last + 1 < len(lines) else ""
        opener = content(lines[first - 1]).rstrip()
        if opener.endswith("{") and re.fullmatch(r"\s*\}[\s)\]};,]*", closer):
            yield first - 1, len(opener), last + 1, len(indentation(closer))


def spans(lines: Sequence[str], chance: random.Random) -> Iterator[tuple[int, int, int, int]]:
    """``span``: from inside a line to inside the same or one of the next three."""
    code = without_prose(lines)
    for first, line in enumerate(code):
        last = min(first + chance.choice([0, 0, 1, 2, 3]), len(lines) - 1)
        if not (is_code(line) and is_code(code[last])):
            continue
        start = chance.randrange(len(indentation(line)), len(content(line)))
        least = start + 2 if first == last else len(indentation(lines[last])) + 1
        if least < len(content(lines[last])):
            yield first, start, last, chance.randrange(least, len(content(lines[last])))


Cut = Callable[[Sequence[str], random.Random], Iterator[tuple[int, int, int, int]]]
KINDS: Mapping[str, Cut] = {
    "line": lambda lines, _: whole_lines(lines),
    "rest": rests,
    "brackets": lambda lines, _: in_brackets(lines),
    "block": lambda lines, _: blocks(lines),
    "opener": lambda lines, _: behind_openers(lines),
    "braces": lambda lines, _: in_braces(lines),
    "span": spans,
}


def place(language: str, kind: str, lines: Sequence[str], hole: tuple[int, int, int, int]) -> Place:
    """The place of a hole given as first line and column, last line and column."""
    first, start, last, end = hole
    prefix = "".join(lines[:first]) + lines[first][:start]
    suffix = lines[last][end:] + "".join(lines[last + 1 :])
    middle = "".join(lines[first : last + 1])[start : len("".join(lines[first:last])) + end]
    return Place(language=language, kind=kind, split=_split(prefix, suffix), middle=middle)


def corpus(language: str) -> dict[str, list[str]]:
    """The files of a language that come with the tests, as lines with their ends."""
    paths = sorted((DATA / language).glob("*.txt"))
    return {path.name: split_lines(path.read_bytes().decode()) for path in paths}


def places(language: str, files: Mapping[str, Sequence[str]], count: int, *, seed: int) -> list[Place]:
    """``count`` places of each kind, or as many as there are, chosen by ``seed``."""
    found = []
    for kind, cut in KINDS.items():
        chance = random.Random(f"{seed}:{language}:{kind}")
        holes = [(name, hole) for name, lines in files.items() for hole in cut(lines, chance)]
        for name, hole in chance.sample(holes, min(count, len(holes))):
            found.append(place(language, kind, files[name], hole))
    return [candidate for candidate in found if candidate.middle.strip()]


def infilling(count: int) -> list[Place]:
    """HumanEval Infilling's multi-line holes; the cursor stands behind the first line's indentation, on its own line."""
    found = []
    for line in (DATA / "human-eval-infilling/multi-line.jsonl").read_text("utf-8").splitlines()[:count]:
        row = json.loads(line)
        whole = row["canonical_solution"].rstrip("\n")
        indent = indentation(whole)
        split = _split(row["prompt"] + indent, "\n" + row["suffix"])
        found.append(Place(language="python", kind="infilling", split=split, middle=whole[len(indent) :]))
    return found
