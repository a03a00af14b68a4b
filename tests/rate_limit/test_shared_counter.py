"""A store that fails never delays a completion; the failure is reported once, and the store is used again."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import Entry, Limits
from tests.rate_limit.fakes import MemoryStore
from tests.virtual import now


def entry(name: str, tokens: int = 1) -> Entry:
    return Entry(name=name, tokens=tokens, requests=1, expires_in=60)


class Setup:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.reports: list[str] = []
        self.counter = SharedCounter(self.store, report=self.reports.append, clock=now)

    async def ask(self, name: str = "x") -> bool | None:
        verdict = await self.counter.reserve("us", entry(name), Limits(requests=100))
        return None if verdict is None else verdict.granted


async def test_the_first_call_waits_for_the_store_to_open(virtual_time: None) -> None:
    setup = Setup()
    setup.store.delay = 0.02
    assert await setup.ask() is True
    await setup.counter.close()
    assert setup.store.closed


@pytest.mark.parametrize("failure", ["fails", "hangs"])
async def test_a_failure_is_reported_once_and_waited_for_once(failure: str, virtual_time: None) -> None:
    setup = Setup()
    assert await setup.ask() is True
    setup.store.fail, setup.store.delay = failure == "fails", 0 if failure == "fails" else 1000
    began = now()
    assert [await setup.ask() for _ in range(100)] == [None] * 100
    assert now() - began <= 0.051
    await asyncio.sleep(600)
    assert len(setup.reports) == 1
    assert "the shared count in memory" in setup.reports[0]
    setup.store.fail, setup.store.delay = False, 0
    await asyncio.sleep(61)
    assert await setup.ask() is True
    await setup.counter.close()


async def test_a_single_failure_is_not_reported(virtual_time: None) -> None:
    setup = Setup()
    assert await setup.ask() is True
    setup.store.fail = True
    assert await setup.ask() is None
    setup.store.fail = False
    await asyncio.sleep(1)
    assert await setup.ask() is True
    assert setup.reports == []
    await setup.counter.close()


async def test_a_store_that_is_always_too_slow_is_reported_and_tried_less_and_less_often(virtual_time: None) -> None:
    setup = Setup()
    setup.store.delay = 0.08
    waited = 0.0
    for _ in range(600):
        began = now()
        assert await setup.ask() is None
        waited += now() - began
        await asyncio.sleep(1)
    assert len(setup.reports) == 1
    assert waited < 1
    await setup.counter.close()


async def test_a_permanent_failure_is_tried_once(virtual_time: None) -> None:
    setup = Setup()
    setup.store.fail = setup.store.permanent = True
    for _ in range(10):
        assert await setup.ask() is None
        await asyncio.sleep(100)
    assert setup.store.opened == 1
    assert len(setup.reports) == 1
    await setup.counter.close()


async def test_another_episode_is_reported_again(virtual_time: None) -> None:
    setup = Setup()
    for episode in range(3):
        setup.store.fail = True
        await setup.ask()
        await asyncio.sleep(30)
        assert len(setup.reports) == episode + 1
        setup.store.fail = False
        await asyncio.sleep(200)
        assert await setup.ask() is True
    await setup.counter.close()


async def test_what_was_counted_during_an_outage_is_restored(virtual_time: None) -> None:
    setup = Setup()
    setup.counter.restore_from("us", lambda: [entry("x", 5), entry("meanwhile", 7)])
    assert await setup.ask("x") is True
    setup.store.fail = True
    assert await setup.ask("meanwhile") is None
    setup.store.fail = False
    setup.store.held.clear()
    await asyncio.sleep(2)
    assert setup.store.tokens("us") == 12
    await setup.counter.close()


async def test_closing_writes_what_is_pending(virtual_time: None) -> None:
    setup = Setup()
    assert await setup.ask("x") is True
    setup.counter.put("us", [entry("x", 900)])
    await setup.counter.close()
    assert setup.store.tokens("us") == 900
    assert await setup.ask("y") is None


@pytest.mark.parametrize("operation", ["open", "reserve", "put"])
async def test_a_bug_in_a_store_is_a_failure_like_any_other(operation: str, virtual_time: None) -> None:
    setup = Setup()
    setup.counter.restore_from("us", list)
    if operation != "open":
        assert await setup.ask("first") is True
    setup.store.bug_in = operation
    setup.counter.put("us", [entry("x", 900)])
    assert await setup.ask("second") is (True if operation == "put" else None)
    await asyncio.sleep(1)
    setup.store.bug_in = ""
    await asyncio.sleep(200)
    assert await setup.ask("third") is True
    setup.counter.put("us", [entry("x", 900)])
    await setup.counter.close()
    assert any(held.name == "x" for held in setup.store.entries("us"))


async def test_counts_are_clamped_to_what_a_store_can_hold(virtual_time: None) -> None:
    setup = Setup()
    assert await setup.ask("x") is True
    setup.counter.put("us", [entry("x", 10**30), entry("y", -(10**30))])
    await setup.counter.reserve("us", entry("z", 10**30), Limits(requests=100))
    await setup.counter.close()
    assert [abs(held.tokens) < 2**40 for held in setup.store.entries("us")] == [True] * 3


async def test_lateness_of_the_loop_is_not_blamed_on_the_store(virtual_time: None) -> None:
    """The loop is blocked for longer than the store's timeout, while the store answers at once."""
    setup = Setup()
    assert await setup.ask("first") is True
    setup.store.delay = 0.04
    loop = asyncio.get_running_loop()
    for number in range(5):
        asked = asyncio.create_task(setup.ask(f"x{number}"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        loop._virtual.now += 0.3  # type: ignore[attr-defined]  # as if something had computed for so long
        setup.store.delay = 0.02
        assert await asked is True
    assert setup.reports == []
    await setup.counter.close()
