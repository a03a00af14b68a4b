"""How much of what was accepted is still there half a minute later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fim_lsp.schedule.events import Publish, TextKept
from fim_lsp.schedule.offer import Taken
from fim_lsp.text.document import Edit
from fim_lsp.text.followed_text import FollowedText

KEPT_AFTER = 30.0
"""Seconds after its last part was accepted, a suggestion's text is counted."""

_MAX_FOLLOWED = 8  # suggestions of one document; then the oldest is counted early


class _Timer(Protocol):
    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[int], None], int], _Timer]
"""The event loop's ``call_later``, for a function of one number."""


def _call_later(delay: float, function: Callable[[int], None], number: int) -> _Timer:
    return asyncio.get_running_loop().call_later(delay, function, number)


@dataclass(slots=True, eq=False, kw_only=True)
class _Followed:
    language: str
    backend: str
    timer: _Timer
    text: FollowedText = field(default_factory=FollowedText)
    accepted: int = 0
    end: int = 0  # the last accepted character's number in the suggestion


class KeptText:
    """One document's accepted suggestions, each counted once."""

    def __init__(
        self,
        publish: Publish,
        *,
        call_later: CallLater = _call_later,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._publish = publish
        self._call_later = call_later
        self._wall_clock = wall_clock
        self._followed: dict[int, _Followed] = {}

    def accepted(self, suggestion: int, text: str, taken: Taken, *, language: str, backend: str) -> None:
        """``text`` is what was just taken of a suggestion; it may have been taken before, and been undone."""
        timer = self._call_later(KEPT_AFTER, self._count, suggestion)
        followed = self._followed.get(suggestion)
        if followed is None:
            if len(self._followed) >= _MAX_FOLLOWED:
                self._count(next(iter(self._followed)))
            followed = self._followed[suggestion] = _Followed(language=language, backend=backend, timer=timer)
        else:
            followed.timer.cancel()
            followed.timer = timer
        followed.text.add(taken.position, text)
        followed.accepted += max(0, taken.end - max(taken.start, followed.end))
        followed.end = max(followed.end, taken.end)

    def apply(self, edit: Edit) -> None:
        """The document was edited."""
        for followed in self._followed.values():
            followed.text.apply(edit)

    def close(self) -> None:
        """The document was closed: count what is left now."""
        for suggestion in tuple(self._followed):
            self._count(suggestion)

    def _count(self, suggestion: int) -> None:
        followed = self._followed.pop(suggestion)
        followed.timer.cancel()
        self._publish(
            TextKept(
                suggestion=suggestion,
                at=self._wall_clock(),
                language=followed.language,
                backend=followed.backend,
                accepted=followed.accepted,
                kept=min(followed.text.size, followed.accepted),
            )
        )
