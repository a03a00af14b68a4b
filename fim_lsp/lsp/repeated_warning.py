"""A warning that the user's next key has erased is shown once more, at the first pause in typing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from fim_lsp.session.notifier import Level

PAUSE: Final = 2.0
"""Seconds without an edit, after which somebody probably looks at the screen."""

_ERASED_BY_A_KEY: Final = frozenset({"helix"})
"""Editors that show a message in a line which the next key clears, and have no other place for it."""


class RepeatedWarning:
    """One editor's latest warning, until it has been repeated or no longer applies."""

    def __init__(
        self,
        show: Callable[[str], None],
        last_edit: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``show`` shows a message. ``last_edit`` is when the user last changed a document, in seconds of ``clock``."""
        self._show = show
        self._last_edit = last_edit
        self._clock = clock
        self._is_needed = False
        self._message = ""
        self._shown_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def identify_client(self, name: str) -> None:
        """Take the editor's name from ``initialize``. Most keep a message until the user has seen it."""
        self._is_needed = name in _ERASED_BY_A_KEY

    def on_message(self, level: Level, message: str) -> None:
        """A message was shown. Good news ends a warning."""
        self._message = message if self._is_needed and level is Level.WARNING else ""
        self._shown_at = self._clock()

    def on_answered(self, _event: object) -> None:
        """A request was answered, which means that the user has typed: wait for a pause if that erased a warning."""
        if self._message and self._timer is None and self._last_edit() > self._shown_at:
            self._wait(PAUSE)

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        rest = PAUSE - (self._clock() - self._last_edit())
        if self._message and rest > 0:
            self._wait(rest)
        elif self._message:
            message, self._message = self._message, ""
            self._show(message)
