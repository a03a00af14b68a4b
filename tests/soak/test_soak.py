"""The soak runs; how long it takes and what it uses is for its own runs to say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.quality.recorded_typing import load
from tests.soak.__main__ import table
from tests.soak.measuring import Sample, cpu_per_edit, growth, tenths
from tests.soak.plot import PANELS, to_svg
from tests.soak.run import Plan, soak

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the server is asked by a signal")


async def test_everything_is_answered_once_and_measured(tmp_path: Path) -> None:
    samples, unexpected = await soak(Plan(edits=60, clients=2, samples=4), tmp_path, [load("rustcode", 1000, 40)])
    assert len(samples) >= 3
    assert unexpected == 0
    assert all(one.memory > 0 and one.tasks > 0 for one in samples)
    assert any(one.ping for one in samples)
    assert to_svg(samples).count("<polyline") == len(PANELS)
    assert table(samples).count("\n") == 8


def a_run(*memory: int) -> list[Sample]:
    return [
        Sample(
            at=n,
            edits=n,
            memory=it,
            descriptors=9,
            sockets=1,
            threads=5,
            tasks=3,
            objects=100,
            cpu=1.0,
            answer=None,
            ping=0.1,
        )
        for n, it in enumerate(memory)
    ]


def test_growth_is_that_after_the_warm_up() -> None:
    flat = a_run(*range(20), *[100] * 80)
    assert growth(flat, lambda one: one.memory) == 0
    assert growth(a_run(*range(100, 200)), lambda one: one.memory) == pytest.approx(0.58, abs=0.01)
    assert len(tenths(flat, lambda one: one.memory)) == 10
    assert tenths(flat, lambda one: one.answer) == []
    assert cpu_per_edit(flat) == [0.0] * 10
