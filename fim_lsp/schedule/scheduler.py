"""The completions for all documents of one editor."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence

from fim_lsp.schedule.acceptance import AcceptanceTracker
from fim_lsp.schedule.cache import SuggestionCache
from fim_lsp.schedule.debounce import AdaptiveDebounce
from fim_lsp.schedule.document_scheduler import DocumentScheduler
from fim_lsp.schedule.events import Publish
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.learning import AcceptanceRates
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.text.document import Edit

MAX_DOCUMENT_SIZE = 10_000_000  # characters: a larger file is data, and of little use to a model


class Scheduler:
    """One :class:`DocumentScheduler` for each document, and one cache for all."""

    def __init__(
        self,
        chain: FallbackChain,
        *,
        debounce: float | None,
        excluded: Callable[[str], bool],
        silence: Callable[[str], Outcome | None] = lambda _language: None,
        publish: Publish = lambda _event: None,
        rates: AcceptanceRates | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``debounce`` is in seconds, ``None`` for the adaptive one; ``excluded`` decides for a document's URI.

        ``silence`` returns why no suggestion appears by itself in documents of a language, if that is so. ``publish`` is
        told what becomes of suggestions; ``rates`` are how often the user takes them.
        """
        self._silence = silence
        self._publish = publish
        self._rates = rates or AcceptanceRates()
        self._suggestion_numbers = itertools.count(1)
        self._clock = clock
        self._cache = SuggestionCache(clock)
        self._documents: dict[str, DocumentScheduler] = {}
        self.apply_settings(chain, debounce=debounce, excluded=excluded)

    def apply_settings(self, chain: FallbackChain, *, debounce: float | None, excluded: Callable[[str], bool]) -> None:
        """Use these from now on, including for requests that are waiting."""
        self._chain, self._debounce, self._excluded = chain, debounce, excluded
        for uri, document in self._documents.items():
            document.debounce.fixed = debounce
            document.apply_settings(excluded=excluded(uri))
        self.silence_changed()

    def edited(self, uri: str, edits: Sequence[Edit]) -> None:
        """A document was changed by the edits of one notification."""
        self._document(uri).edited(edits)

    def request(self, snapshot: Snapshot) -> asyncio.Future[CompletionResult]:
        """Request a completion. The future is answered exactly once; cancelling it withdraws the request."""
        if outcome := self._refusal(snapshot):
            result: asyncio.Future[CompletionResult] = asyncio.get_running_loop().create_future()
            result.set_result(CompletionResult(outcome=outcome))
            return result
        silence = None if snapshot.explicit else self._silence(snapshot.language)
        return self._document(snapshot.uri).request(snapshot, silence)

    def withdraw(self, uri: str, result: asyncio.Future[CompletionResult]) -> None:
        """The editor does not wait for this result any more, but wants to be told of it: :meth:`DocumentScheduler.withdraw`."""
        if document := self._documents.get(uri):
            document.withdraw(result)

    def silence_changed(self) -> None:
        """Suggestions were turned off or on: answer the automatic requests that are not wanted any more."""
        for document in self._documents.values():
            document.apply_silence(self._silence)

    def clear_cache(self) -> None:
        """Forget all suggestions."""
        self._cache.clear()
        for document in self._documents.values():
            document.clear_cache()

    def accepted(self, suggestion: int, units: int | None = None) -> None:
        """The editor reports that a suggestion was taken: all of it, or its first ``units`` UTF-16 units.

        Numbers that are unknown, or too old, are ignored.
        """
        for document in self._documents.values():
            document.accepted(suggestion, units)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        if document := self._documents.pop(uri, None):
            document.close()

    def close(self) -> None:
        """Answer every waiting request, and hang up on every call."""
        for uri in tuple(self._documents):
            self.closed(uri)

    def _refusal(self, snapshot: Snapshot) -> Outcome | None:
        """Why nothing is ever suggested in this document, if that is the case."""
        if self._excluded(snapshot.uri):
            return Outcome.EXCLUDED
        if snapshot.size > MAX_DOCUMENT_SIZE:
            return Outcome.TOO_LARGE
        return None if self._chain.allowed(snapshot.uri) else Outcome.LOCAL_ONLY

    def _document(self, uri: str) -> DocumentScheduler:
        document = self._documents.get(uri)
        if document is None:
            document = self._documents[uri] = DocumentScheduler(
                chain=lambda: self._chain,
                cache=self._cache,
                clock=self._clock,
                debounce=AdaptiveDebounce(self._debounce),
                acceptance=AcceptanceTracker(self._publish, numbers=self._suggestion_numbers),
                rates=self._rates,
            )
        return document
