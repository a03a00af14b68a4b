"""What a call has brought so far, and what it has cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.rate_limit.limiter import Permit

CHARACTERS_PER_TOKEN: Final = 3.0
"""Of an answer without a token count."""

TIMER_RESOLUTION: Final = 0.001
"""Seconds that a timer of the event loop may be early."""

_MAX_TOKENS = 10_000_000  # more than any model reads at once: a server that reports more is mistaken


class CallProgress:
    """One call, with all of its attempts or one of them. Times are in seconds of ``clock``, from the start.

    ``latency`` is the time until text, or the end of the answer, has arrived, which is ``has_begun``; ``first_text`` that
    until text alone, None before. ``waiting_since``: when it was asked, or when something last arrived, by the clock; None
    while it waits for the quota or for a second try. ``usage`` is the server's count, if it has sent one.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.has_begun = False
        self.latency = 0.0
        self.first_text: float | None = None
        self.characters = 0
        self.usage: Usage | None = None
        self.is_finished = False
        self.waiting_since: float | None = None
        self._clock = clock
        self._started_at = clock()

    @property
    def elapsed(self) -> float:
        """The time since the start."""
        return self._clock() - self._started_at

    @property
    def written(self) -> int:
        """The tokens of the answer, by its length."""
        return math.ceil(self.characters / CHARACTERS_PER_TOKEN)

    def add(self, chunk: Chunk) -> None:
        """A chunk has arrived."""
        self.waiting_since = self._clock()
        self.characters += len(chunk.text)
        if not self.has_begun and (chunk.text or chunk.finish is not None):
            self.has_begun, self.latency = True, self.elapsed
        if chunk.text and self.first_text is None:
            self.first_text = self.elapsed
        if chunk.usage is not None:
            self.usage = _believable(chunk.usage)
        self.is_finished = self.is_finished or chunk.finish is not None

    def asked(self) -> None:
        """The back end is asked now."""
        self.waiting_since = self._clock()

    def settle(self, permit: Permit) -> None:
        """Account for the call in the quota."""
        if self.usage is not None and self.usage.prompt_tokens:
            permit.settle(self.usage.prompt_tokens + self.usage.completion_tokens)
        else:
            permit.aborted(self.written)


def _believable(usage: Usage) -> Usage:
    return Usage(
        prompt_tokens=min(usage.prompt_tokens, _MAX_TOKENS),
        completion_tokens=min(usage.completion_tokens, _MAX_TOKENS),
        cached_tokens=min(usage.cached_tokens, _MAX_TOKENS),
    )
