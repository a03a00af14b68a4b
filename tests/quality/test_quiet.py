"""Where nothing should be shown; which of the scenarios hold is in the baseline, and none may be lost."""

from __future__ import annotations

import json

import pytest

from tests.quality.quiet import SCENARIOS, TWINS, Scenario, shown, silent, spoken
from tests.quality.recovery_eval import BASELINE

KNOWN = json.loads(BASELINE.read_text("utf-8"))


def test_there_are_many_scenarios_and_no_two_alike() -> None:
    assert len({(scenario.marked, scenario.reply) for scenario in SCENARIOS}) == len(SCENARIOS) >= 25
    assert len({scenario.name for scenario in (*SCENARIOS, *TWINS)}) == len(SCENARIOS) + len(TWINS)
    assert all(scenario.marked.count("‸") == 1 for scenario in (*SCENARIOS, *TWINS))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_quiet(scenario: Scenario) -> None:
    """The baseline lists those that aren't quiet yet. Once one of them is, the baseline must be updated."""
    assert silent(scenario) == (scenario.name not in KNOWN["not quiet"]), shown(scenario)


@pytest.mark.parametrize("scenario", TWINS, ids=lambda scenario: scenario.name)
def test_what_only_looks_alike_is_shown(scenario: Scenario) -> None:
    assert spoken(scenario) == (scenario.name not in KNOWN["not shown"]), shown(scenario)


def test_blanks_are_silent_and_code_is_not() -> None:
    assert silent(Scenario("", "x = ‸\n", "  \n"))
    assert spoken(Scenario("", "x = ‸\n", "1"))
    assert not spoken(Scenario("", "f(‸, b)\n", "a\n2"))
