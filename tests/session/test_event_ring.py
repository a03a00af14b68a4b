"""The ring of events and its subscribers."""

from __future__ import annotations

from fim_lsp.schedule.events import RequestStarted, SettingsChanged
from fim_lsp.session.event_ring import MAX_EVENTS, EventRing


def test_subscribers_get_the_events_of_their_kind_in_the_order_in_which_they_subscribed() -> None:
    ring, seen = EventRing(), []
    ring.subscribe(RequestStarted, lambda event: seen.append(("first", event.request)))
    ring.subscribe(RequestStarted, lambda event: seen.append(("second", event.request)))
    ring.publish(SettingsChanged(at=0, problems=()))
    ring.publish(RequestStarted(request=7))
    assert seen == [("first", 7), ("second", 7)]


def test_the_latest_events_of_each_kind_are_kept_the_newest_first() -> None:
    ring = EventRing()
    ring.publish(SettingsChanged(at=0, problems=("a",)))
    for number in range(MAX_EVENTS + 5):
        ring.publish(RequestStarted(request=number))
    kept = [event.request for event in ring.latest(RequestStarted)]
    assert kept == list(range(MAX_EVENTS + 4, 4, -1))
    assert len(ring.latest(SettingsChanged)) == 1


def test_a_subscriber_that_fails_keeps_an_event_from_nobody_else() -> None:
    ring, seen = EventRing(), []

    def fail(_event: RequestStarted) -> None:
        raise KeyError

    ring.subscribe(RequestStarted, fail)
    ring.subscribe(RequestStarted, seen.append)
    ring.publish(RequestStarted(request=1))
    assert [event.request for event in seen] == [1]
