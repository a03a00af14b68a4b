"""Recent answers, found again by what has been typed since.

Looked up before any wait. An answer given at one cursor serves every later cursor that the user reaches by typing the
beginning of it, and, because it stays under the text it was given for, every earlier one by going back.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cachetools import TLRUCache

from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split

LOOK_BACK = 256  # characters typed since the answer; llama.vim walks back 128
_TAIL = 256  # characters before and after the cursor that make a place: the window may slide, these do not
_EMPTY_FOR = 20.0  # seconds that "nothing to suggest" is believed; text is believed until it is pushed out
_OVERHEAD = 400  # bytes an entry costs besides its characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A known answer: ``suggestion`` is what is left of it here, ``None`` where nothing was to suggest."""

    suggestion: Suggestion | None


class Cache:
    """Bounded by bytes, least recently used first out. ``timer`` gives seconds."""

    def __init__(self, timer: Callable[[], float], *, max_bytes: int = 4 << 20) -> None:
        self._entries: TLRUCache[Hashable, Suggestion | None] = TLRUCache(
            maxsize=max_bytes,
            ttu=lambda _key, value, now: now + _EMPTY_FOR if value is None else float("inf"),
            timer=timer,
            getsizeof=lambda value: _OVERHEAD + 4 * (2 * _TAIL + (len(value.text) if value else 0)),
        )

    def put(self, scope: Hashable, split: Split, suggestion: Suggestion | None) -> None:
        """Keep what was answered at ``split``. ``scope`` is whatever else the answer hangs on: document, settings."""
        try:
            self._entries[self._key(scope, split.prefix, split.suffix)] = suggestion
        except ValueError:  # larger than the whole cache
            return

    def find(self, scope: Hashable, split: Split) -> Found | None:
        """What is known here: the nearest earlier place whose answer goes on with what was typed since."""
        prefix = split.prefix
        for typed in range(min(len(prefix), LOOK_BACK) + 1):
            key = self._key(scope, prefix[: len(prefix) - typed], split.suffix)
            if key not in self._entries:
                continue
            known = self._entries.get(key)
            if known is None:
                if typed == 0:
                    return Found(suggestion=None)
            elif rest := known.after(prefix[len(prefix) - typed :]):
                return Found(suggestion=rest)
        return None

    @staticmethod
    def _key(scope: Hashable, prefix: str, suffix: str) -> Hashable:
        return scope, prefix[-_TAIL:], suffix[:_TAIL]
