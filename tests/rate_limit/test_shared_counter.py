"""A ledger in trouble never holds up a completion, says so once, and comes back."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import Entry, Limits
from tests.rate_limit.fakes import MemoryStore
from tests.virtual import now, run


def entry(name: str, tokens: int = 1) -> Entry:
    return Entry(name=name, tokens=tokens, requests=1, lasts=60)


class Bench:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.said: list[str] = []
        self.ledger = SharedCounter(self.store, say=self.said.append, clock=now)

    async def ask(self, name: str = "x") -> bool | None:
        verdict = await self.ledger.reserve("us", entry(name), Limits(requests=100))
        return None if verdict is None else verdict.granted


def test_the_first_call_waits_for_the_store_to_open() -> None:
    async def main() -> None:
        bench = Bench()
        bench.store.delay = 0.02
        assert await bench.ask() is True
        await bench.ledger.close()
        assert bench.store.closed

    run(main())


@pytest.mark.parametrize("trouble", ["fails", "hangs"])
def test_trouble_is_told_once_and_waited_for_once(trouble: str) -> None:
    async def main() -> None:
        bench = Bench()
        assert await bench.ask() is True
        bench.store.fail, bench.store.delay = trouble == "fails", 0 if trouble == "fails" else 1000
        began = now()
        assert [await bench.ask() for _ in range(100)] == [None] * 100
        assert now() - began <= 0.051
        await asyncio.sleep(600)
        assert len(bench.said) == 1
        assert "the shared count in memory" in bench.said[0]
        bench.store.fail, bench.store.delay = False, 0
        await asyncio.sleep(61)
        assert await bench.ask() is True
        await bench.ledger.close()

    run(main())


def test_a_hiccup_is_not_told() -> None:
    async def main() -> None:
        bench = Bench()
        assert await bench.ask() is True
        bench.store.fail = True
        assert await bench.ask() is None
        bench.store.fail = False
        await asyncio.sleep(1)
        assert await bench.ask() is True
        assert bench.said == []
        await bench.ledger.close()

    run(main())


def test_a_store_that_opens_and_is_always_too_slow_is_told_and_asked_less_and_less() -> None:
    async def main() -> None:
        bench = Bench()
        bench.store.delay = 0.08
        waited = 0.0
        for _ in range(600):
            began = now()
            assert await bench.ask() is None
            waited += now() - began
            await asyncio.sleep(1)
        assert len(bench.said) == 1
        assert waited < 1
        await bench.ledger.close()

    run(main())


def test_what_can_never_work_is_tried_once() -> None:
    async def main() -> None:
        bench = Bench()
        bench.store.fail = bench.store.for_good = True
        for _ in range(10):
            assert await bench.ask() is None
            await asyncio.sleep(100)
        assert bench.store.opened == 1
        assert len(bench.said) == 1
        await bench.ledger.close()

    run(main())


def test_another_episode_is_news() -> None:
    async def main() -> None:
        bench = Bench()
        for episode in range(3):
            bench.store.fail = True
            await bench.ask()
            await asyncio.sleep(30)
            assert len(bench.said) == episode + 1
            bench.store.fail = False
            await asyncio.sleep(200)
            assert await bench.ask() is True
        await bench.ledger.close()

    run(main())


def test_what_happened_meanwhile_is_laid_into_the_store_when_it_is_back() -> None:
    async def main() -> None:
        bench = Bench()
        bench.ledger.watch("us", lambda: [entry("x", 5), entry("meanwhile", 7)])
        assert await bench.ask("x") is True
        bench.store.fail = True
        assert await bench.ask("meanwhile") is None
        bench.store.fail = False
        bench.store.held.clear()
        await asyncio.sleep(2)
        assert bench.store.tokens("us") == 12
        await bench.ledger.close()

    run(main())


def test_closing_writes_what_waits() -> None:
    async def main() -> None:
        bench = Bench()
        assert await bench.ask("x") is True
        bench.ledger.put("us", [entry("x", 900)])
        await bench.ledger.close()
        assert bench.store.tokens("us") == 900
        assert await bench.ask("y") is None

    run(main())


@pytest.mark.parametrize("operation", ["open", "reserve", "put"])
def test_a_fault_in_the_store_is_trouble_like_any_other(operation: str) -> None:
    async def main() -> None:
        bench = Bench()
        bench.ledger.watch("us", list)
        if operation != "open":
            assert await bench.ask("first") is True
        bench.store.fault = operation
        bench.ledger.put("us", [entry("x", 900)])
        assert await bench.ask("second") is (True if operation == "put" else None)
        await asyncio.sleep(1)
        bench.store.fault = ""
        await asyncio.sleep(200)
        assert await bench.ask("third") is True
        bench.ledger.put("us", [entry("x", 900)])
        await bench.ledger.close()
        assert any(held.name == "x" for held in bench.store.entries("us"))

    run(main())


def test_no_count_is_too_large_for_a_store() -> None:
    async def main() -> None:
        bench = Bench()
        assert await bench.ask("x") is True
        bench.ledger.put("us", [entry("x", 10**30), entry("y", -(10**30))])
        await bench.ledger.reserve("us", entry("z", 10**30), Limits(requests=100))
        await bench.ledger.close()
        assert [abs(held.tokens) < 2**40 for held in bench.store.entries("us")] == [True] * 3

    run(main())


def test_lateness_of_our_own_loop_is_not_the_stores() -> None:
    """A loop that is held for longer than the store's patience, while the store answers at once."""

    async def main() -> None:
        bench = Bench()
        assert await bench.ask("first") is True
        bench.store.delay = 0.04
        loop = asyncio.get_running_loop()
        for number in range(5):
            asked = asyncio.create_task(bench.ask(f"x{number}"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            loop._virtual.now += 0.3  # type: ignore[attr-defined]  # as if something had computed for so long
            bench.store.delay = 0.02
            assert await asked is True
        assert bench.said == []
        await bench.ledger.close()

    run(main())
