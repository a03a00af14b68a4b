"""The figures of recovery never fall; ``python -m tests.quality.recovery_eval`` prints them all, and says what is judged."""

from __future__ import annotations

import json
import random

import pytest

from fim_lsp.suggest.suggestion import Suggestion
from tests.marked import split
from tests.quality import recovery_judge
from tests.quality.corruptions import CORRUPTIONS, UNDECIDABLE, Case
from tests.quality.recovery_eval import BASELINE, Figures, better, figures_of, sample, usual, worse
from tests.quality.recovery_judge import Verdict, beginnings, first_line, judged, streamed
from tests.quality.recovery_places import KINDS, LANGUAGES, Place, corpus, infilling, places

WRITE = "python -m tests.quality.recovery_eval --write"


@pytest.fixture(scope="module")
def holes() -> list[Place]:
    return usual()


def test_the_figures_are_those_of_the_baseline() -> None:
    """One test, as the figures cost a quarter of a minute: none has fallen, and the baseline is raised with them."""
    now = figures_of(sample())
    then: Figures = json.loads(BASELINE.read_text("utf-8"))["sample"]
    assert {row: now[row]["cases"] for row in now} == {row: then[row]["cases"] for row in then}, f"run {WRITE}"
    assert worse(now, then) == []
    assert better(now, then) == [], f"better than before: run {WRITE} and commit it"


def test_the_places_are_holes_in_their_files(holes: list[Place]) -> None:
    for language in LANGUAGES:
        files = {"".join(lines) for lines in corpus(language).values()}
        for hole in places(language, corpus(language), 3, seed=1):
            assert hole.split.prefix + hole.middle + hole.split.suffix in files
            assert hole.middle.strip()
    assert {hole.kind for hole in holes} == {*KINDS, "infilling"}
    assert {hole.language for hole in holes} == set(LANGUAGES)
    for hole in infilling(80):
        assert not hole.split.line_prefix.strip()
        assert not hole.split.line_suffix
        assert hole.middle[0].strip()


def test_every_corruption_changes_the_reply_and_is_reproducible(holes: list[Place]) -> None:
    for name, corruption in {**CORRUPTIONS, **UNDECIDABLE}.items():
        cases = [corruption(hole, random.Random(7)) for hole in holes]
        found = [case for case in cases if case is not None]
        assert len(found) >= 10, name
        assert cases == [corruption(hole, random.Random(7)) for hole in holes], name
        assert (name == "clean") == all(case.reply == case.place.middle for case in found), name


def hole(marked: str, middle: str) -> Place:
    return Place(language="python", kind="block", split=split(marked), middle=middle)


BODY = hole("def f():\n    ‸\n\ng()\n", "a()\n    b()\n\n    c()")
CLOSED = hole("f(‸)\n", "a, b")
BRACES = hole("f {‸}\n", "\n  a\n")


@pytest.mark.parametrize(
    ("place", "shown", "finished", "name", "verdict"),
    [
        (BODY, Suggestion(text=BODY.middle), "stop", "clean", Verdict.RIGHT),
        (BODY, Suggestion(text="a()  \n    b()\n\n    c()"), "stop", "clean", Verdict.RIGHT),
        (BODY, Suggestion(text="a()\n    b()"), "stop", "clean", Verdict.PART),
        (BODY, Suggestion(text="a()\n    b()"), "length", "cut anywhere", Verdict.RIGHT),
        (BODY, Suggestion(text="a()\n    b"), "length", "cut anywhere", Verdict.WRONG),
        (BODY, Suggestion(text=BODY.middle + "\n    c()"), "length", "loops", Verdict.RIGHT),
        (BODY, Suggestion(text=BODY.middle + "\n    c()\n    c()"), "length", "loops", Verdict.WRONG),
        (BODY, Suggestion(text="a()\r\n    b()\r\n\r\n    c()"), "stop", "clean", Verdict.WRONG),
        (BODY, None, "stop", "clean", Verdict.SILENT),
        (CLOSED, Suggestion(text="a, b)", replace=1), "stop", "clean", Verdict.RIGHT),
        (CLOSED, Suggestion(text="a, b)"), "stop", "clean", Verdict.WRONG),
        (CLOSED, Suggestion(text="a"), "stop", "clean", Verdict.WRONG),
        (BRACES, Suggestion(text="\n  a\n}", replace=1), "stop", "clean", Verdict.RIGHT),
        (BRACES, Suggestion(text="\n  a"), "stop", "clean", Verdict.WRONG),
        (hole("x = ‸ + y\n", "f(\n    a)"), Suggestion(text="f("), "stop", "clean", Verdict.RIGHT),
    ],
)
def test_the_verdicts(
    place: Place, shown: Suggestion | None, finished: str, name: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge alone: what is shown is given."""
    monkeypatch.setattr(recovery_judge, "streamed", lambda case: shown)
    assert judged(name, Case(place=place, reply=place.middle, finished=finished)).verdict is verdict


def test_a_reply_is_read_no_further_than_needed() -> None:
    shown = streamed(Case(place=hole("x = ‸ + 1\n", "a"), reply="a\nb = 1\n" * 50))
    assert shown is not None
    assert shown.text == "a"


def test_first_lines_and_beginnings() -> None:
    assert first_line("\n\n  a\n  b") == "\n  a"
    assert first_line("a\r\nb") == "a"
    assert beginnings("\n  a\n\n  b\n  c") == ["\n  a", "\n  a\n", "\n  a\n\n  b"]


def test_what_fell_and_what_rose() -> None:
    old: Figures = {"clean": {"cases": 4, "right": 2, "wrong": 1}, "quiet": {"cases": 2, "right": 1}}
    new: Figures = {"clean": {"cases": 4, "right": 1, "wrong": 0}, "quiet": {"cases": 2, "right": 2}}
    assert worse(new, old) == ["clean: right 2 -> 1 of 4"]
    assert better(new, old) == ["clean: wrong 1 -> 0 of 4", "quiet: right 1 -> 2 of 2"]
