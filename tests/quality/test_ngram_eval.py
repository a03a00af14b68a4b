"""A small slice of the evaluation on the standard library, which every machine has: better than the simple predictors.

Ratios only, with room for other versions of the library; ``ngram_eval`` prints the figures.
"""

from __future__ import annotations

import pytest

from tests.quality.corpora import corpus, held_out
from tests.quality.ngram_eval import SEED, answers, load
from tests.quality.tables import Answer, characters, exact

PACKAGES = ("email", "unittest", "json", "concurrent")
COUNT = 50


@pytest.fixture(scope="module")
def slice_of_answers() -> list[Answer]:
    found: list[Answer] = []
    for package in PACKAGES:
        files = corpus(package)
        assert files
        found += answers(files, held_out(files, COUNT, seed=SEED, cut="token"), load(files, bits=16))
    return found


def test_better_than_the_floor_and_the_most_frequent_line(slice_of_answers: list[Answer]) -> None:
    ours = [(answer.always, answer.held.rest) for answer in slice_of_answers]
    floor = [(answer.floor, answer.held.rest) for answer in slice_of_answers]
    frequent = [(answer.frequent, answer.held.rest) for answer in slice_of_answers]
    assert exact(ours) >= exact(floor)
    assert exact(ours) >= exact(frequent)
    assert characters(ours) >= characters(floor)
    assert exact(ours) >= 0.2


def test_what_is_offered_is_mostly_right(slice_of_answers: list[Answer]) -> None:
    offers = [(answer.offer, answer.held.rest) for answer in slice_of_answers if answer.offer is not None]
    right = sum(rest.startswith(offer.text) for offer, rest in offers)
    whole = [(offer.text, rest) for offer, rest in offers if offer.whole]
    assert len(offers) >= 0.2 * len(slice_of_answers)
    assert right >= 0.6 * len(offers)
    assert exact(whole) >= 0.55


def test_confidence_means_what_it_says(slice_of_answers: list[Answer]) -> None:
    offers = [(answer.offer, answer.held.rest) for answer in slice_of_answers if answer.offer is not None]
    claimed = sum(offer.confidence for offer, _ in offers) / len(offers)
    right = sum(text.text == rest if text.whole else rest.startswith(text.text) for text, rest in offers) / len(offers)
    assert abs(claimed - right) < 0.15


def test_complete_lines_are_left_alone() -> None:
    wrong = places = 0
    for package in PACKAGES:
        files = corpus(package)
        found = list(answers(files, held_out(files, COUNT, seed=SEED, cut="end"), load(files, bits=16), compare=False))
        wrong += sum(answer.offer is not None for answer in found)
        places += len(found)
    assert wrong <= 0.05 * places
