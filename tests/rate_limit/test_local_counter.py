"""One process's count: never more than the limits in any sixty seconds, whatever the server reports."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.rate_limit.local_counter import LocalCounter, Reservation, Wait
from fim_lsp.rate_limit.sliding_window import MAX_CALL_SECONDS, Limits
from tests.rate_limit.fakes import Clock, no_jitter


def counter(clock: Clock, **limits: int) -> LocalCounter:
    return LocalCounter(Limits(**limits), clock, no_jitter)


def reserved(outcome: Reservation | Wait) -> Reservation:
    assert isinstance(outcome, Reservation)
    return outcome


def seconds_to_wait(outcome: Reservation | Wait) -> float:
    assert isinstance(outcome, Wait)
    return outcome.seconds


@dataclass(frozen=True, slots=True)
class Step:
    what: str
    value: float = 0
    share: float = 0


STEPS = st.lists(
    st.one_of(
        st.builds(Step, st.just("wait"), st.floats(0.01, 20)),
        st.builds(Step, st.sampled_from(["ask", "ask", "ask", "explicitly"]), st.integers(1, 400)),
        st.builds(Step, st.sampled_from(["settle", "release", "abort"]), st.floats(0, 1), st.floats(0, 1)),
    ),
    max_size=120,
)


@settings(max_examples=400, deadline=None)
@given(STEPS, st.integers(400, 1500), st.integers(1, 12), st.sampled_from(["at once", "at the end"]))
def test_no_sixty_seconds_hold_more_than_the_limits(steps: list[Step], tokens: int, requests: int, debit: str) -> None:
    """``debit``: when the server counts a call's tokens. A call takes up to 15 s and costs at most what was reserved."""
    clock = Clock()
    ours = counter(clock, tokens=tokens, requests=requests)
    in_flight: list[Reservation] = []
    debits: list[tuple[float, int, int]] = []

    def end(call: Reservation, share: float) -> None:
        cost = round(call.tokens * share)
        debits.append((call.at if debit == "at once" else clock.now, cost, 0))
        debits.append((call.at, 0, 1))
        ours.settle(call, cost)

    for step in steps:
        match step.what:
            case "wait":
                for call in [call for call in in_flight if call.at + MAX_CALL_SECONDS < clock.now + step.value]:
                    in_flight.remove(call)
                    end(call, 1)
                clock.now += step.value
            case "ask" | "explicitly":
                outcome = ours.reserve(int(step.value), explicit=step.what == "explicitly")
                if isinstance(outcome, Reservation):
                    in_flight.append(outcome)
            case _ if in_flight:
                call = in_flight.pop(int(step.value * (len(in_flight) - 1)))
                if step.what == "release":
                    ours.release(call)
                else:
                    end(call, step.share)
    for call in in_flight:
        end(call, 1)
    for at, *_ in debits:
        window = [debit for debit in debits if at - 60 < debit[0] <= at]
        assert sum(debit[1] for debit in window) <= tokens
        assert sum(debit[2] for debit in window) <= requests


def test_a_reserve_is_kept_for_explicit_requests() -> None:
    clock = Clock()
    ours = counter(clock, tokens=1000)
    reserved(ours.reserve(880))
    assert seconds_to_wait(ours.reserve(100)) > 0
    reserved(ours.reserve(120, explicit=True))
    assert seconds_to_wait(ours.reserve(1, explicit=True)) > 0


def test_a_wait_ends_when_a_call_fits() -> None:
    clock = Clock()
    ours = counter(clock, tokens=1000)
    ours.settle(reserved(ours.reserve(800)), 800)
    clock.now += 20
    assert seconds_to_wait(ours.reserve(200)) == 40
    clock.now += 40
    reserved(ours.reserve(200))


def test_a_call_that_is_never_settled_expires() -> None:
    clock = Clock()
    ours = counter(clock, requests=1)
    reserved(ours.reserve(1))
    assert seconds_to_wait(ours.reserve(1)) == 75
    clock.now += 75
    reserved(ours.reserve(1))


def test_the_servers_limit_applies_only_if_it_is_lower() -> None:
    ours = counter(Clock(), tokens=1000)
    ours.observe(Quota(tokens_limit=500, requests_limit=9))
    assert ours.ceiling(explicit=True) == Limits(tokens=500, requests=9)
    ours.observe(Quota(tokens_limit=100_000))
    assert ours.ceiling(explicit=True) == Limits(tokens=1000, requests=9)


