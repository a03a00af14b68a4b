"""Virtual time for tests."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.virtual import VirtualLoop, now, run


async def test_an_hour_passes_at_once(virtual_time: None) -> None:
    started = time.monotonic()
    await asyncio.sleep(3600)
    assert now() == 3600
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("delays", [(3, 1, 2), (2, 3, 1)])
async def test_timers_fire_in_order(virtual_time: None, delays: tuple[int, ...]) -> None:
    fired: list[float] = []
    for delay in delays:
        asyncio.get_running_loop().call_later(delay, lambda: fired.append(now()))
    await asyncio.sleep(4)
    assert fired == [1, 2, 3]


@pytest.mark.usefixtures("virtual_time")
class TestWholeGroup:
    async def test_it_starts_at_zero_each_time(self) -> None:
        assert now() == 0
        await asyncio.sleep(1)

    async def test_it_starts_at_zero_each_time_again(self) -> None:
        assert now() == 0


async def test_without_it_time_is_real() -> None:
    assert not isinstance(asyncio.get_running_loop(), VirtualLoop)


def test_a_deadlock_is_an_error() -> None:
    async def wait_for_nothing() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="deadlock"):
        run(wait_for_nothing())
