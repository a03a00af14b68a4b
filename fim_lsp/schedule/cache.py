"""Recent answers, found again by what has been typed since.

The cache is consulted before any wait. An answer serves every later cursor that the user reaches by typing the beginning
of it and, because its entry is kept, every earlier one that the user returns to. What a model wrote beyond what was
shown is kept too: after a suggestion is accepted, the next part comes from the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from cachetools import TLRUCache

from fim_lsp.schedule.call import Call, ShownPart
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.suggest.suggestion import Shaped, Suggestion
from fim_lsp.text.cursor import Split
from fim_lsp.text.typed import CLOSING, ClosersFrom, suffixes_before, typed_at_others, typed_elsewhere, typed_since

LOOK_BACK = 512  # characters typed since the answer; llama.vim walks back 128, which a block of code exceeds

_END = 12  # characters before a position by which most positions without an entry are told, without a look-up
_NEAR = 256  # characters on either side of the cursor that identify a position, even if the window slides
_MIN_ENDS = 64  # that may be kept of entries that have gone
_SHORT_LIFE = 20.0  # seconds that "nothing to suggest" and a fallback's answer are kept; others until space is needed
_OVERHEAD = 400  # bytes that an entry costs besides its characters
_MAX_PARTS = 4  # of a call's shown parts whose entries are kept up to date


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAnswer:
    """All the ``text`` that a model wrote at a position, the finish reason if there is one, and what was shown of it.

    ``cut_by`` are the rules that left something out.
    ``author`` is the back end's name, ``because`` the reason why the ones before it did not answer.
    """

    text: str
    finish: str | None
    suggestion: Suggestion | None
    from_fallback: bool = False
    author: str = ""
    because: str = ""
    cut_by: tuple[str, ...] = ()

    def result(self, suggestion: Suggestion | None) -> CompletionResult:
        """The result that shows ``suggestion``, which is made from this answer."""
        return CompletionResult(
            outcome=Outcome.FALLBACK if self.from_fallback else Outcome.CACHE,
            suggestion=suggestion,
            backend=self.author,
            reason=self.because,
            cut_by=self.cut_by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An answer that is still valid after ``typed`` was typed.

    ``paired`` counts the characters after the cursor that the editor has inserted to close what was opened.
    """

    typed: str
    answer: CachedAnswer
    paired: int = 0

    @property
    def remaining(self) -> str:
        """What the model wrote after what was typed."""
        return self.answer.text[len(self.typed) :]


@dataclass(frozen=True, slots=True)
class _Entry:
    """An answer, and the text after its position: the key contains only the rest of the line."""

    suffix: str
    answer: CachedAnswer

    @property
    def is_short_lived(self) -> bool:
        return self.answer.from_fallback or not self.answer.suggestion

    def holds(self, suffix: str, typed: str, closers: ClosersFrom) -> bool:
        """Whether the answer begins with ``typed``, and nothing else changed except for the same text at other cursors.

        ``closers`` are those of what was typed before the cursor, of which ``typed`` is the end.
        """
        shown = self.answer.suggestion
        if typed and not self.answer.text.startswith(typed) and (shown is None or shown.after(typed) is None):
            return False
        if self.suffix == suffix[:_NEAR]:
            return True
        whole = len(self.suffix) < _NEAR
        others = typed_at_others(typed, closers[len(typed)]) if typed else ()
        return any(typed_elsewhere(self.suffix, suffix, text, whole=whole) for text in others)


