"""A few numbers of today for a status line: how fast answers come, what they cost, and how many were taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from fim_lsp.errors import StatsUnavailable
from fim_lsp.schedule.events import Acceptance, CallEnded, CallOutcome, SuggestionAccepted
from fim_lsp.session.event_ring import EventRing
from fim_lsp.stats.recorder import Recorder

if TYPE_CHECKING:
    from fim_lsp.stats.store import StatsStore
    from fim_lsp.stats.usage import Usage

_MAX_DURATIONS: Final = 500  # of the latest calls, for a median


class UsageCounter:
    """The numbers of this machine's statistics, or where there are none, of this session."""

    def __init__(self, events: EventRing, recorder: Recorder) -> None:
        self._recorder = recorder
        self._durations: deque[float] = deque(maxlen=_MAX_DURATIONS)  # seconds
        self._calls = self._tokens = self._accepted = 0
        self._latest_accepted = -1
        events.subscribe(CallEnded, self._call_ended)
        events.subscribe(SuggestionAccepted, self._suggestion_accepted)

    async def today(self) -> Usage:
        """Today's numbers of all editors, or those of this session if they are not written down."""
        from fim_lsp.stats.usage import Usage, median, read_usage  # with what they import, only this needs them

        read: Callable[[StatsStore], Usage] = read_usage
        try:
            found = await self._recorder.read(read)
        except StatsUnavailable:
            found = None
        return found or Usage(
            latency=median(self._durations), tokens=self._tokens, calls=self._calls, accepted=self._accepted
        )

    def _call_ended(self, event: CallEnded) -> None:
        if event.outcome is CallOutcome.HUNG_UP and not event.requests:
            return  # no longer wanted before anything was sent
        self._calls += 1
        self._tokens += event.prompt_tokens + event.completion_tokens
        if event.outcome is CallOutcome.ANSWERED:
            self._durations.append(event.seconds)

    def _suggestion_accepted(self, event: SuggestionAccepted) -> None:
        if event.how is not Acceptance.TYPED and event.suggestion != self._latest_accepted:
            self._latest_accepted = event.suggestion
            self._accepted += 1
