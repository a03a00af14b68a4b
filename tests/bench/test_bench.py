"""The bench runs; its figures are for a machine that has nothing else to do, and are not asserted."""

from __future__ import annotations

import pytest

from tests.bench.__main__ import row
from tests.bench.backend import Backend
from tests.bench.cost import EDITS_A_DAY, Day, day
from tests.bench.replay import replay
from tests.bench.servers import SERVERS
from tests.quality.recorded_typing import load


@pytest.mark.parametrize("name", ["fim-lsp", "naive"])
async def test_a_few_edits_are_replayed_and_everything_is_answered(name: str) -> None:
    trace = load("rustcode", 1000, 8)
    backend = Backend(trace.model(), first_token=0, per_token=0)
    result = await replay(SERVERS[name], trace, places=1, pace=0.01, backend=backend)
    assert result.edits == 8
    assert result.calls > 0
    assert result.visible > 0
    assert result.unanswered == 0
    assert row(name, result).startswith(f"| {name} | ")


def test_a_day_costs_its_prompts_and_its_completions() -> None:
    typed = day(load("rustcode", 1000, 60))
    assert 0.1 * EDITS_A_DAY < typed.calls < 0.5 * EDITS_A_DAY
    assert typed.prompt_tokens / typed.calls < 1200
    assert Day(calls=1000, prompt_tokens=1e6).dollars == pytest.approx(0.30 + 1000 * 40 * 0.90e-6)