class SuggestionCache:
    """A least-recently-used cache, bounded in bytes. An answer is only valid in the scope that it was stored with."""

    def __init__(self, timer: Callable[[], float], *, max_bytes: int = 4 << 20) -> None:
        """``timer`` returns seconds."""
        self._entries: TLRUCache[tuple[Hashable, str, str], _Entry] = TLRUCache(
            maxsize=max_bytes,
            ttu=lambda _key, entry, now: now + _SHORT_LIFE if entry.is_short_lived else float("inf"),
            timer=timer,
            getsizeof=lambda entry: _OVERHEAD + 4 * (2 * _NEAR + 2 * len(entry.answer.text)),
        )
        self._ends: set[str] = set()  # the text right before each entry's position, and before some that have gone

    # -- by requests and calls

    def lookup(self, snapshot: Snapshot, chain: FallbackChain) -> CompletionResult | None:
        """The result that is known for a request; one without a suggestion means that there is nothing to suggest."""
        hit = self.find(_scope(snapshot, chain), snapshot.split)
        if hit is None:
            return None
        shown = hit.answer.suggestion
        if not hit.typed:
            return hit.answer.result(shown)
        if shown is not None and not hit.paired and (remaining := shown.after(hit.typed)):
            return hit.answer.result(remaining)
        return self._next_part(snapshot, chain, hit)

    def store(self, call: Call) -> None:
        """Store a call's answer at the position that it was made for, and wherever parts of it were shown."""
        self._store(
            call.snapshot, call, call.text, call.chain.postprocessor.shaped(call.snapshot, call.text, call.finish)
        )
        self.update_parts(call)

    def update_parts(self, call: Call) -> None:
        """Where a part was shown before the call's end, store what has arrived since, if it extends that part."""
        for part in call.shown_parts[-_MAX_PARTS:]:
            text = call.text_after(part.snapshot)
            if text is None:
                continue
            longer = call.chain.postprocessor.shaped(part.snapshot, text, call.finish)
            shown = longer if _extends(longer.suggestion, part.suggestion) else Shaped(suggestion=part.suggestion)
            self._store(part.snapshot, call, text, shown)

    def take_head(self, snapshot: Snapshot, call: Call) -> CompletionResult | None:
        """The complete lines of a block so far, if there is one; they are stored, and noted as shown."""
        text, postprocessor = call.text_after(snapshot), call.chain.postprocessor
        if text is None or not postprocessor.has_head(snapshot, text):
            return None
        shaped = postprocessor.shaped(snapshot, text, None)
        if shaped.suggestion is None:
            return None
        call.shown_parts.append(ShownPart(snapshot=snapshot, suggestion=shaped.suggestion))
        self._store(snapshot, call, text, shaped)
        return _answer(call).result(shaped.suggestion)

    def take_part(self, snapshot: Snapshot, call: Call) -> CompletionResult | None:
        """The result for a cursor after the call's, for which less text may be enough; noted as shown."""
        typed = typed_since(call.snapshot.split, snapshot.split)
        if not typed or not call.text.startswith(typed):
            return None
        result = self._next_part(snapshot, call.chain, Hit(typed=typed, answer=_answer(call)))
        if result is not None and result.suggestion is not None:
            call.shown_parts.append(ShownPart(snapshot=snapshot, suggestion=result.suggestion))
        return result

    def _next_part(self, snapshot: Snapshot, chain: FallbackChain, hit: Hit) -> CompletionResult | None:
        """What the model wrote next, if it is complete: what was shown has been typed, or no longer fits."""
        text, finish = hit.remaining, hit.answer.finish
        if finish != "stop" and not chain.postprocessor.is_complete(snapshot, text):
            return None
        shaped = chain.postprocessor.shaped(snapshot, text, finish)
        if shaped.suggestion is None:
            return None
        part = replace(hit.answer, text=text, suggestion=shaped.suggestion, cut_by=shaped.cut_by)
        self.put(_scope(snapshot, chain), snapshot.split, part)
        return part.result(shaped.suggestion)

    def _store(self, snapshot: Snapshot, call: Call, text: str, shaped: Shaped) -> None:
        answer = replace(_answer(call), text=text, suggestion=shaped.suggestion, cut_by=shaped.cut_by)
        self.put(_scope(snapshot, call.chain), snapshot.split, answer)

    # -- by position

    def put(self, scope: Hashable, split: Split, answer: CachedAnswer) -> None:
        """Store the answer at ``split``. ``scope`` is what else it depends on: the document and the settings."""
        try:
            self._entries[self._key(scope, split.prefix, split.suffix)] = _Entry(split.suffix[:_NEAR], answer)
        except ValueError:  # larger than the whole cache
            return
        self._ends.add(split.prefix[-_END:])
        if len(self._ends) > 2 * len(self._entries) + _MIN_ENDS:
            self._ends = {prefix[-_END:] for _, prefix, _ in self._entries}

    def find(self, scope: Hashable, split: Split) -> Hit | None:
        """The answer at the nearest earlier position, if it begins with what was typed since."""
        prefix = split.prefix[-(LOOK_BACK + _NEAR) :]
        after, closers = split.suffix[: _NEAR + LOOK_BACK], ClosersFrom(prefix)
        for length in range(min(len(prefix), LOOK_BACK) + 1):
            position = len(prefix) - length
            if prefix[max(0, position - _END) : position] not in self._ends:
                continue
            typed = prefix[position:]
            for suffix in suffixes_before(after, closers[length]) if after[:1] in CLOSING else (after,):
                entry = self._entries.get(self._key(scope, prefix[:position], suffix))
                if entry is not None and entry.holds(suffix, typed, closers):
                    return Hit(typed=typed, answer=entry.answer, paired=len(after) - len(suffix))
        return None

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._ends.clear()

    @staticmethod
    def _key(scope: Hashable, prefix: str, suffix: str) -> tuple[Hashable, str, str]:
        return scope, prefix[-_NEAR:], suffix[:_NEAR].partition("\n")[0]


def _scope(snapshot: Snapshot, chain: FallbackChain) -> Hashable:
    return snapshot.cache_scope, chain.scope


def _answer(call: Call) -> CachedAnswer:
    """A call's answer so far, with nothing shown yet."""
    return CachedAnswer(
        text=call.text,
        finish=call.finish,
        suggestion=None,
        from_fallback=call.from_fallback,
        author=call.author,
        because=call.because,
    )


def _extends(longer: Suggestion | None, shown: Suggestion) -> bool:
    return longer is not None and longer.replace == shown.replace and longer.text.startswith(shown.text)
