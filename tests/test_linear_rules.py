"""What runs on a text for each chunk or key takes steps in proportion to the text, and no more."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest

from tests.linear_rules import BY_HAND, MAKERS, ONCE, REACHED, UNITS, calls, counted, functions, reason_not_to_measure

MAX_GROWTH = 4 * 1.15  # when the text is four times as long
SPARE_STEPS = 150  # a short text may end early
CALLS = calls()


def slow_units(call: Callable[[str, int], Callable[[], object]], units: Sequence[str] = UNITS) -> dict[str, list[int]]:
    """The units of text with which the number of steps grows faster than the text."""
    slow = {}
    for unit in units:
        found = counted(call, unit)
        if all(more <= MAX_GROWTH * less + SPARE_STEPS for less, more in itertools.pairwise(found)):
            continue
        found += counted(call, unit, (64,))  # a bound may not have been reached before
        if found[-1] > MAX_GROWTH * found[-2] + SPARE_STEPS:
            slow[unit] = found
    return slow


def test_rules_are_found() -> None:
    assert len(CALLS) > 80
    assert {"suggest.wrappers.without_fence", "redaction.detect.find_secrets", "text.positions.to_column"} <= set(CALLS)
    assert set(BY_HAND) <= set(CALLS)


def test_every_function_that_takes_a_text_is_measured_or_says_why_not() -> None:
    unknown = []
    for name, function in functions():
        try:
            reason_not_to_measure(function)
        except KeyError as argument:
            unknown.append(f"{name} takes {argument}: tests/linear_rules.py does not know how to make one")
    assert unknown == []
    assert not set(MAKERS) & set(REACHED)
    assert set(ONCE) <= {name for name, _ in functions()}


@pytest.mark.parametrize("name", CALLS)
def test_a_rule_is_linear(name: str) -> None:
    assert slow_units(CALLS[name]) == {}


def test_slow_rules_are_recognized() -> None:
    def rescanned(text: str) -> int:
        return sum(len([0 for _character in text[:end]]) for end in range(0, len(text), 16))

    assert slow_units(lambda unit, size: lambda: rescanned((unit * 48)[:48] * size), UNITS[:1])
