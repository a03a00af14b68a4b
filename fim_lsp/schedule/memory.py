"""What is known for a request: an answer given before, the rest of one, or the next piece of what a model wrote."""

from __future__ import annotations

from dataclasses import dataclass

from fim_lsp.schedule.cache import Cache, Found, Known
from fim_lsp.schedule.call import Call, Source
from fim_lsp.schedule.snapshot import Answer, Reason, Snapshot
from fim_lsp.text.typed import typed_since


@dataclass(frozen=True, slots=True)
class Memory:
    """The cache, seen through the settings in force."""

    cache: Cache

    def recall(self, snapshot: Snapshot, source: Source) -> Answer | None:
        """The answer that is known, if one is; one without a suggestion says that there is none."""
        found = self.cache.find((snapshot.place, source.scope), snapshot.split)
        if found is None:
            return None
        reason = Reason.STAND_IN if found.known.stand_in else Reason.CACHE
        shown = found.known.suggestion
        if not found.typed:
            return Answer(reason=reason, suggestion=shown)
        if shown is not None and not found.paired and (rest := shown.after(found.typed)):
            return Answer(reason=reason, suggestion=rest)
        return self._next_piece(snapshot, source, found)

    def keep(self, call: Call) -> None:
        """Remember what a call has brought, at the place it was made for."""
        known = Known(
            text=call.text,
            finished=call.finished,
            suggestion=call.source.shape(call.snapshot, call.text, call.finished),
            stand_in=call.stand_in,
        )
        self.cache.put((call.snapshot.place, call.source.scope), call.snapshot.split, known)

    def part(self, snapshot: Snapshot, call: Call) -> Answer | None:
        """The answer for a later cursor than the call's, for which less of its text may be enough."""
        typed = typed_since(call.snapshot.split, snapshot.split)
        if not typed or not call.text.startswith(typed):
            return None
        known = Known(text=call.text, finished=call.finished, suggestion=None, stand_in=call.stand_in)
        return self._next_piece(snapshot, call.source, Found(typed=typed, known=known))

    def _next_piece(self, snapshot: Snapshot, source: Source, found: Found) -> Answer | None:
        """What the model wrote from here on, if it is whole: what was shown is used up, or does not fit any more."""
        known = found.known
        if known.finished != "stop" and not source.enough(snapshot, found.rest):
            return None
        suggestion = source.shape(snapshot, found.rest, known.finished)
        if suggestion is None:
            return None
        piece = Known(text=found.rest, finished=known.finished, suggestion=suggestion, stand_in=known.stand_in)
        self.cache.put((snapshot.place, source.scope), snapshot.split, piece)
        return Answer(reason=Reason.STAND_IN if known.stand_in else Reason.CACHE, suggestion=suggestion)
