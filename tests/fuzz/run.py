"""One round of the fuzz."""

from __future__ import annotations

from pathlib import Path

import hypothesis
from hypothesis.stateful import run_state_machine_as_test

from tests.fuzz.machine import Pool
from tests.fuzz.messages import FullMachine


def fuzz(home: Path, *, examples: int, steps: int, seed: int | None = None, shrink: bool = True) -> tuple[int, int]:
    """Play examples of up to so many steps; returns how many there were of both. Without a seed it is the same each time."""
    pool = Pool(home)

    class Bound(FullMachine):
        pass

    Bound.pool = pool
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=seed is None,
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
        phases=[hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if shrink else [])],
    )
    try:
        if seed is not None:
            Bound = hypothesis.seed(seed)(Bound)  # noqa: N806 - a class
        run_state_machine_as_test(Bound, settings=settings)
    finally:
        pool.close()
    return pool.examples, pool.steps
