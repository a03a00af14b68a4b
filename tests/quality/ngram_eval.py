"""How good the embedded model is: ``python -m tests.quality.ngram_eval`` prints Markdown tables.

A package's files are indexed as a workspace. For each held-out line its file is open, the line ends at the cursor, the
lines above and below are there, and nothing else of the line is anywhere, unless the package has it twice. At ends of
lines any text that continues the line is wrong. Lines and cursors are drawn with a fixed seed. ``--calibrate`` prints
how often guesses are right by their probability, on the tuning packages; ``--million`` measures time and memory with a
million tokens of the standard library indexed.
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from math import prod

from fim_lsp.ngram.cursor import cursor_place
from fim_lsp.ngram.generate import guess_line
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.predict import predict
from fim_lsp.ngram.scope import scope_at
from tests.quality.corpora import Corpus, Floor, FrequentLine, HeldOut, corpus, held_out
from tests.quality.tables import HEADER, Answer, exact, row

TUNING = ("attr", "cattrs", "hatchling", "hypothesis", "aiohttp", "anyio")
REPORTED = (
    "httpx",
    "pygls",
    "_pytest",
    "packaging",
    "jsonschema",
    "pluggy",
    "httpcore",
    "asyncio",
    "email",
    "unittest",
)
COUNT = 150
SEED = 20240607
END_SHARE = 0.35
"""Of all places that are asked about, those where the line is complete already: assumed, for want of recordings."""
_WINDOW_LINES = 60


def load(files: Corpus, *, bits: int = 18) -> NgramModel:
    """A model with all files in its workspace."""
    model = NgramModel(index_bits=bits)
    for name, lines in files.items():
        model.add_lines(name, lines, folder=name.rpartition("/")[0])
    return model


def answers(files: Corpus, places: Sequence[HeldOut], model: NgramModel, *, compare: bool = True) -> Iterator[Answer]:
    """Everybody's answers, place by place. ``compare=False`` leaves out the simple predictors, which are slow."""
    floor, frequent = (Floor(files), FrequentLine(files)) if compare else (None, None)
    opened = ""
    for held in places:
        lines = files[held.file]
        if held.file != opened:
            _close(model, files, opened)
            opened = held.file
            model.remove_file(opened)
            model.open(opened, lines, folder=opened.rpartition("/")[0])
        line = lines[held.line]
        typed, end = line[: held.column], line[len(line.rstrip()) :]
        above, below = lines[max(0, held.line - _WINDOW_LINES) : held.line], lines[held.line + 1 :]
        prefix = "".join(above) + typed
        suffix = end + "".join(below[:_WINDOW_LINES])
        model.change(opened, held.line, 1, [typed + end])
        gc.disable()
        started = time.process_time()
        offer = predict(model, opened, prefix, suffix, lines=1)
        seconds = time.process_time() - started
        gc.enable()
        cursor = cursor_place(prefix, suffix, model.vocabulary)
        guess = guess_line(model, cursor, scope_at(model, opened, cursor, held.line))
        model.change(opened, held.line, 4, [typed + end])
        further = predict(model, opened, prefix, end + "".join(below[3 : 3 + _WINDOW_LINES]))
        model.change(opened, held.line, 1, lines[held.line : held.line + 4])
        said = ("", "")
        if floor is not None and frequent is not None:
            said = (
                floor.predict(held.file, held.line, [*above, typed]),
                frequent.predict(typed.lstrip(), line.strip()),
            )
        yield Answer(
            held=held, guess=guess, offer=offer, further=further, below=line[held.column :] + "".join(below[:3]),
            seconds=seconds, floor=said[0], frequent=said[1],
        )  # fmt: skip
    _close(model, files, opened)


def _close(model: NgramModel, files: Corpus, name: str) -> None:
    if name:
        model.close(name)
        model.add_lines(name, files[name], folder=name.rpartition("/")[0])


