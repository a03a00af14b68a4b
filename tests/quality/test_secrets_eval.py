"""The figures of ``secrets_eval``: the whole corpus, a corpus that nothing was tuned on, and the standard library."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

import pytest

from tests.quality.secrets_corpus import Case, cases
from tests.quality.secrets_eval import SEED, alarms, held_out, masked, restored, sample

LINES = 60_000


@pytest.fixture(scope="module", params=[SEED, 41, 42])
def corpus(request: pytest.FixtureRequest) -> list[Case]:
    return cases(request.param)


def test_nearly_every_made_up_secret_is_masked(corpus: list[Case]) -> None:
    assert len(corpus) >= 600
    missed = [f"{case.kind} / {case.place}" for case in corpus if not masked(case)]
    assert len(missed) <= 0.01 * len(corpus), missed


def test_every_reply_is_restored(corpus: list[Case]) -> None:
    chance = random.Random(SEED)
    assert [case.place for case in corpus if not restored(case, chance)] == []


@pytest.mark.parametrize("half", [False, True], ids=["tuning", "held out"])
def test_ordinary_source_stays_as_it_is(half: bool) -> None:
    library = Path(sysconfig.get_paths()["stdlib"])
    files = [
        path
        for path in sorted(library.rglob("*.py"))
        if "site-packages" not in path.parts and held_out(path.relative_to(library)) == half
    ]
    lines, found = 0, []
    for path, text, many in sample(files, LINES):
        lines += many
        found += alarms(path, text)
    assert lines >= LINES
    assert len(found) <= 2 * lines / 10_000, [(alarm.kind, alarm.file, alarm.before) for alarm in found]
