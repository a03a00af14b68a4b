"""What the scheduler sees: permits, refusals, room, and several processes on one ledger."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.rate_limit.degradation import Degradation
from fim_lsp.rate_limit.limiter import Limiter, Permit
from fim_lsp.rate_limit.limiters import LimiterRegistry
from fim_lsp.rate_limit.local_counter import Refusal
from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.rate_limit.store import Store
from tests.rate_limit.clock import never_by_chance
from tests.rate_limit.fakes import MemoryStore
from tests.virtual import now, run

LIMITS = Limits(tokens=10_000, requests=100)


def limiter(store: Store | None = None, limits: Limits = LIMITS) -> Limiter:
    ledger = None if store is None else SharedCounter(store, say=lambda _: None, clock=now)
    return Limiter(limits, identity="us", ledger=ledger, clock=now, jitter=never_by_chance)


async def permit(limiter: Limiter, prompt: int = 1000, output: int = 50, *, explicit: bool = False) -> Permit:
    outcome = await limiter.reserve(prompt=prompt, output=output, explicit=explicit)
    assert isinstance(outcome, Permit)
    return outcome


async def refusal(limiter: Limiter, prompt: int = 1000, *, explicit: bool = False) -> float:
    outcome = await limiter.reserve(prompt=prompt, output=50, explicit=explicit)
    assert isinstance(outcome, Refusal)
    return outcome.seconds


ENDS = {
    "settled": (lambda permit: permit.settle(1111), 1111),
    "hung up": (lambda permit: permit.hung_up(7), 1007),
    "refused": (lambda permit: permit.refused(3.0), 0),
    "never sent": (lambda permit: permit.release(), 0),
    "left": (lambda permit: permit.__exit__(None, None, None), 1000),
}


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("case", ENDS)
def test_a_call_is_charged_as_it_ended_and_only_once(case: str, shared: bool) -> None:
    end, cost = ENDS[case]

    async def main() -> None:
        store = MemoryStore()
        ours = limiter(store if shared else None)
        given = await permit(ours)
        assert ours.budget.standing().tokens == 1250
        end(given)
        given.settle(9999)
        await asyncio.sleep(0)
        assert ours.budget.standing().tokens == cost
        if shared:
            await asyncio.sleep(0.01)
            assert store.tokens("us") == cost

    run(main())


def test_a_call_never_sent_is_no_request() -> None:
    async def main() -> None:
        ours = limiter()
        (await permit(ours)).release()
        assert ours.budget.standing().requests == 0
        assert ours.room == 1

    run(main())


def test_a_reservation_that_is_cancelled_leaves_nothing_behind() -> None:
    async def main() -> None:
        store = MemoryStore()
        ours = limiter(store)
        (await permit(ours)).release()
        store.delay = 0.04
        task = asyncio.ensure_future(ours.reserve(prompt=1000, output=50))
        await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.sleep(1)
        assert ours.budget.standing().tokens == 0
        assert store.tokens("us") == 0

    run(main())


def test_who_asks_by_key_may_use_what_is_kept() -> None:
    async def main() -> None:
        ours = limiter()
        taken = 0
        while isinstance(outcome := await ours.reserve(prompt=500, output=20), Permit):
            outcome.settle(520)
            taken += 520
            await asyncio.sleep(0.1)
        assert taken < 8800
        (await permit(ours, 500, explicit=True)).settle(550)
        while isinstance(outcome := await ours.reserve(prompt=500, output=20, explicit=True), Permit):
            outcome.settle(520)
        assert ours.budget.standing().tokens <= 10_000
        assert ours.room == 0

    run(main())


def test_two_processes_on_one_ledger_stay_within_the_limit_together() -> None:
    async def main() -> None:
        store = MemoryStore()
        pair = limiter(store), limiter(store)
        taken = 0
        for number in range(100):
            outcome = await pair[number % 2].reserve(prompt=500, output=20, explicit=True)
            if isinstance(outcome, Permit):
                outcome.settle(600)
                taken += 600
            await asyncio.sleep(0.1)
        assert 9000 <= taken <= 10_000
        assert await refusal(pair[1], explicit=True) > 0

    run(main())


def test_a_pause_is_shared() -> None:
    async def main() -> None:
        store = MemoryStore()
        one, other = limiter(store), limiter(store)
        (await permit(one)).refused(20.0)
        await asyncio.sleep(1)
        assert await refusal(other, explicit=True) == pytest.approx(19)
        assert one.room == other.room == 0

    run(main())


def test_what_the_server_says_of_others_is_shared() -> None:
    async def main() -> None:
        store = MemoryStore()
        one, other = limiter(store), limiter(store)
        given = await permit(one)
        one.observe(Quota(tokens_limit=10_000, tokens_left=2000))
        given.settle(1000)
        await asyncio.sleep(0.01)
        assert store.tokens("us") == 6750 + 1000
        (await permit(other, 10)).settle(10)
        assert other.room < 0.2

    run(main())


def test_the_other_process_on_the_ledger_is_not_counted_twice() -> None:
    async def main() -> None:
        store = MemoryStore()
        one, other = limiter(store), limiter(store)
        (await permit(one, 3000)).settle(3000)
        for used in (4000, 5000):
            given = await permit(other)
            other.observe(Quota(tokens_limit=10_000, tokens_left=10_000 - used))
            given.settle(1000)
            await asyncio.sleep(0.01)
            assert store.tokens("us") == used

    run(main())


def test_without_the_store_the_own_count_stands() -> None:
    async def main() -> None:
        store = MemoryStore()
        ours = limiter(store)
        (await permit(ours)).settle(1000)
        store.fail = True
        for _ in range(7):
            (await permit(ours, explicit=True)).settle(1000)
        assert ours.budget.standing().tokens == 8000
        store.fail = False
        await asyncio.sleep(2)
        assert store.tokens("us") == 8000

    run(main())


def test_no_limits_save_nothing() -> None:
    async def main() -> None:
        ours = limiter(limits=Limits())
        for _ in range(500):
            (await permit(ours, 100_000)).settle(100_000)
        assert ours.room == 1
        assert ours.thrift(prompt=100_000, output=100) == Degradation()

    run(main())


def test_a_process_has_one_limiter_for_a_model_at_a_host() -> None:
    async def main() -> None:
        limiters = LimiterRegistry(MemoryStore(), say=lambda _: None, clock=now)
        ours = limiters.of("host", "model", LIMITS)
        assert limiters.of("host", "model", Limits(tokens=5)) is ours
        assert ours.budget.limits == Limits(tokens=5)
        assert limiters.of("host", "another", LIMITS) is not ours
        await limiters.close()

    run(main())


def test_nothing_is_shared_where_nothing_is_limited() -> None:
    async def main() -> None:
        store = MemoryStore()
        ours = limiter(store, Limits())
        for _ in range(3):
            (await permit(ours)).settle(100)
        ours.observe(Quota(retry_after=3))
        await asyncio.sleep(1)
        assert store.opened == 0
        ours.observe(
            Quota(requests_limit=100, requests_left=90)
        )  # the server has a limit: now there is something to share
        (await permit(ours)).settle(100)
        await asyncio.sleep(1)
        assert store.opened == 1
        assert store.tokens("us") > 0

    run(main())


def test_a_429_is_reason_enough_to_share() -> None:
    async def main() -> None:
        store = MemoryStore()
        ours = limiter(store, Limits())
        (await permit(ours)).refused(0.5)
        await asyncio.sleep(1)
        (await permit(ours)).settle(100)
        assert store.opened == 1

    run(main())
