"""The value that is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Text to show at the cursor. ``replace`` characters to the right of it, on its line, give way to it."""

    text: str
    replace: int = 0

    def after(self, typed: str) -> Suggestion | None:
        """What is left of it once its beginning ``typed`` has been typed; ``None`` if it is used up or differs."""
        if len(typed) >= len(self.text) or not self.text.startswith(typed):
            return None
        return Suggestion(text=self.text[len(typed) :], replace=self.replace)
