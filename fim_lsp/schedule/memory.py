"""What is known for a request: an answer given before, the rest of one, or the next piece of what a model wrote."""

from __future__ import annotations

from dataclasses import dataclass

from fim_lsp.schedule.cache import Cache, Found, Known
from fim_lsp.schedule.call import Begun, Call
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.typed import typed_since

_PIECES = 4  # places of one call whose answers are kept up to date


@dataclass(frozen=True, slots=True)
class Memory:
    """The cache, seen through the settings in force."""

    cache: Cache

    def recall(self, snapshot: Snapshot, source: FallbackChain) -> CompletionResult | None:
        """The answer that is known, if one is; one without a suggestion says that there is none."""
        found = self.cache.find((snapshot.place, source.scope), snapshot.split)
        if found is None:
            return None
        reason = Outcome.FALLBACK if found.known.from_fallback else Outcome.CACHE
        shown = found.known.suggestion
        if not found.typed:
            return CompletionResult(outcome=reason, suggestion=shown)
        if shown is not None and not found.paired and (rest := shown.after(found.typed)):
            return CompletionResult(outcome=reason, suggestion=rest)
        return self._next_piece(snapshot, source, found)

    def keep(self, call: Call) -> None:
        """Remember what a call has brought, at the place it was made for."""
        known = Known(
            text=call.text,
            finished=call.finished,
            suggestion=call.source.postprocessor.suggestion(call.snapshot, call.text, call.finished),
            from_fallback=call.from_fallback,
        )
        self.cache.put((call.snapshot.place, call.source.scope), call.snapshot.split, known)
        self.lengthen(call)

    def begin(self, snapshot: Snapshot, call: Call, now: float) -> CompletionResult | None:
        """The lines that have come whole for a snapshot's place, if the first of them has; the others may follow."""
        rest = call.rest(snapshot)
        if rest is None or not call.source.postprocessor.has_head(snapshot, rest):
            return None
        suggestion = call.source.postprocessor.suggestion(snapshot, rest, None)
        if suggestion is None:
            return None
        call.begun_at = now
        call.begun.append(Begun(snapshot=snapshot, suggestion=suggestion))
        self._put(snapshot, call, rest, suggestion)
        return CompletionResult(
            outcome=Outcome.FALLBACK if call.from_fallback else Outcome.CACHE, suggestion=suggestion
        )

    def lengthen(self, call: Call) -> None:
        """Where something was shown before the call's end, have what has come since ready: the same, and more."""
        for begun in call.begun[-_PIECES:]:
            rest = call.rest(begun.snapshot)
            if rest is None:
                continue
            now, shown = call.source.postprocessor.suggestion(begun.snapshot, rest, call.finished), begun.suggestion
            longer = now is not None and now.replace == shown.replace and now.text.startswith(shown.text)
            self._put(begun.snapshot, call, rest, now if longer else shown)

    def _put(self, snapshot: Snapshot, call: Call, text: str, suggestion: Suggestion | None) -> None:
        known = Known(text=text, finished=call.finished, suggestion=suggestion, from_fallback=call.from_fallback)
        self.cache.put((snapshot.place, call.source.scope), snapshot.split, known)

    def part(self, snapshot: Snapshot, call: Call) -> CompletionResult | None:
        """The answer for a later cursor than the call's, for which less of its text may be enough."""
        typed = typed_since(call.snapshot.split, snapshot.split)
        if not typed or not call.text.startswith(typed):
            return None
        known = Known(text=call.text, finished=call.finished, suggestion=None, from_fallback=call.from_fallback)
        answer = self._next_piece(snapshot, call.source, Found(typed=typed, known=known))
        if answer is not None and answer.suggestion is not None:
            call.begun.append(Begun(snapshot=snapshot, suggestion=answer.suggestion))
        return answer

    def _next_piece(self, snapshot: Snapshot, source: FallbackChain, found: Found) -> CompletionResult | None:
        """What the model wrote from here on, if it is whole: what was shown is used up, or does not fit any more."""
        known = found.known
        if known.finished != "stop" and not source.postprocessor.is_complete(snapshot, found.rest):
            return None
        suggestion = source.postprocessor.suggestion(snapshot, found.rest, known.finished)
        if suggestion is None:
            return None
        piece = Known(
            text=found.rest, finished=known.finished, suggestion=suggestion, from_fallback=known.from_fallback
        )
        self.cache.put((snapshot.place, source.scope), snapshot.split, piece)
        return CompletionResult(
            outcome=Outcome.FALLBACK if known.from_fallback else Outcome.CACHE, suggestion=suggestion
        )
