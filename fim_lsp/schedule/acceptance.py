"""Whether the user takes suggestions (accepts or types them) or dismisses them."""

from __future__ import annotations

from dataclasses import dataclass

from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split
from fim_lsp.text.typed import typed_since

_MIN_TYPED = 4  # characters of a suggestion that, once typed, count as taking it: fewer may be chance
_FREE_DISMISSALS = 4  # dismissals in a row that change nothing
_STEP, _MAX_FACTOR = 0.25, 2.0


@dataclass(slots=True, eq=False)
class AcceptanceTracker:
    """Follows one document's suggestions. ``offered`` is the one that is presumably on the screen."""

    offered: str = ""
    _split: Split | None = None
    _dismissals: int = 0

    def offer(self, split: Split, suggestion: Suggestion | None) -> None:
        """A request made at ``split`` was answered."""
        if suggestion is not None:
            self.offered, self._split = suggestion.text, split

    def observe(self, split: Split) -> None:
        """The cursor is at ``split`` now: what was offered has been taken, dismissed, or is still there."""
        if self._split is None:
            return
        typed = typed_since(self._split, split)
        if typed == "":
            return
        if typed is None or not self.offered.startswith(typed):
            self._dismissals += 1
            self._forget()
            return
        if len(typed) >= min(_MIN_TYPED, len(self.offered)):
            self._dismissals = 0
        if typed == self.offered:
            self._forget()

    @property
    def debounce_factor(self) -> float:
        """What the debounce is multiplied by, from 1: grows with the dismissals in a row."""
        return min(1 + _STEP * max(0, self._dismissals - _FREE_DISMISSALS), _MAX_FACTOR)

    def _forget(self) -> None:
        self.offered, self._split = "", None
