"""How often the names that come next stand in the prompt, with and without context: ``python -m tests.quality.context_eval``.

Packages that the tests install serve as projects. A line is held out; the prompt is made as for the editor, once with
400 of its 1,200 tokens for context and once without, so both cost the same. Open are the file itself, what it
imports, and four others chosen by chance. "Middle": the rest of the file follows, as when something is changed.
"End": nothing follows, as when something new is written. "Known" is the most that can be had: all names of all those
files.
"""

from __future__ import annotations

import importlib.util
import keyword
import random
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from fim_lsp.context.import_parser import import_candidates
from fim_lsp.context.index import ContextIndex
from fim_lsp.prompt.build import WINDOW_CHARACTERS, build, context_budget
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.settings.schema import Settings
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.quality.corpora import Corpus, corpus

PACKAGES = ("httpx", "pygls", "anyio", "attr", "hypothesis", "cattrs", "httpcore")
OPEN = 4
_NAME = re.compile(r"[^\W\d]\w{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of ``names`` that came next, so many were in the prompt without context, with it, or could have been."""

    names: int = 0
    bare: int = 0
    told: int = 0
    known: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            names=self.names + other.names, bare=self.bare + other.bare, told=self.told + other.told,
            known=self.known + other.known,
        )  # fmt: skip

    def __str__(self) -> str:
        bare, told, known = (f"{100 * part / max(1, self.names):.1f} %" for part in (self.bare, self.told, self.known))
        return f"{self.names} names: without context {bare}, with it {told}, known {known}"


def names(text: str) -> set[str]:
    return {name for name in _NAME.findall(text) if not keyword.iskeyword(name)}


def imported(files: Corpus, name: str) -> frozenset[str]:
    """The files that a file's import lines mean."""
    found = set()
    for stem in import_candidates(files[name], name):
        bare = stem.lstrip("/")
        for guess in (bare, bare.partition("/")[2]):  # from the package's own folder, or from the one above
            found |= {f"{guess}.py", f"{guess}/__init__.py"} & files.keys()
    return frozenset(found - {name})


def places(files: Corpus, count: int, chance: random.Random) -> Iterable[tuple[str, int]]:
    long = [name for name, lines in files.items() if len(lines) > 40]
    for _ in range(count):
        name = chance.choice(long)
        lines = files[name]
        worth = [
            number
            for number, line in enumerate(lines)
            if number > 5 and len(names(line)) >= 2 and not line.lstrip().startswith(("#", "import", "from"))
        ]
        if worth:
            yield name, chance.choice(worth)


def prompt(
    library: ContextIndex | None, files: Corpus, name: str, document: Document, line: int, column: int
) -> Prompt:
    """The prompt that the scheduler would make, with context if there is a ``library``."""
    settings, estimator = Settings(), Estimator()
    split = document.split(line, column, before=WINDOW_CHARACTERS, after=WINDOW_CHARACTERS)
    room = estimator.characters(settings.prompt_tokens, "", "python")
    share = settings.suffix_share
    free = context_budget(room, estimator.characters(settings.context_tokens, "", "python"))
    if library is None:
        return build(split, budget=room, suffix_share=share, uri="", path=name, language="python", max_tokens=1)
    bare = build(split, budget=room - free, suffix_share=share, uri="", path=name, language="python", max_tokens=1)
    context = library.select(
        name, bare.prefix, bare.suffix, budget=free, imported=imported(files, name), allowed=lambda _path: True
    )
    return build(
        split, budget=room, suffix_share=share, uri="", path=name, language="python", max_tokens=1, context=context
    )


def score(files: Corpus, name: str, number: int, others: Iterable[str], *, end: bool) -> Score:
    line = files[name][number]
    indent = line[: len(line) - len(line.lstrip())]
    above, below = "".join(files[name][:number]), "" if end else "\n" + "".join(files[name][number + 1 :])
    document = Document(above + indent + below, Encoding.UTF32)
    library = ContextIndex()
    library.put(name, lambda: document.lines)
    library.edited(name, number)
    near = {*others, *imported(files, name)} - {name}
    for other in sorted(near):
        library.put(other, lambda other=other: files[other])  # type: ignore[misc]
    wanted = names(line)
    said = []
    for shelves in (None, library):
        made = prompt(shelves, files, name, document, number, len(indent))
        said.append(names(made.prefix + made.suffix + "".join(snippet.text for snippet in made.context)))
    known = names(above + below).union(*(names("".join(files[other])) for other in near))
    return Score(
        names=len(wanted), bare=len(wanted & said[0]), told=len(wanted & said[1]), known=len(wanted & known)
    )  # fmt: skip


def measure(packages: Iterable[str], count: int, *, end: bool, seed: int = 7) -> Score:
    """``count`` places in each package."""
    total, chance = Score(), random.Random(seed)
    for package in packages:
        files = corpus(package)
        for name, number in places(files, count, chance):
            others = chance.sample(sorted(files), min(OPEN, len(files)))
            total += score(files, name, number, others, end=end)
    return total


def main() -> None:
    here = [package for package in PACKAGES if importlib.util.find_spec(package)]
    for label, end in (("middle", False), ("end", True)):
        sys.stdout.write(f"{label}: {measure(here, 60, end=end)}\n")


if __name__ == "__main__":
    main()
