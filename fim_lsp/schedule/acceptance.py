"""What becomes of suggestions: the user takes them, types them or dismisses them. One document's are followed here.

A suggestion gets a number when it is first offered, and keeps it while its rest is offered again. Its characters are
counted as accepted once, whether the editor reports them by a command, before or after the edit, or an edit shows it.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from fim_lsp.schedule.call_record import place_of
from fim_lsp.schedule.events import (
    Acceptance,
    Publish,
    SuggestionAccepted,
    SuggestionDismissed,
    SuggestionShown,
)
from fim_lsp.schedule.kept_text import KeptText
from fim_lsp.schedule.offer import Offer, Taken
from fim_lsp.schedule.request import CompletionResult, Snapshot
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split
from fim_lsp.text.document import Edit, split_lines
from fim_lsp.text.typed import typed_since

_MIN_TYPED = 4  # characters of a suggestion that, once typed, count as taking it: fewer may be chance
_FREE_DISMISSALS = 4  # dismissals in a row that change nothing
_STEP, _MAX_FACTOR = 0.25, 2.0
_MAX_EDITS = 64  # since the last request; with more, what was answered late is not followed
_RECENT = 8  # suggestions that may be offered again under their number, or that a late command may be about


@dataclass(slots=True, eq=False, kw_only=True)
class _Followed:
    """A suggestion that the editor has or had. Positions in its text are counted in characters.

    ``observed`` characters of it were in the document at the last request, ``settled`` before the last notification;
    ``counted`` is where the last accepted part ends. ``just_taken``: the last notification took a part of it.
    """

    offer: Offer
    shown: SuggestionShown
    announced: bool
    observed: int = 0
    settled: int = 0
    counted: int = 0
    just_taken: bool = False

    @property
    def sent(self) -> str:
        """The text as it was last sent."""
        return self.offer.text[self.offer.base :]

    def continues_with(self, suggestion: Suggestion) -> bool:
        """Whether a suggestion for the last request's position is the rest of this one, perhaps longer or shorter."""
        rest = self.offer.text[self.observed :]
        return bool(rest) and (rest.startswith(suggestion.text) or suggestion.text.startswith(rest))

    def is_at(self, split: Split, suggestion: Suggestion) -> bool:
        """Whether this suggestion was last sent for the text at ``split``, or for a beginning of it that was typed on."""
        if not self.sent.endswith(suggestion.text):
            return False
        typed = typed_since(self.offer.split, split)
        if typed is None or self.sent != typed + suggestion.text:
            return False
        self.observed = self.offer.base + len(typed)
        return True


