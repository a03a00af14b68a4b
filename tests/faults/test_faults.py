"""After each fault, answers flow again, every request was answered, and nothing is left behind: a few requests for each.

``python -m tests.faults`` makes hundreds, and measures.
"""

from __future__ import annotations

import asyncio
import math

import pytest

from tests.faults.drive import drive
from tests.faults.table import KINDS

_FAULTS = 8  # at most for one server; several run side by side, as most of the time is spent waiting
_REQUESTS = 3


async def _wrong(names: list[str], kind: str) -> list[str]:
    """What is wrong after each of these faults, which one server goes through."""
    found = []
    async with drive(KINDS[kind][names[0]].way, seed=len(names)) as driving:
        for name in names:
            outcome = await driving.through(KINDS[kind][name], requests=_REQUESTS, gap=0.005)
            assert outcome.requests > _REQUESTS
            found += [f"{name}: {what}" for what in outcome.faults]
    return found


@pytest.mark.parametrize("kind", KINDS)
async def test_after_a_fault_all_is_as_before(kind: str) -> None:
    names = [name for name, fault in KINDS[kind].items() if not fault.is_variant]
    servers = math.ceil(len(names) / _FAULTS)
    shares = [names[start::servers] for start in range(servers)]
    found = await asyncio.gather(*(_wrong(share, kind) for share in shares))
    assert [line for lines in found for line in lines] == []
