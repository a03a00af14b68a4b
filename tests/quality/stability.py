"""How much of a prompt is the same as in the one before: ``python -m tests.quality.stability`` prints it.

The recorded typing of ``traces/`` is replayed, and a prompt is made after every edit. What counts is typing: an edit at
the place where the one before left the cursor. A jump makes another window, which has nothing to keep.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator

from fim_lsp.prompt.build import WINDOW_CHARACTERS, build
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.settings.schema import Settings
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.quality.recorded_typing import load


def prompts(name: str, start: int, count: int) -> Iterator[tuple[bool, str]]:
    """For each edit whether it went on where the last one ended, and the prompt as Codestral reads it: the suffix first."""
    trace = load(name, start, count)
    document = Document(trace.text, Encoding.UTF16)
    settings, estimator = Settings(), Estimator()
    caret, windows = (-1, -1), StickyWindows()
    for step in trace.steps:
        goes_on = len(step.changes) == 1 and caret in (step.changes[0][:2], step.changes[0][2:4])
        caret = step.caret
        step.apply(document)
        split = document.split(*step.caret, before=WINDOW_CHARACTERS, after=WINDOW_CHARACTERS)
        room = estimator.characters(settings.prompt_tokens, "m", trace.language)
        prompt = build(
            split, budget=room, suffix_share=settings.suffix_share, uri="", path="", language=trace.language, max_tokens=1,
            windows=windows,
        )  # fmt: skip
        estimator.learn(prompt.size, "m", trace.language, round(prompt.size / 3.2), 20)
        yield goes_on, prompt.suffix + prompt.prefix


def following(name: str, start: int, count: int) -> Iterator[tuple[str, str]]:
    """Each prompt with the next one, where that came by typing on."""
    last = ""
    for goes_on, text in prompts(name, start, count):
        if goes_on and last:
            yield last, text
        last = text


def common(one: str, other: str) -> float:
    """The part of ``other`` that is ``one``'s beginning, or its end."""
    return max(_beginning(one, other), _beginning(one[::-1], other[::-1])) / max(len(other), 1)


def _beginning(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def main() -> None:
    for name, start in (("rustcode", 0), ("rustcode", 1000), ("rustcode", 2000), ("json-crdt-patch", 300)):
        shares = [common(a, b) for a, b in following(name, start, 600)]
        good = sum(share >= 0.9 for share in shares) / len(shares)
        line = f"{name} {start}: {100 * statistics.mean(shares):.1f} % in common, {100 * good:.1f} % of {len(shares)} at 90 %"
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
