"""The status: what it is, and that it is reported only when it changes for a person."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest

from fim_lsp.errors import (
    BackendError,
    BadReply,
    Intercepted,
    Overloaded,
    Paused,
    RateLimited,
    Rejected,
    Unauthorized,
    UnknownModel,
    Unreachable,
)
from fim_lsp.schedule.events import (
    BackendEvent,
    CallPurpose,
    CallStarted,
    EventKind,
    Place,
    RequestAnswered,
    RequestStarted,
    SwitchesChanged,
)
from fim_lsp.schedule.request import Outcome
from fim_lsp.schedule.switches import Switches
from fim_lsp.session.event_ring import EventRing
from fim_lsp.session.status_tracker import Status, StatusTracker
from tests.fakes.backend import BackendDefaults
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")

NOON = time.mktime((2026, 11, 26, 12, 0, 0, 0, 0, -1))
PLACE = Place(path="a.py", language="python", line=0, column=0)
INSTEAD = "; meanwhile suggestions come from your own files (ngram)"


@dataclass
class Named(BackendDefaults):
    name: str
    host: str = ""
    model: str = ""


FIRST, FALLBACK = Named("codestral", "fim.example", "codestral-latest"), Named("ngram")


class Desk:
    """A tracker and what it has reported. The time of day is noon plus the loop's time."""

    def __init__(self) -> None:
        self.ring = EventRing()
        self.seen: list[Status] = []
        self.tracker = StatusTracker(self.ring, self.seen.append, clock=lambda: NOON + now())
        self.tracker.set_backends((FIRST, FALLBACK))
        self.seen.clear()

    def event(self, kind: EventKind, error: BackendError | None = None, backend: Named = FIRST) -> None:
        self.ring.publish(BackendEvent(backend=backend, kind=kind, error=error))

    def answer(self, request: int, outcome: Outcome) -> None:
        self.ring.publish(RequestAnswered(request=request, at=0, place=PLACE, explicit=False, outcome=outcome))

    @property
    def state(self) -> str:
        return str(self.tracker.status.state)

    @property
    def states(self) -> list[str]:
        return [str(status.state) for status in self.seen]


async def test_without_back_ends_nothing_can_be_suggested() -> None:
    desk = Desk()
    desk.tracker.set_backends(())
    assert (desk.state, desk.tracker.status.reason) == ("disabled", "no back end can be used")


async def test_a_status_in_words_has_the_state_its_reason_and_the_back_end() -> None:
    desk = Desk()
    assert str(desk.tracker.status) == "idle (codestral · codestral-latest · fim.example)"
    desk.event(EventKind.FAILED, RateLimited("fim.example allows no more requests for now (429)", retry_after=90))
    assert str(desk.tracker.status) == (
        "limited (codestral · codestral-latest · fim.example), "
        f"fim.example allows no more requests for now (429), until 12:02{INSTEAD}"
    )


@pytest.mark.parametrize(
    ("kind", "error", "state"),
    [
        (EventKind.FAILED, Unreachable("it is not there"), "offline"),
        (EventKind.FAILED, Intercepted("a sign-in page"), "offline"),
        (EventKind.FAILED, RateLimited("too many"), "limited"),
        (EventKind.PAUSED, Paused("the quota is used up", retry_after=60), "limited"),
        (EventKind.FAILED, Unauthorized("the key is refused"), "failing"),
        (EventKind.FAILED, UnknownModel("no such model"), "failing"),
        (EventKind.FAILED, BadReply("not a completion"), "failing"),
        (EventKind.FAILED, Overloaded("503"), "failing"),
        (EventKind.FAILED, Rejected("422"), "failing"),
    ],
)
async def test_a_failure_lasts_until_the_next_answer(kind: EventKind, error: BackendError, state: str) -> None:
    desk = Desk()
    for _ in range(3):
        desk.event(kind, error)
    assert desk.state == state
    assert desk.tracker.status.reason.startswith(str(error))
    assert desk.tracker.status.reason.endswith(INSTEAD)
    desk.event(EventKind.ANSWERED)
    assert desk.states == [state, "idle"]
    assert desk.tracker.status.reason == ""


async def test_a_pause_ends_by_the_clock_even_if_nobody_types() -> None:
    desk = Desk()
    desk.event(EventKind.PAUSED, Paused("the quota is used up", retry_after=125))
    assert desk.tracker.status.until == NOON + 125
    assert "until 12:03" in desk.tracker.status.reason
    await asyncio.sleep(124)
    assert desk.states == ["limited"]
    await asyncio.sleep(2)
    assert desk.states == ["limited", "idle"]


