"""Where a model had nothing to suggest, it is not asked again at each of the next keys.

An empty answer holds for the rest of the word, and after several in a row on one line also for what follows, for a while.
One that was given at the beginning of a word holds until there is more of it, which may be what the model needs.
A new line, a correction, a manual trigger or a suggestion ends that.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from fim_lsp.schedule.call import Call
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.text.typed import typed_since

_IN_WORD = 20.0  # seconds that it holds for the rest of a word
_BEGINNING = 3  # characters of a word
_IN_LINE = (0.0, 1.0, 2.0)  # seconds that it holds beyond, after so many in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class _Empty:
    """The last empty answer, the ``count``-th in a row, at a time in seconds."""

    snapshot: Snapshot
    scope: Hashable
    author: str
    at: float
    count: int


class EmptyAnswers:
    """One document's empty answers. Times are in seconds of one clock."""

    def __init__(self) -> None:
        self._last: _Empty | None = None

    def add(self, call: Call, now: float) -> None:
        """A call has its answer. Those of a back end in this process cost nothing, and are not remembered."""
        last, self._last = self._last, None
        if call.text.strip() or call.finish is None or call.from_fallback or call.chain.costs_nothing:
            return
        same_line = last is not None and "\n" not in (typed_since(last.snapshot.split, call.snapshot.split) or "\n")
        self._last = _Empty(
            snapshot=call.snapshot,
            scope=call.chain.scope,
            author=call.author,
            at=now,
            count=last.count + 1 if last is not None and same_line else 1,
        )

    def result(self, snapshot: Snapshot, scope: Hashable, now: float) -> CompletionResult | None:
        """The empty result that still holds for a request, if there is one; ``scope`` is that of the settings in force."""
        last = self._last
        if last is None or last.scope != scope or last.snapshot.cache_scope != snapshot.cache_scope:
            return None
        typed = typed_since(last.snapshot.split, snapshot.split)
        if not typed or "\n" in typed or "\r" in typed:
            return None
        is_word = _word_length(typed) == len(typed)
        before = _word_length(last.snapshot.split.line_prefix[-_BEGINNING:])
        is_word = is_word and (before >= _BEGINNING or before + len(typed) < _BEGINNING)
        holds = max(_IN_LINE[min(last.count, len(_IN_LINE)) - 1], _IN_WORD if is_word else 0.0)
        return CompletionResult(outcome=Outcome.CACHE, backend=last.author) if now - last.at < holds else None

    def forget(self) -> None:
        """Forget everything."""
        self._last = None


def _word_length(text: str) -> int:
    """The length of the word at the end of a text."""
    return next(
        (n for n, character in enumerate(reversed(text)) if not (character.isalnum() or character == "_")), len(text)
    )
