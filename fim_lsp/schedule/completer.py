"""All documents' completions for one editor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from fim_lsp.schedule.cache import Cache
from fim_lsp.schedule.gates import LARGEST
from fim_lsp.schedule.lane import Lane
from fim_lsp.schedule.memory import Memory
from fim_lsp.schedule.plan import Plan
from fim_lsp.schedule.rhythm import Rhythm
from fim_lsp.schedule.snapshot import Answer, Reason, Snapshot
from fim_lsp.text.document import Edit


class Completer:
    """One editor's. The plan may be exchanged at any time; requests from then on follow the new one."""

    def __init__(
        self,
        plan: Plan,
        *,
        debounce: float | None,
        excluded: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``debounce`` is in seconds, ``None`` to learn it; ``excluded`` tells of a document's URI."""
        self._clock = clock
        self._memory = Memory(Cache(clock))
        self._lanes: dict[str, Lane] = {}
        self.follow(plan, debounce=debounce, excluded=excluded)

    def follow(self, plan: Plan, *, debounce: float | None, excluded: Callable[[str], bool]) -> None:
        """Take new settings."""
        self._plan, self._debounce, self._excluded = plan, debounce, excluded
        for uri, lane in self._lanes.items():
            lane.rhythm.fixed = debounce
            lane.follow(excluded=excluded(uri))

    def edited(self, uri: str, edit: Edit, *, first: bool = True) -> None:
        """A document changed; ``first`` is false for a change that came in one message with the one before."""
        self._lane(uri).edited(edit, first=first)

    def ask(self, snapshot: Snapshot) -> asyncio.Future[Answer]:
        """Request a completion. The future is answered exactly once; cancelling it takes the request back."""
        if self._excluded(snapshot.uri):
            return _silence(Reason.EXCLUDED)
        if snapshot.size > LARGEST:
            return _silence(Reason.TOO_LARGE)
        if not self._plan.allowed(snapshot.uri):
            return _silence(Reason.STAYS)
        return self._lane(snapshot.uri).ask(snapshot)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        if lane := self._lanes.pop(uri, None):
            lane.close()

    def close(self) -> None:
        """Answer everything that waits, and hang up everywhere."""
        for uri in tuple(self._lanes):
            self.closed(uri)

    def _lane(self, uri: str) -> Lane:
        lane = self._lanes.get(uri)
        if lane is None:
            lane = Lane(
                source=lambda: self._plan, memory=self._memory, clock=self._clock, rhythm=Rhythm(self._debounce)
            )
            self._lanes[uri] = lane
        return lane


def _silence(reason: Reason) -> asyncio.Future[Answer]:
    future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    future.set_result(Answer(reason=reason))
    return future