async def test_the_end_of_a_pause_is_reported_again_only_if_it_moves_far() -> None:
    desk = Desk()
    for seconds in (60, 55, 61, 40, 300, 290):
        desk.event(EventKind.PAUSED, Paused("the quota is used up", retry_after=seconds))
    assert [status.until for status in desk.seen] == [NOON + 60, NOON + 300]


async def test_a_quota_that_has_room_again_at_once_is_not_reported() -> None:
    desk = Desk()
    desk.event(EventKind.PAUSED, Paused("the quota is used up", retry_after=1))
    assert desk.seen == []


async def test_a_pause_does_not_hide_the_failure_that_caused_it_but_tells_when_it_ends() -> None:
    desk = Desk()
    desk.event(EventKind.FAILED, Unauthorized("the key is refused"))
    desk.event(EventKind.PAUSED, Paused("it refused the key", retry_after=0.8))
    assert desk.states == ["failing"]
    desk.event(EventKind.PAUSED, Paused("it refused the key", retry_after=600))
    assert desk.states == ["failing", "failing"]
    assert desk.tracker.status.reason == f"the key is refused, the next try is at 12:10{INSTEAD}"


async def test_a_fallback_that_fails_does_not_matter() -> None:
    desk = Desk()
    desk.event(EventKind.FAILED, Unreachable("gone"), FALLBACK)
    assert desk.seen == []


async def test_a_failure_is_kept_while_the_back_end_is_the_same() -> None:
    desk = Desk()
    desk.event(EventKind.FAILED, Unreachable("gone"))
    desk.tracker.set_backends((FIRST,))
    assert (desk.state, desk.tracker.status.reason) == ("offline", "gone")
    desk.tracker.set_backends((Named("codestral", "other.example"),))
    assert desk.state == "idle"


async def test_what_is_turned_off_comes_before_failures_and_waiting() -> None:
    desk = Desk()
    desk.event(EventKind.FAILED, Unreachable("gone"))
    for switches in (Switches(snoozed_until=NOON + 300), Switches(on=False), Switches(on=True)):
        desk.ring.publish(SwitchesChanged(at=NOON, switches=switches))
    assert [(str(status.state), status.reason, status.until) for status in desk.seen[1:]] == [
        ("snoozed", "until 12:05", NOON + 300),
        ("disabled", "suggestions are turned off in this editor", None),
        ("offline", f"gone{INSTEAD}", None),
    ]


async def test_damaged_settings_let_nothing_out() -> None:
    desk = Desk()
    desk.tracker.set_backends((FALLBACK,), "a setting is damaged")
    assert (desk.state, desk.tracker.status.reason) == ("disabled", "a setting is damaged")
    desk.tracker.set_backends((FIRST, FALLBACK))
    assert desk.states == ["disabled", "idle"]


async def test_a_slow_answer_is_reported_and_that_it_is_there() -> None:
    desk = Desk()
    desk.ring.publish(RequestStarted(request=1))
    desk.ring.publish(CallStarted(request=1, purpose=CallPurpose.COMPLETION, backend="codestral"))
    await asyncio.sleep(0.4)
    assert desk.seen == []
    await asyncio.sleep(0.4)
    desk.answer(1, Outcome.CALL)
    assert desk.states == ["calling", "idle"]


async def test_what_is_read_in_advance_keeps_nobody_waiting() -> None:
    desk = Desk()
    desk.ring.publish(RequestStarted(request=1))
    desk.ring.publish(CallStarted(request=0, purpose=CallPurpose.PRELOAD, backend="llamacpp"))
    await asyncio.sleep(0.9)
    assert desk.seen == []


async def test_two_hundred_keys_change_nothing() -> None:
    desk = Desk()
    outcomes = [Outcome.CALL, Outcome.CACHE, Outcome.EMPTY, Outcome.IN_WORD, Outcome.SUPERSEDED]
    for key in range(200):
        desk.ring.publish(RequestStarted(request=key))
        desk.ring.publish(CallStarted(request=key, purpose=CallPurpose.COMPLETION, backend="codestral"))
        await asyncio.sleep(0.2)
        desk.event(EventKind.ANSWERED)
        desk.answer(key, outcomes[key % len(outcomes)])
    await asyncio.sleep(10)
    assert desk.seen == []


async def test_two_hundred_keys_during_an_outage_are_one_change() -> None:
    desk = Desk()
    for key in range(200):
        desk.ring.publish(RequestStarted(request=key))
        if key % 5:
            desk.event(EventKind.PAUSED, Paused("it does not answer", retry_after=0.5))
        else:
            desk.event(EventKind.FAILED, Unreachable("gone"))
        desk.event(EventKind.ANSWERED, backend=FALLBACK)
        desk.answer(key, Outcome.FALLBACK)
        await asyncio.sleep(0.2)
    assert desk.states == ["offline"]
