"""One process's count: never more than the limits in any sixty seconds, and what a server says counts."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.rate_limit.local_counter import LocalCounter, Refusal, Reservation
from fim_lsp.rate_limit.sliding_window import LONGEST, Limits
from tests.rate_limit.clock import Clock, never_by_chance


def budget(clock: Clock, **limits: int) -> LocalCounter:
    return LocalCounter(Limits(**limits), clock, never_by_chance)


def granted(outcome: Reservation | Refusal) -> Reservation:
    assert isinstance(outcome, Reservation)
    return outcome


def refused(outcome: Reservation | Refusal) -> float:
    assert isinstance(outcome, Refusal)
    return outcome.seconds


@dataclass(frozen=True, slots=True)
class Step:
    what: str
    value: float = 0
    share: float = 0


STEPS = st.lists(
    st.one_of(
        st.builds(Step, st.just("wait"), st.floats(0.01, 20)),
        st.builds(Step, st.sampled_from(["ask", "ask", "ask", "by key"]), st.integers(1, 400)),
        st.builds(Step, st.sampled_from(["settle", "release", "hang up"]), st.floats(0, 1), st.floats(0, 1)),
    ),
    max_size=120,
)


@settings(max_examples=400, deadline=None)
@given(STEPS, st.integers(400, 1500), st.integers(1, 12), st.sampled_from(["at once", "at the end"]))
def test_no_sixty_seconds_hold_more_than_the_limits(steps: list[Step], tokens: int, requests: int, debit: str) -> None:
    """``debit``: when the server counts a call's tokens. A call takes up to 15 s and costs at most what was reserved."""
    clock = Clock()
    ours = budget(clock, tokens=tokens, requests=requests)
    under_way: list[Reservation] = []
    debits: list[tuple[float, int, int]] = []

    def end(call: Reservation, share: float) -> None:
        cost = round(call.tokens * share)
        debits.append((call.at if debit == "at once" else clock.now, cost, 0))
        debits.append((call.at, 0, 1))
        ours.settle(call, cost)

    for step in steps:
        match step.what:
            case "wait":
                for call in [call for call in under_way if call.at + LONGEST < clock.now + step.value]:
                    under_way.remove(call)
                    end(call, 1)
                clock.now += step.value
            case "ask" | "by key":
                outcome = ours.reserve(int(step.value), explicit=step.what == "by key")
                if isinstance(outcome, Reservation):
                    under_way.append(outcome)
            case _ if under_way:
                call = under_way.pop(int(step.value * (len(under_way) - 1)))
                if step.what == "release":
                    ours.release(call)
                else:
                    end(call, step.share)
    for call in under_way:
        end(call, 1)
    for at, *_ in debits:
        window = [debit for debit in debits if at - 60 < debit[0] <= at]
        assert sum(debit[1] for debit in window) <= tokens
        assert sum(debit[2] for debit in window) <= requests


def test_a_part_is_kept_for_who_asks_by_key() -> None:
    clock = Clock()
    ours = budget(clock, tokens=1000)
    granted(ours.reserve(880))
    assert refused(ours.reserve(100)) > 0
    granted(ours.reserve(120, explicit=True))
    assert refused(ours.reserve(1, explicit=True)) > 0


def test_it_tells_when_there_is_room() -> None:
    clock = Clock()
    ours = budget(clock, tokens=1000)
    ours.settle(granted(ours.reserve(800)), 800)
    clock.now += 20
    assert refused(ours.reserve(200)) == 40
    clock.now += 40
    granted(ours.reserve(200))


def test_a_call_that_nobody_settles_is_forgotten() -> None:
    clock = Clock()
    ours = budget(clock, requests=1)
    granted(ours.reserve(1))
    assert refused(ours.reserve(1)) == 75
    clock.now += 75
    granted(ours.reserve(1))


