"""What is reported of requests that wait: nothing for quick answers and for typing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fim_lsp.session.activity import CALLING_AFTER, LINGER, WAITING_AFTER, Activity, ActivityTracker
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")

IDLE, WAITING, CALLING = Activity


class Seen(list[tuple[float, Activity]]):
    """The changes, each with its time."""

    def tracker(self) -> ActivityTracker:
        tracker = ActivityTracker(lambda: self.append((round(now(), 3), tracker.activity)))
        return tracker


@pytest.fixture
def seen() -> Seen:
    return Seen()


async def at(*steps: tuple[float, Callable[[], None]]) -> None:
    """Take each step at its time, and then wait until everything is over."""
    for time, step in steps:
        await asyncio.sleep(time - now())
        step()
    await asyncio.sleep(10)


async def test_a_quick_answer_is_not_reported(seen: Seen) -> None:
    tracker = seen.tracker()
    await at(
        (0, lambda: tracker.request_started(1)),
        (0.3, lambda: tracker.call_started(1)),
        (0.7, lambda: tracker.request_answered(1, superseded=False)),
        (0.8, lambda: tracker.call_ended(1)),
    )
    assert seen == []


async def test_an_answer_that_takes_over_half_a_second_is_reported_until_it_is_there(seen: Seen) -> None:
    tracker = seen.tracker()
    await at(
        (0, lambda: tracker.request_started(1)),
        (0.3, lambda: tracker.call_started(1)),
        (2.0, lambda: tracker.request_answered(1, superseded=False)),
        (2.0, lambda: tracker.call_ended(1)),
    )
    assert seen == [(0.3 + CALLING_AFTER, CALLING), (2.0, IDLE)]


async def test_a_request_that_waits_for_over_a_second_is_reported_and_then_its_call_at_once(seen: Seen) -> None:
    tracker = seen.tracker()
    await at(
        (0, lambda: tracker.request_started(1)),
        (3.0, lambda: tracker.call_started(1)),
        (3.1, lambda: tracker.request_answered(1, superseded=False)),
    )
    assert seen == [(WAITING_AFTER, WAITING), (3.0, CALLING), (3.1, IDLE)]


async def test_typing_is_not_reported(seen: Seen) -> None:
    tracker = seen.tracker()
    steps: list[tuple[float, Callable[[], None]]] = []
    for key in range(1, 101):  # each key starts its request before the older one is answered, as the session does
        steps.append((key * 0.4, lambda key=key: tracker.request_started(key)))  # type: ignore[misc]
        steps.append((key * 0.4, lambda key=key: tracker.request_answered(key - 1, superseded=True)))  # type: ignore[misc]
    steps.append((40.5, lambda: tracker.request_answered(100, superseded=False)))
    await at(*steps)
    assert seen == []


async def test_slow_typing_at_a_slow_back_end_does_not_flicker(seen: Seen) -> None:
    tracker = seen.tracker()
    steps: list[tuple[float, Callable[[], None]]] = []
    for key in range(1, 11):
        steps += [
            (key * 1.5, lambda key=key: tracker.request_started(key)),  # type: ignore[misc]
            (key * 1.5 + 0.2, lambda: tracker.call_started(1)),
            (key * 1.5 + 1.4, lambda key=key: tracker.request_answered(key, superseded=True)),  # type: ignore[misc]
            (key * 1.5 + 1.4, lambda: tracker.call_ended(1)),
        ]
    await at(*steps)
    assert seen == [(1.5 + 0.2 + CALLING_AFTER, CALLING), (16.4 + LINGER, IDLE)]


async def test_nothing_is_reported_after_the_end(seen: Seen) -> None:
    tracker = seen.tracker()
    await at((0, lambda: tracker.request_started(1)), (0.5, tracker.close))
    assert seen == []
