"""The value that is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Text to show at the cursor. It replaces ``replace`` characters after the cursor, on its line."""

    text: str
    replace: int = 0

    def after(self, typed: str) -> Suggestion | None:
        """What is left once ``typed``, its beginning, has been typed; ``None`` if nothing is left or it differs."""
        if len(typed) >= len(self.text) or not self.text.startswith(typed):
            return None
        return Suggestion(text=self.text[len(typed) :], replace=self.replace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaped:
    """What is shown of a text, ``None`` for nothing, and the names of the rules that left something out, in their order."""

    suggestion: Suggestion | None
    cut_by: tuple[str, ...] = ()
