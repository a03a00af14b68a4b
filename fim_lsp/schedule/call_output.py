"""Which part of a call's output is enough for a request."""

from __future__ import annotations

from collections.abc import Callable

from fim_lsp.schedule.cache import SuggestionCache
from fim_lsp.schedule.call import Call, CallState
from fim_lsp.schedule.call_progress import TIMER_RESOLUTION
from fim_lsp.schedule.debounce import AdaptiveDebounce
from fim_lsp.schedule.request import CompletionResult, Outcome, Request, Snapshot

HEAD_WAIT = 0.2
"""Seconds that the first line of a block waits for the others: today's servers send 10 to 60 tokens in that time."""


class CallOutput:
    """The output of one document's calls, as far as it has arrived; ``debounce`` learns how long they take."""

    def __init__(self, *, cache: SuggestionCache, debounce: AdaptiveDebounce, clock: Callable[[], float]) -> None:
        self._cache = cache
        self._debounce = debounce
        self._clock = clock

    def result(self, request: Request, call: Call) -> CompletionResult | None:
        """The result for a request, if the output so far is enough for it."""
        result = self._result(request.snapshot, call)
        if result is None:
            return None
        outcome = result.outcome
        if result.suggestion is None:
            outcome = Outcome.EMPTY
        elif outcome is Outcome.CACHE:
            outcome = Outcome.CALL if request.snapshot.split == call.snapshot.split else Outcome.REUSED_CALL
        return call.result_for(request, outcome, result.suggestion, result.cut_by)

    def _result(self, snapshot: Snapshot, call: Call) -> CompletionResult | None:
        if call.state is CallState.COMPLETE and (result := self._cache.lookup(snapshot, call.chain)):
            return result
        return self._cache.take_part(snapshot, call) or self._head(snapshot, call)

    def _head(self, snapshot: Snapshot, call: Call) -> CompletionResult | None:
        """The complete lines of a block, if its first line has waited long enough for the others."""
        now = self._clock()
        waited = 0.0 if call.head_at is None else now - call.head_at
        if call.state is not CallState.STREAMING or waited < HEAD_WAIT - TIMER_RESOLUTION:
            return None
        if call.part_shown_at is None:
            self._debounce.answered(now - call.started_at)
        result = self._cache.take_head(snapshot, call)
        if result is not None:
            call.part_shown_at = now
        return result