def test_the_servers_lower_limit_counts_and_a_higher_one_does_not() -> None:
    ours = budget(Clock(), tokens=1000)
    ours.observe(Quota(tokens_limit=500, requests_limit=9))
    assert ours.ceiling(explicit=True) == Limits(tokens=500, requests=9)
    ours.observe(Quota(tokens_limit=100_000))
    assert ours.ceiling(explicit=True) == Limits(tokens=1000, requests=9)


def test_what_others_used_counts_and_leaves_in_a_minute() -> None:
    clock = Clock()
    ours = budget(clock, tokens=60_000)
    ours.settle(granted(ours.reserve(2000)), 1000)
    ours.observe(Quota(tokens_limit=60_000, tokens_left=29_000))
    assert ours.standing().tokens == 31_000
    clock.now += 30.1
    assert ours.standing().tokens == 16_000
    ours.observe(Quota(tokens_limit=60_000, tokens_left=59_500))
    assert ours.standing().tokens == 1000


NOTHING = {
    "only a limit": Quota(tokens_limit=60_000),
    "only what is left, of what nobody knows": Quota(requests_left=3),
    "more left than we thought": Quota(tokens_limit=60_000, tokens_left=60_000),
    "never allowed": Quota(tokens_limit=0, requests_limit=0),
    "nothing": Quota(),
}


@pytest.mark.parametrize("case", NOTHING)
def test_headers_that_say_nothing_of_others(case: str) -> None:
    ours = budget(Clock(), tokens=60_000)
    ours.settle(granted(ours.reserve(1000)), 1000)
    ours.observe(NOTHING[case])
    assert ours.standing().tokens == 1000


def test_after_a_429_nobody_calls_then_one_tries() -> None:
    clock = Clock()
    ours = budget(clock, tokens=60_000)
    ours.refused(granted(ours.reserve(1000)), 7.0)
    assert refused(ours.reserve(1000, explicit=True)) == 7
    clock.now += 7
    probe = granted(ours.reserve(1000))
    assert refused(ours.reserve(1000)) == 1
    ours.settle(probe, 1000)
    granted(ours.reserve(1000))


def test_without_a_wish_the_pause_grows_to_a_minute() -> None:
    clock = Clock()
    ours = budget(clock)
    pauses = []
    for _ in range(7):
        ours.refused(granted(ours.reserve(1000)), None)
        pauses.append(refused(ours.reserve(1)))
        clock.now += pauses[-1]
    assert pauses == [2, 4, 8, 16, 32, 60, 60]


def test_calls_under_way_together_are_one_refusal() -> None:
    clock = Clock()
    ours = budget(clock)
    calls = [granted(ours.reserve(1)) for _ in range(5)]
    clock.now += 0.5
    for call in calls:
        ours.refused(call, None)
    assert refused(ours.reserve(1)) == 2


def test_a_probe_that_is_lost_does_not_stop_everything() -> None:
    clock = Clock()
    ours = budget(clock)
    ours.refused(granted(ours.reserve(1)), 1)
    clock.now += 1
    granted(ours.reserve(1))
    clock.now += LONGEST
    granted(ours.reserve(1))


def test_a_429_out_of_the_blue_halves_what_is_believed_for_a_while() -> None:
    clock = Clock()
    ours = budget(clock, tokens=60_000)
    ours.refused(granted(ours.reserve(1000)), 1)
    assert ours.ceiling(explicit=True).tokens == 30_000
    clock.now += 300
    assert ours.ceiling(explicit=True).tokens == pytest.approx(45_000, abs=1)
    clock.now += 3000
    assert ours.ceiling(explicit=True).tokens == 60_000


def test_a_429_where_headers_tell_what_is_left_does_not() -> None:
    ours = budget(Clock(), tokens=60_000)
    ours.observe(Quota(tokens_limit=60_000, tokens_left=50_000))
    ours.refused(granted(ours.reserve(1000)), 1)
    assert ours.ceiling(explicit=True).tokens == 60_000
