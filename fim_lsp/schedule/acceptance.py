"""Whether the user takes what is offered: typed along with, accepted, or typed over."""

from __future__ import annotations

from dataclasses import dataclass

from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split
from fim_lsp.text.typed import typed_since

_TAKEN = 4  # characters typed along with a suggestion that make it taken: fewer may be chance
_PATIENCE_FROM = 4  # dismissals in a row before calls are made less eagerly
_PATIENCE_STEP, _PATIENCE_MOST = 0.25, 2.0


@dataclass(slots=True, eq=False)
class AcceptanceTracker:
    """Follows one document's suggestions. ``offered`` is the text on the screen, as far as we know."""

    offered: str = ""
    _split: Split | None = None
    _dismissed: int = 0

    def offer(self, split: Split, suggestion: Suggestion | None) -> None:
        """An answer was given."""
        if suggestion is not None:
            self.offered, self._split = suggestion.text, split

    def look(self, split: Split) -> None:
        """The user is here now."""
        if self._split is None:
            return
        typed = typed_since(self._split, split)
        if typed == "":
            return
        agreed = typed is not None and self.offered.startswith(typed)
        if agreed and typed is not None and len(typed) >= min(_TAKEN, len(self.offered)):
            self._dismissed = 0
        elif not agreed:
            self._dismissed += 1
        if not agreed or typed == self.offered:
            self.offered, self._split = "", None

    @property
    def patience(self) -> float:
        """A factor on the wait before a call, from 1."""
        return min(1 + _PATIENCE_STEP * max(0, self._dismissed - _PATIENCE_FROM), _PATIENCE_MOST)