def report(packages: Sequence[str], cut: str) -> None:
    """Print the table of some packages."""
    _say(f"\nCursor: `{cut}`, {COUNT} lines a package\n\n{HEADER}")
    together: tuple[list[Answer], list[Answer], list[Answer]] = ([], [], [])
    tokens = 0
    for package in packages:
        files = corpus(package)
        if files:
            model = load(files)
            found = tuple(
                list(answers(files, held_out(files, COUNT, seed=SEED, cut=which), model, compare=which == cut))
                for which in (cut, "end", "start")
            )
            for all_of, some in zip(together, found, strict=True):
                all_of += some
            tokens += len(model)
            _say(row(package, len(model), *found))
    _say(row("**all**", tokens, *together))


def calibrate() -> None:
    """Print how often guesses of the tuning packages are right, by the product of their tokens' probabilities.

    35 % of the places are ends of lines, where every guess but none is wrong.
    """
    whole: list[tuple[float, bool]] = []
    pieces: list[tuple[float, bool]] = []
    for package in TUNING:
        files = corpus(package)
        for cut, share in (("token", 2.0), ("any", 2.0), ("end", 4 * END_SHARE / (1 - END_SHARE))):
            places = held_out(files, round(share * COUNT), seed=SEED + 1, cut=cut)
            for answer in answers(files, places, load(files), compare=False):
                steps, rest = answer.guess.steps, answer.held.rest
                if answer.guess.whole and answer.always:
                    whole.append((prod(step.probability for step in steps), answer.always == rest))
                for count in range(1, len(steps) + 1 - answer.guess.whole):
                    text = "".join(step.text for step in steps[:count])
                    if text:
                        pieces.append((prod(step.probability for step in steps[:count]), rest.startswith(text)))
    for title, pairs in (("whole rests of lines", whole), ("beginnings", pieces)):
        _say(f"\n{title}: {len(pairs)}\n\n| product, mean | right | guesses |\n|---|---|---|")
        pairs.sort()
        size = max(1, len(pairs) // 14)
        for first in range(0, len(pairs), size):
            part = pairs[first : first + size]
            mean = sum(product for product, _ in part) / len(part)
            _say(f"| {mean:.3f} | {sum(right for _, right in part) / len(part):.3f} | {len(part)} |")


def million(tokens: int = 1_000_000) -> None:
    """Print time and memory with the standard library's first million tokens indexed."""
    packages = ("asyncio", "email", "unittest", "idlelib", "lib2to3", "multiprocessing", "tkinter", "xml",
                "http", "encodings", "ctypes", "importlib", "concurrent", "logging", "json", "sqlite3", "urllib", "ensurepip",
                "pip", "setuptools", "pygments", "pydantic", "mypy", "_pytest", "hypothesis", "aiohttp")  # fmt: skip
    wanted: Corpus = {}
    open_files = corpus("asyncio")
    for package in packages:
        wanted |= {f"{package}/{name}": lines for name, lines in corpus(package).items()}
    tracemalloc.start()
    model = NgramModel()
    for name, lines in wanted.items():
        if len(model) >= tokens:
            break
        model.add_lines(name, lines, folder=name.rpartition("/")[0])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    files = {f"asyncio/{name}": lines for name, lines in open_files.items()}
    _say(
        f"\n{len(model):,} tokens, {len(model.vocabulary):,} words: {held / 1e6:.0f} MB, {model.nbytes / 1e6:.0f} MB of it arrays"
    )
    for cut in ("token", "any"):
        found = list(answers(files, held_out(files, 400, seed=SEED, cut=cut), model, compare=False))
        times = sorted(1000 * answer.seconds for answer in found)
        _say(
            f"cursor `{cut}`: {times[200]:.1f} ms p50, {times[380]:.1f} p95, {times[396]:.1f} p99, {times[-1]:.1f} max; "
            f"exact {100 * exact([(a.always, a.held.rest) for a in found]):.0f} %"
        )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if "--calibrate" in sys.argv:
        calibrate()
    elif "--million" in sys.argv:
        million()
    else:
        for which in (TUNING,) if "--tuning" in sys.argv else (REPORTED,):
            for cut in ("token", "any"):
                report(which, cut)
