"""What callers of the limiter see: permits, waits, and several processes with one store."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.rate_limit.limiter import Limiter, LimiterRegistry, Permit
from fim_lsp.rate_limit.local_counter import Wait
from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import Limits, UsageWindow
from fim_lsp.rate_limit.store import Store
from tests.rate_limit.fakes import MemoryStore, no_jitter
from tests.virtual import now

LIMITS = Limits(tokens=10_000, requests=100)


def limiter(store: Store | None = None, limits: Limits = LIMITS) -> Limiter:
    shared = None if store is None else SharedCounter(store, report=lambda _: None, clock=now)
    return Limiter(limits, identity="us", shared=shared, clock=now, jitter=no_jitter)


async def permit(limiter: Limiter, prompt: int = 1000, output: int = 50, *, explicit: bool = False) -> Permit:
    outcome = await limiter.reserve(prompt=prompt, output=output, explicit=explicit)
    assert isinstance(outcome, Permit)
    return outcome


async def seconds_to_wait(limiter: Limiter, prompt: int = 1000, *, explicit: bool = False) -> float:
    outcome = await limiter.reserve(prompt=prompt, output=50, explicit=explicit)
    assert isinstance(outcome, Wait)
    return outcome.seconds


ENDS = {
    "settled": (lambda permit: permit.settle(1111), 1111),
    "aborted": (lambda permit: permit.aborted(7), 1007),
    "rate limited": (lambda permit: permit.rate_limited(3.0), 0),
    "never sent": (lambda permit: permit.release(), 0),
}


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("case", ENDS)
async def test_a_call_is_charged_as_it_ended_and_only_once(case: str, shared: bool, virtual_time: None) -> None:
    end, cost = ENDS[case]
    store = MemoryStore()
    ours = limiter(store if shared else None)
    given = await permit(ours)
    assert ours.counter.window().tokens == 1250
    end(given)
    given.settle(9999)
    await asyncio.sleep(0)
    assert ours.counter.window().tokens == cost
    if shared:
        await asyncio.sleep(0.01)
        assert store.tokens("us") == cost


async def test_a_call_never_sent_is_no_request(virtual_time: None) -> None:
    ours = limiter()
    (await permit(ours)).release()
    assert ours.counter.window() == UsageWindow()


async def test_a_cancelled_reservation_is_released(virtual_time: None) -> None:
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
    assert ours.counter.window().tokens == 0
    assert store.tokens("us") == 0


async def test_explicit_requests_may_use_the_reserve(virtual_time: None) -> None:
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
    assert ours.counter.window().tokens <= 10_000


@pytest.mark.parametrize("shared", [False, True])
async def test_a_used_up_quota_names_the_same_end_at_each_key(shared: bool, virtual_time: None) -> None:
    ours = limiter(MemoryStore() if shared else None, Limits(tokens=None, requests=5))
    while isinstance(outcome := await ours.reserve(prompt=500, output=20), Permit):
        outcome.settle(520)
        await asyncio.sleep(0.5)
    ends = []
    for _ in range(20):
        ends.append(now() + await seconds_to_wait(ours))
        await asyncio.sleep(0.3)
    assert max(ends) - min(ends) < 1


async def test_two_processes_with_one_store_stay_within_the_limit_together(virtual_time: None) -> None:
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
    assert await seconds_to_wait(pair[1], explicit=True) > 0


async def test_a_pause_is_shared(virtual_time: None) -> None:
    store = MemoryStore()
    one, other = limiter(store), limiter(store)
    (await permit(one)).rate_limited(20.0)
    await asyncio.sleep(1)
    assert await seconds_to_wait(other, explicit=True) == pytest.approx(19)
    assert await seconds_to_wait(one, explicit=True) == pytest.approx(19)


@pytest.mark.parametrize("shared", [False, True])
async def test_in_a_long_pause_an_explicit_request_is_tried_and_its_answer_ends_the_pause(
    shared: bool, virtual_time: None
) -> None:
    ours = limiter(MemoryStore() if shared else None)
    (await permit(ours)).rate_limited(600.0)
    for _ in range(2):
        asked_at = now()
        while isinstance(outcome := await ours.reserve(prompt=1000, output=50, explicit=True), Wait):
            await asyncio.sleep(outcome.seconds)
            assert now() - asked_at < 600
        assert now() - asked_at >= 60
        assert await seconds_to_wait(ours) > 0
        outcome.rate_limited(600.0)
    await asyncio.sleep(80)
    (await permit(ours, explicit=True)).settle(1000)
    await asyncio.sleep(1)
    (await permit(ours)).settle(1000)


async def test_usage_that_the_server_attributes_to_others_is_shared(virtual_time: None) -> None:
    store = MemoryStore()
    one, other = limiter(store), limiter(store)
    given = await permit(one)
    one.observe(Quota(tokens_limit=10_000, tokens_left=2000))
    given.settle(1000)
    await asyncio.sleep(0.01)
    assert store.tokens("us") == 6750 + 1000
    (await permit(other, 10)).settle(10)
    assert await seconds_to_wait(other) > 0


async def test_another_process_with_the_same_store_is_not_counted_twice(virtual_time: None) -> None:
    store = MemoryStore()
    one, other = limiter(store), limiter(store)
    (await permit(one, 3000)).settle(3000)
    for used in (4000, 5000):
        given = await permit(other)
        other.observe(Quota(tokens_limit=10_000, tokens_left=10_000 - used))
        given.settle(1000)
        await asyncio.sleep(0.01)
        assert store.tokens("us") == used


async def test_the_own_count_applies_while_the_store_is_unavailable(virtual_time: None) -> None:
    store = MemoryStore()
    ours = limiter(store)
    (await permit(ours)).settle(1000)
    store.fail = True
    for _ in range(7):
        (await permit(ours, explicit=True)).settle(1000)
    assert ours.counter.window().tokens == 8000
    store.fail = False
    await asyncio.sleep(2)
    assert store.tokens("us") == 8000


async def test_without_limits_nothing_is_saved(virtual_time: None) -> None:
    ours = limiter(limits=Limits())
    for _ in range(500):
        (await permit(ours, 100_000)).settle(100_000)
    assert ours.choose_prompt_share(prompt=100_000, output=100) == 1
    assert ours.debounce_factor(prompt=100_000, output=100) == 1


async def test_the_registry_has_one_limiter_for_each_model_at_a_host(virtual_time: None) -> None:
    limiters = LimiterRegistry(MemoryStore(), report=lambda _: None, clock=now)
    ours = limiters.get("host", "model", LIMITS)
    assert limiters.get("host", "model", Limits(tokens=5)) is ours
    assert ours.counter.limits == Limits(tokens=5)
    assert limiters.get("host", "another", LIMITS) is not ours
    await limiters.close()


async def test_nothing_is_shared_where_nothing_is_limited(virtual_time: None) -> None:
    store = MemoryStore()
    ours = limiter(store, Limits())
    for _ in range(3):
        (await permit(ours)).settle(100)
    ours.observe(Quota(retry_after=3))
    await asyncio.sleep(1)
    assert store.opened == 0
    ours.observe(Quota(requests_limit=100, requests_left=90))  # the server has a limit: now there is something to share
    (await permit(ours)).settle(100)
    await asyncio.sleep(1)
    assert store.opened == 1
    assert store.tokens("us") > 0


async def test_a_429_starts_sharing(virtual_time: None) -> None:
    store = MemoryStore()
    ours = limiter(store, Limits())
    (await permit(ours)).rate_limited(0.5)
    await asyncio.sleep(1)
    (await permit(ours)).settle(100)
    assert store.opened == 1
