"""The one place through which everything that happens is observed."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from fim_lsp.schedule.events import Event

log = logging.getLogger(__name__)

MAX_EVENTS = 100
"""Events of each kind that are kept."""

_E = TypeVar("_E", bound=Event)


class EventRing:
    """The latest events of one session, by kind, and its subscribers."""

    def __init__(self) -> None:
        self._latest: dict[type[Any], deque[Any]] = {}
        self._subscribers: dict[type[Any], list[Callable[[Any], None]]] = {}

    def subscribe(self, kind: type[_E], subscriber: Callable[[_E], None]) -> None:
        """Call ``subscriber`` with each later event of this kind, after those who subscribed earlier."""
        self._subscribers.setdefault(kind, []).append(subscriber)

    def publish(self, event: Event) -> None:
        """Keep an event, and hand it to its subscribers. A subscriber that fails keeps it from nobody else."""
        kind = type(event)
        latest = self._latest.get(kind)
        if latest is None:
            latest = self._latest[kind] = deque(maxlen=MAX_EVENTS)
        latest.append(event)
        for subscriber in self._subscribers.get(kind, ()):
            try:
                subscriber(event)
            except Exception as error:  # noqa: BLE001 - what observes a request must not break it
                log.error("%s while taking note of %s", type(error).__name__, kind.__name__)

    def latest(self, kind: type[_E]) -> list[_E]:
        """The latest events of this kind, the newest first."""
        return list(reversed(self._latest.get(kind, ())))
