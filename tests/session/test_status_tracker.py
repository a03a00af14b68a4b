"""The status of the back end that is tried first."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fim_lsp.errors import BackendError, Paused, RateLimited, Unreachable
from fim_lsp.schedule.events import BackendEvent, EventKind
from fim_lsp.session.status_tracker import Status, StatusState, StatusTracker
from tests.fakes.backend import BackendDefaults


@dataclass
class Named(BackendDefaults):
    name: str
    host: str = ""
    model: str = ""


FIRST, FALLBACK = Named("codestral", "fim.example", "codestral-latest"), Named("ngram")


@pytest.fixture
def seen() -> list[Status]:
    return []


@pytest.fixture
def tracker(seen: list[Status]) -> StatusTracker:
    tracker = StatusTracker(seen.append)
    tracker.set_backends((FIRST, FALLBACK))
    return tracker


def event(kind: EventKind, error: BackendError | None = None, backend: Named = FIRST) -> BackendEvent:
    return BackendEvent(backend=backend, kind=kind, error=error)


def test_there_is_no_status_without_back_ends() -> None:
    assert StatusTracker().status.state is StatusState.OFF


def test_a_change_is_reported_once(tracker: StatusTracker, seen: list[Status]) -> None:
    tracker.request_started()
    tracker.request_started()
    tracker.request_ended("from the cache")
    tracker.request_ended("from the cache")
    assert [(status.state, status.reason) for status in seen] == [
        (StatusState.READY, "ready"),
        (StatusState.BUSY, "ready"),
        (StatusState.BUSY, "from the cache"),
        (StatusState.READY, "from the cache"),
    ]
    assert str(seen[-1]) == "ready: from the cache (codestral · codestral-latest · fim.example)"


@pytest.mark.parametrize(
    ("kind", "error", "state"),
    [
        (EventKind.FAILED, Unreachable("it is not there"), "trouble"),
        (EventKind.FAILED, RateLimited("the quota is used up"), "paused"),
        (EventKind.PAUSED, Paused("the quota is used up"), "paused"),
    ],
)
def test_a_failure_lasts_until_the_next_answer(
    tracker: StatusTracker, kind: EventKind, error: BackendError, state: str
) -> None:
    tracker.on_backend_event(event(kind, error))
    tracker.request_answered("from a fallback")
    assert (tracker.status.state, tracker.status.reason) == (state, f"{error}; ngram answers meanwhile")
    tracker.on_backend_event(event(EventKind.ANSWERED))
    assert tracker.status.state is StatusState.READY


def test_a_pause_does_not_hide_the_failure_that_caused_it(tracker: StatusTracker) -> None:
    tracker.on_backend_event(event(EventKind.FAILED, Unreachable("it is not there")))
    tracker.on_backend_event(event(EventKind.PAUSED, Paused("tried again every second")))
    assert tracker.status.state is StatusState.FAILING


def test_a_fallback_that_fails_does_not_matter(tracker: StatusTracker) -> None:
    tracker.on_backend_event(event(EventKind.FAILED, Unreachable("gone"), FALLBACK))
    assert tracker.status.state is StatusState.READY


def test_a_failure_is_kept_while_the_back_end_is_the_same(tracker: StatusTracker) -> None:
    tracker.on_backend_event(event(EventKind.FAILED, Unreachable("gone")))
    tracker.set_backends((FIRST,))
    assert tracker.status.state is StatusState.FAILING
    tracker.set_backends((Named("codestral", "other.example"),))
    assert tracker.status.state is StatusState.READY