def test_usage_by_others_counts_and_expires_within_a_minute() -> None:
    clock = Clock()
    ours = counter(clock, tokens=60_000)
    ours.settle(reserved(ours.reserve(2000)), 1000)
    ours.observe(Quota(tokens_limit=60_000, tokens_left=29_000))
    assert ours.window().tokens == 31_000
    clock.now += 30.1
    assert ours.window().tokens == 16_000
    ours.observe(Quota(tokens_limit=60_000, tokens_left=59_500))
    assert ours.window().tokens == 1000


NOTHING = {
    "only a limit": Quota(tokens_limit=60_000),
    "only what is left, of what nobody knows": Quota(requests_left=3),
    "more left than we thought": Quota(tokens_limit=60_000, tokens_left=60_000),
    "never allowed": Quota(tokens_limit=0, requests_limit=0),
    "nothing": Quota(),
}


@pytest.mark.parametrize("case", NOTHING)
def test_headers_that_report_nothing_about_others(case: str) -> None:
    ours = counter(Clock(), tokens=60_000)
    ours.settle(reserved(ours.reserve(1000)), 1000)
    ours.observe(NOTHING[case])
    assert ours.window().tokens == 1000


def test_after_a_429_calls_pause_and_then_one_probes() -> None:
    clock = Clock()
    ours = counter(clock, tokens=60_000)
    ours.rate_limited(reserved(ours.reserve(1000)), 7.0)
    assert seconds_to_wait(ours.reserve(1000, explicit=True)) == 7
    clock.now += 7
    probe = reserved(ours.reserve(1000))
    assert seconds_to_wait(ours.reserve(1000)) == 1
    ours.settle(probe, 1000)
    reserved(ours.reserve(1000))


def test_without_retry_after_the_pause_grows_to_a_minute() -> None:
    clock = Clock()
    ours = counter(clock)
    pauses = []
    for _ in range(7):
        ours.rate_limited(reserved(ours.reserve(1000)), None)
        pauses.append(seconds_to_wait(ours.reserve(1)))
        clock.now += pauses[-1]
    assert pauses == [2, 4, 8, 16, 32, 60, 60]


def test_429s_of_concurrent_calls_count_once() -> None:
    clock = Clock()
    ours = counter(clock)
    calls = [reserved(ours.reserve(1)) for _ in range(5)]
    clock.now += 0.5
    for call in calls:
        ours.rate_limited(call, None)
    assert seconds_to_wait(ours.reserve(1)) == 2


def test_a_probe_that_never_ends_does_not_block_other_calls() -> None:
    clock = Clock()
    ours = counter(clock)
    ours.rate_limited(reserved(ours.reserve(1)), 1)
    clock.now += 1
    reserved(ours.reserve(1))
    clock.now += MAX_CALL_SECONDS
    reserved(ours.reserve(1))


def test_an_unexpected_429_halves_the_limits_for_a_while() -> None:
    clock = Clock()
    ours = counter(clock, tokens=60_000)
    ours.rate_limited(reserved(ours.reserve(1000)), 1)
    assert ours.ceiling(explicit=True).tokens == 30_000
    clock.now += 300
    assert ours.ceiling(explicit=True).tokens == pytest.approx(45_000, abs=1)
    clock.now += 3000
    assert ours.ceiling(explicit=True).tokens == 60_000


def test_a_429_does_not_if_headers_report_what_is_left() -> None:
    ours = counter(Clock(), tokens=60_000)
    ours.observe(Quota(tokens_limit=60_000, tokens_left=50_000))
    ours.rate_limited(reserved(ours.reserve(1000)), 1)
    assert ours.ceiling(explicit=True).tokens == 60_000


def test_asking_changes_nothing() -> None:
    clock = Clock()
    ours = counter(clock, tokens=1000)
    ours.settle(reserved(ours.reserve(800)), 800)
    first = ours.window(), ours.ceiling(), ours.entries(), ours.own_requests
    clock.now += 100
    assert (ours.window().tokens, ours.own_requests, ours.entries()) == (0, 0, ())
    clock.now -= 100
    assert (ours.window(), ours.ceiling(), ours.entries(), ours.own_requests) == first
