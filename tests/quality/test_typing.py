"""The figures that the scheduler is for, on recorded typing; ``python -m tests.quality.typing_eval`` prints them all."""

from __future__ import annotations

import statistics

from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.schedule.learning import AcceptanceRates, Taking
from tests.quality.recorded_typing import load
from tests.quality.typing_eval import Result, replay
from tests.virtual import run

QUOTA = Limits(requests=500, tokens=60_000)


def test_the_window_that_the_peers_were_measured_on() -> None:
    """300 edits of rustcode from transaction 3000. The best peer: 0.32 calls an edit, or 58 % visible and 42 % right.

    Of the model's wrong answers, statements that would be joined to the end of a finished line are not shown.
    """
    result: Result = run(replay(load("rustcode", 1000, 300)))
    assert result.calls <= 0.28
    assert result.visible >= 0.59
    assert result.right >= 0.48
    assert result.answered <= 0.45
    assert result.connections <= 40
    assert result.in_order


def test_other_windows_and_another_trace() -> None:
    """A policy that was tuned on one window would fail here."""
    windows = [("rustcode", 0), ("rustcode", 600), ("rustcode", 1800), ("json-crdt-patch", 0), ("json-crdt-patch", 300)]
    results: list[Result] = [run(replay(load(name, start, 300))) for name, start in windows]
    assert statistics.mean(result.calls for result in results) <= 0.28
    assert statistics.mean(result.visible for result in results) >= 0.6
    assert statistics.mean(result.right for result in results) >= 0.48
    assert all(result.in_order for result in results)


def test_twelve_minutes_of_typing_within_a_workspaces_quota() -> None:
    trace = load("rustcode")
    assert sum(step.gap for step in trace.steps) >= 720
    free: Result = run(replay(trace))
    limited: Result = run(replay(trace, limits=QUOTA))
    assert limited.refused <= 2
    assert limited.right >= 0.8 * free.right


async def _as_if_taken(offered: float, taken: float) -> Result:
    rates = AcceptanceRates()
    rates.start_with({"rust": Taking(offered=offered, taken=taken)})
    return await replay(load("rustcode", 1000, 300), rates=rates)


def test_what_is_learnt_from_how_often_suggestions_are_taken() -> None:
    """Usual shares change nothing, to the digit; where nothing is taken, calls are saved but suggestions still come."""
    neutral: Result = run(replay(load("rustcode", 1000, 300)))
    for taken in (10, 20, 30):
        assert run(_as_if_taken(100, taken)) == neutral
    eager: Result = run(_as_if_taken(100, 60))
    assert eager.calls <= neutral.calls + 0.02
    assert eager.right >= neutral.right - 0.01
    reluctant: Result = run(_as_if_taken(100, 5))
    assert reluctant.calls <= neutral.calls
    assert reluctant.right >= neutral.right - 0.02
    rare: Result = run(_as_if_taken(100, 0))
    assert rare.calls <= 0.6 * neutral.calls
    assert rare.visible >= 0.33 * neutral.visible
