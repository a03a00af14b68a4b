"""What was answered at held-out places, and the tables' figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fim_lsp.ngram.generate import Guess
from fim_lsp.ngram.predict import Offer
from tests.quality.corpora import HeldOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What everybody said at one place; ``seconds`` of CPU for our offer."""

    held: HeldOut
    guess: Guess
    offer: Offer | None
    further: Offer | None
    below: str
    seconds: float
    floor: str = ""
    frequent: str = ""

    @property
    def always(self) -> str:
        """Our guess without the gate."""
        return "".join(step.text for step in self.guess.steps)


def exact(pairs: Sequence[tuple[str, str]]) -> float:
    """The share of (said, right) pairs that are equal."""
    return sum(said == right for said, right in pairs) / max(1, len(pairs))


def characters(pairs: Sequence[tuple[str, str]]) -> float:
    """The share of all characters to come that were said right before the first wrong one."""
    common = 0
    for said, right in pairs:
        common += next(
            (i for i, (a, b) in enumerate(zip(said, right, strict=False)) if a != b), min(len(said), len(right))
        )
    return common / max(1, sum(len(right) for _, right in pairs))


COLUMNS = (
    "package", "tokens", "floor exact/chars", "frequent line", "**ours, always**", "offered",
    "of those right as far as they go", "whole lines offered", "of those exact", "2–4 lines offered", "exact",
    "**wrong at line ends**", "next lines offered there", "exact", "empty lines: offered", "right", "ms p50/p95",
)  # fmt: skip
HEADER = "| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS)


def row(
    name: str,
    tokens: int,
    found: Sequence[Answer],
    ends: Sequence[Answer],
    starts: Sequence[Answer],
) -> str:
    """One line of the table: answers within lines, at their ends, and where nothing but the indentation is typed."""

    def both(said: Sequence[str]) -> str:
        pairs = [(text, answer.held.rest) for text, answer in zip(said, found, strict=True)]
        return f"{100 * exact(pairs):.0f} / {100 * characters(pairs):.0f} %"

    offers = [(answer.offer, answer.held.rest) for answer in found if answer.offer is not None]
    whole = [(offer.text, rest) for offer, rest in offers if offer.whole]
    times = sorted(answer.seconds for answer in found)
    cells = (
        name, f"{tokens:,}", both([a.floor for a in found]), both([a.frequent for a in found]),
        f"**{both([a.always for a in found])}**", _share(len(offers), len(found)),
        _share(sum(right_as_far(found)), len(offers)),
        _share(len(whole), len(found)), _share(sum(text == rest for text, rest in whole), len(whole)),
        *_several([answer for answer in found if answer.further is not None and "\n" in answer.further.text]),
        f"**{_share(sum(a.offer is not None for a in ends), len(ends))}**",
        *_several([answer for answer in ends if answer.further is not None and answer.further.text[:1] in "\r\n"]),
        _share(sum(a.offer is not None for a in starts), len(starts)),
        _share(sum(right_as_far(starts)), len(right_as_far(starts))),
        f"{1000 * times[len(times) // 2]:.1f} / {1000 * times[int(len(times) * 0.95)]:.1f}",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def right_as_far(found: Sequence[Answer]) -> list[bool]:
    """Of each offer whether it is the beginning of what came."""
    return [answer.held.rest.startswith(answer.offer.text) for answer in found if answer.offer is not None]


def _several(found: Sequence[Answer]) -> tuple[str, str]:
    """How many offers of several lines, and the share that is right."""
    right = sum(answer.further is not None and answer.below.startswith(answer.further.text + "\n") for answer in found)
    return str(len(found)), _share(right, len(found))


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"