class AcceptanceTracker:
    """Follows one document's suggestions, and publishes what becomes of them."""

    def __init__(
        self,
        publish: Publish = lambda _event: None,
        *,
        numbers: Iterator[int] | None = None,
        kept: KeptText | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``numbers`` are the session's; ``wall_clock`` returns seconds since the epoch."""
        self._publish = publish
        self._numbers = numbers or itertools.count(1)
        self._kept = kept or KeptText(publish)
        self._wall_clock = wall_clock
        self._open: list[_Followed] = []  # presumably on the screen: the first one, the others can be cycled to
        self._whole: _Followed | None = None  # was just taken as a whole, which may be undone
        self._recent: deque[_Followed] = deque(maxlen=_RECENT)
        self._edits: list[Edit] = []  # since the last request
        self._dismissals = 0

    # -- what is offered

    @property
    def offered(self) -> str:
        """The suggestion that is presumably on the screen, as it was last sent; ``""`` if there is none."""
        return self._open[0].sent if self._open else ""

    def offered_for(self, inserted: str) -> str:
        """The suggestion of which this text is the beginning, or which it ends with; else the one that is on the screen.

        Some of a suggestion may have been typed since it was sent: then the beginning of its rest counts as well.
        """
        rests = (followed.offer.rest for followed in self._open)
        if (rest := next((rest for rest in rests if rest.startswith(inserted)), "")) and inserted:
            return rest
        texts = [followed.sent for followed in self._open[1:]]
        return next((text for text in texts if text.startswith(inserted) or inserted.endswith(text)), self.offered)

    def numbered(self, snapshot: Snapshot, result: CompletionResult) -> CompletionResult:
        """The result for the last observed request, with the numbers of its suggestions: the editor has them from now on."""
        number = self.offer(snapshot, result)
        others = (replace(other, suggestion_number=self.offer_alternative(snapshot, other)) for other in result.others)
        return replace(result, suggestion_number=number, others=tuple(others))

    def offer(self, snapshot: Snapshot, result: CompletionResult) -> int:
        """The last observed request is answered; the result is its suggestion's number, 0 if there is none."""
        if result.suggestion is None:
            return 0
        followed = self._known(snapshot.split, result.suggestion)
        others = [other for other in self._open if other is not followed]
        self._recent.extend(others)
        if followed is None:
            followed = self._new(snapshot, result, announce=True)
        else:
            self._send_again(followed, snapshot.split, result.suggestion)
        self._open = [followed]
        return followed.shown.suggestion

    def offer_alternative(self, snapshot: Snapshot, result: CompletionResult) -> int:
        """Another suggestion is sent with the one on the screen. It counts as shown when a part of it is taken."""
        if result.suggestion is None:
            return 0
        followed = self._sent_before(snapshot.split, result.suggestion)
        if followed is None:
            followed = self._new(snapshot, result, announce=False)
        else:
            self._send_again(followed, snapshot.split, result.suggestion)
        self._open.append(followed)
        return followed.shown.suggestion

    def _known(self, split: Split, suggestion: Suggestion) -> _Followed | None:
        """The suggestion of which this one is the rest, or which it repeats."""
        for followed in self._open:
            if followed.continues_with(suggestion):
                return followed
        return self._sent_before(split, suggestion)

    def _sent_before(self, split: Split, suggestion: Suggestion) -> _Followed | None:
        """The suggestion that this one repeats, if it is not on the screen now."""
        for followed in self._recent:
            if followed.is_at(split, suggestion):
                self._recent.remove(followed)
                return followed
        return None

    def _new(self, snapshot: Snapshot, result: CompletionResult, *, announce: bool) -> _Followed:
        suggestion = result.suggestion
        assert suggestion is not None  # noqa: S101 - the callers checked it
        shown = SuggestionShown(
            suggestion=next(self._numbers),
            at=self._wall_clock(),
            place=place_of(snapshot),
            backend=result.backend,
            outcome=result.outcome,
            lines=len(split_lines(suggestion.text)),
            characters=len(suggestion.text),
        )
        offer = Offer(text="", replace=0, split=snapshot.split)
        followed = _Followed(offer=offer, shown=shown, announced=announce)
        self._send_again(followed, snapshot.split, suggestion)
        if announce:
            self._publish(shown)
        return followed

    def _send_again(self, followed: _Followed, split: Split, suggestion: Suggestion) -> None:
        offer = followed.offer
        offer.done = followed.observed
        offer.send(split, suggestion)
        for edit in self._edits:  # the answer came after them
            offer.apply(edit)
        followed.settled = offer.done

    # -- what the user does

    def observe(self, split: Split) -> None:
        """A request is made at ``split``: what was offered has been typed, taken or dismissed, or is still there."""
        self._edits.clear()
        self._whole = None
        if not self._open:
            return
        first = self._open[0]
        left = [followed for followed in self._open if self._is_still_there(followed, split)]
        if not left and first.announced and not first.counted and first.observed < len(first.offer.text):
            self._dismiss(first)
        if left != self._open:
            self._recent.extend(followed for followed in self._open if followed not in left)
            self._open = left

    def _is_still_there(self, followed: _Followed, split: Split) -> bool:
        """Whether what was typed since it was sent is its beginning, and does not complete it."""
        offer, sent = followed.offer, followed.sent
        typed = typed_since(offer.split, split)
        if typed is None or not sent.startswith(typed):
            return False
        done = offer.base + len(typed)
        if offer.done != done or offer.position != (split.line, split.column):
            offer.done = done
            offer.place(split)
        followed.observed = followed.settled = done
        followed.just_taken = False
        if typed and len(typed) >= min(_MIN_TYPED, len(sent)):
            self._dismissals = 0
        if typed != sent:
            return True
        if not followed.counted:
            self._accepted(followed, 0, len(offer.text), Acceptance.TYPED, by_command=False)
        return False

    def _dismiss(self, followed: _Followed) -> None:
        self._dismissals += 1
        shown = followed.shown
        self._publish(
            SuggestionDismissed(
                suggestion=shown.suggestion,
                at=self._wall_clock(),
                language=shown.place.language,
                backend=shown.backend,
            )
        )

    def edited(self, edits: Sequence[Edit]) -> None:
        """The document was changed by the edits of one notification."""
        if len(self._edits) < _MAX_EDITS:
            self._edits.extend(edits)
        for followed in self._open:
            followed.settled, followed.just_taken = followed.offer.done, False
        for edit in edits:
            self._kept.apply(edit)
            self._compare(edit)

    def _compare(self, edit: Edit) -> None:
        """See whether an edit takes a part of what is offered."""
        candidates = [*self._open, self._whole] if self._whole else self._open
        found: tuple[_Followed, Taken] | None = None
        for followed in candidates:
            taken = followed.offer.apply(edit)
            if taken is not None and found is None:
                found = followed, taken
        if found is not None:
            self._took(*found)

    def _took(self, followed: _Followed, taken: Taken) -> None:
        shown, offer = followed.shown, followed.offer
        self._count(followed, taken.start, taken.end, by_command=False)
        followed.just_taken = True
        text = offer.text[taken.start : taken.end]
        self._kept.accepted(shown.suggestion, text, taken, language=shown.place.language, backend=shown.backend)
        if not offer.rest and followed in self._open:
            self._recent.extend(self._open)
            self._open, self._whole = [], followed

    def accepted(self, suggestion: int, units: int | None = None) -> bool:
        """The editor reports that a suggestion was taken: all of it, or its first ``units`` UTF-16 units.

        The result is whether the number is known. What is counted already is not counted again.
        """
        for followed in (*self._open, *self._recent):
            if followed.shown.suggestion == suggestion:
                break
        else:
            return False
        offer = followed.offer
        end = len(offer.text)
        if units is not None:
            end = min(end, offer.base + _characters(followed.sent, units))
        elif followed.just_taken:
            return True  # the edit has shown what was taken: the editor may have had less of the text
        self._count(followed, max(followed.settled, followed.counted), end, by_command=True)
        return True

    def close(self) -> None:
        """The document was closed."""
        for followed in self._open:
            if followed.announced and not followed.counted:
                self._dismiss(followed)
        self._open.clear()
        self._recent.clear()
        self._kept.close()

    def _count(self, followed: _Followed, start: int, end: int, *, by_command: bool) -> None:
        """Count the characters from ``start`` to ``end`` that have not been counted yet."""
        start = max(start, followed.counted)
        if start < end:
            self._dismissals = 0
            self._accepted(followed, start, end, followed.offer.how(start, end), by_command=by_command)

    def _accepted(self, followed: _Followed, start: int, end: int, how: Acceptance, *, by_command: bool) -> None:
        followed.counted = end
        shown = followed.shown
        if not followed.announced:
            followed.announced = True
            self._publish(shown)
        self._publish(
            SuggestionAccepted(
                suggestion=shown.suggestion,
                at=self._wall_clock(),
                language=shown.place.language,
                backend=shown.backend,
                how=how,
                characters=end - start,
                by_command=by_command,
            )
        )

    @property
    def debounce_factor(self) -> float:
        """What the debounce is multiplied by, from 1: grows with the dismissals in a row."""
        return min(1 + _STEP * max(0, self._dismissals - _FREE_DISMISSALS), _MAX_FACTOR)


def _characters(text: str, units: int) -> int:
    """How many characters of ``text`` its first ``units`` UTF-16 units are."""
    for count, character in enumerate(text):
        units -= 2 if character > "\uffff" else 1
        if units < 0:
            return count
    return len(text)
