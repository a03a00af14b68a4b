"""All documents' completions for one editor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from fim_lsp.schedule.cache import Cache
from fim_lsp.schedule.debounce import AdaptiveDebounce
from fim_lsp.schedule.document_scheduler import DocumentScheduler
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.memory import Memory
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.schedule.triggers import LARGEST
from fim_lsp.text.document import Edit


class Scheduler:
    """One editor's. The plan may be exchanged at any time; requests from then on follow the new one."""

    def __init__(
        self,
        chain: FallbackChain,
        *,
        debounce: float | None,
        excluded: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``debounce`` is in seconds, ``None`` to learn it; ``excluded`` tells of a document's URI."""
        self._clock = clock
        self._memory = Memory(Cache(clock))
        self._lanes: dict[str, DocumentScheduler] = {}
        self.apply_settings(chain, debounce=debounce, excluded=excluded)

    def apply_settings(self, chain: FallbackChain, *, debounce: float | None, excluded: Callable[[str], bool]) -> None:
        """Take new settings."""
        self._chain, self._debounce, self._excluded = chain, debounce, excluded
        for uri, lane in self._lanes.items():
            lane.rhythm.fixed = debounce
            lane.apply_settings(excluded=excluded(uri))

    def edited(self, uri: str, edits: Sequence[Edit]) -> None:
        """A document was changed by the edits of one notification."""
        self._lane(uri).edited(edits)

    def ask(self, snapshot: Snapshot) -> asyncio.Future[CompletionResult]:
        """Request a completion. The future is answered exactly once; cancelling it takes the request back."""
        if self._excluded(snapshot.uri):
            return _silence(Outcome.EXCLUDED)
        if snapshot.size > LARGEST:
            return _silence(Outcome.TOO_LARGE)
        if not self._chain.allowed(snapshot.uri):
            return _silence(Outcome.LOCAL_ONLY)
        return self._lane(snapshot.uri).ask(snapshot)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        if lane := self._lanes.pop(uri, None):
            lane.close()

    def close(self) -> None:
        """Answer everything that waits, and hang up everywhere."""
        for uri in tuple(self._lanes):
            self.closed(uri)

    def _lane(self, uri: str) -> DocumentScheduler:
        lane = self._lanes.get(uri)
        if lane is None:
            lane = DocumentScheduler(
                source=lambda: self._chain,
                memory=self._memory,
                clock=self._clock,
                rhythm=AdaptiveDebounce(self._debounce),
            )
            self._lanes[uri] = lane
        return lane


def _silence(reason: Outcome) -> asyncio.Future[CompletionResult]:
    future: asyncio.Future[CompletionResult] = asyncio.get_running_loop().create_future()
    future.set_result(CompletionResult(outcome=reason))
    return future
