"""Recent answers, found again by what has been typed since.

Looked up before any wait. An answer given at one cursor serves every later cursor that the user reaches by typing the
beginning of it, and, because it stays under the text it was given for, every earlier one by going back. What a model
wrote beyond what was shown is kept too, so that after an accept the next piece comes from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cachetools import TLRUCache

from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split
from fim_lsp.text.typed import CLOSING, at_others, behinds, typed_elsewhere

LOOK_BACK = 512  # characters typed since the answer; llama.vim walks back 128, which a block of code exceeds
_TAIL = 256  # characters before and after the cursor that make a place: the window may slide, these do not
_BRIEFLY = 20.0  # seconds that "nothing to suggest" and a stand-in's answer are believed; others until room is needed
_OVERHEAD = 400  # bytes an entry costs besides its characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An answer: all the ``text`` a model wrote at a place, whether it was ``finished``, and what was shown of it."""

    text: str
    finished: str | None
    suggestion: Suggestion | None
    from_fallback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer that holds here, after ``typed`` was typed since its place.

    ``paired`` characters behind the cursor are the editor's: it closed what was opened.
    """

    typed: str
    known: Known
    paired: int = 0

    @property
    def rest(self) -> str:
        """What the model wrote from here on."""
        return self.known.text[len(self.typed) :]


@dataclass(frozen=True, slots=True)
class _Entry:
    """An answer, and the text after its place, of which the key has only the rest of the line."""

    suffix: str
    known: Known

    @property
    def brief(self) -> bool:
        return self.known.from_fallback or not self.known.suggestion

    def holds(self, suffix: str, typed: str) -> bool:
        """Whether the answer goes on with ``typed``, and nothing else has changed, but for the same at other cursors."""
        shown = self.known.suggestion
        if typed and not self.known.text.startswith(typed) and (shown is None or shown.after(typed) is None):
            return False
        if self.suffix == suffix[:_TAIL]:
            return True
        whole = len(self.suffix) < _TAIL
        return any(typed_elsewhere(self.suffix, suffix, text, whole=whole) for text in at_others(typed) if text)


class Cache:
    """Bounded by bytes, least recently used first out. ``timer`` gives seconds."""

    def __init__(self, timer: Callable[[], float], *, max_bytes: int = 4 << 20) -> None:
        self._entries: TLRUCache[Hashable, _Entry] = TLRUCache(
            maxsize=max_bytes,
            ttu=lambda _key, entry, now: now + _BRIEFLY if entry.brief else float("inf"),
            timer=timer,
            getsizeof=lambda entry: _OVERHEAD + 4 * (2 * _TAIL + 2 * len(entry.known.text)),
        )

    def put(self, scope: Hashable, split: Split, known: Known) -> None:
        """Keep what was answered at ``split``. ``scope`` is whatever else the answer hangs on: document, settings."""
        try:
            self._entries[self._key(scope, split.prefix, split.suffix)] = _Entry(split.suffix[:_TAIL], known)
        except ValueError:  # larger than the whole cache
            return

    def find(self, scope: Hashable, split: Split) -> Found | None:
        """What is known here: the nearest earlier place whose answer goes on with what was typed since."""
        prefix = split.prefix[-(LOOK_BACK + _TAIL) :]
        behind = split.suffix[: _TAIL + LOOK_BACK]
        for length in range(min(len(prefix), LOOK_BACK) + 1):
            typed = prefix[len(prefix) - length :]
            for suffix in behinds(behind, typed) if behind[:1] in CLOSING else (behind,):
                entry = self._entries.get(self._key(scope, prefix[: len(prefix) - length], suffix))
                if entry is not None and entry.holds(suffix, typed):
                    return Found(typed=typed, known=entry.known, paired=len(behind) - len(suffix))
        return None

    @staticmethod
    def _key(scope: Hashable, prefix: str, suffix: str) -> Hashable:
        return scope, prefix[-_TAIL:], suffix[:_TAIL].partition("\n")[0]
