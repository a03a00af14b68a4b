"""What the scheduler asks before every call: is there room, and if it gets tight, what to save on."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.rate_limit.degradation import Degradation, degrade, leave
from fim_lsp.rate_limit.local_counter import LocalCounter, Refusal, Reservation
from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import HOLD, Clock, Entry, Limits, Pace, Standing, pace, room, wait
from fim_lsp.rate_limit.token_bucket import TokenBucket

_MARGIN: Final = 1.2  # estimates are less than this much too low for 95 % of prompts once a call was charged
_NEWCOMER: Final = 0.2  # of the pace, for a process that others have left nothing
_MEMORY = 20.0  # seconds over which the wanted calls are counted


def _by_chance() -> float:
    return random.SystemRandom().random()


class Permit:
    """Leave to make one call. End it exactly once; as a context manager it ends itself as hung up on at once."""

    def __init__(self, limiter: Limiter, reservation: Reservation, prompt: int) -> None:
        self._limiter = limiter
        self._reservation: Reservation | None = reservation
        self._prompt = prompt

    def settle(self, total_tokens: int) -> None:
        """The server said what it charged."""
        if ended := self._end():
            self._limiter._ended(self._limiter.budget.settle(ended, total_tokens))

    def hung_up(self, received_tokens: int) -> None:
        """The call ended early or without usage: the prompt is charged, and what was generated."""
        if ended := self._end():
            total = self._prompt + received_tokens
            self._limiter._ended(self._limiter.budget.settle(ended, total, answered=received_tokens > 0))

    def release(self) -> None:
        """The call was not sent."""
        if ended := self._end():
            self._limiter._ended(self._limiter.budget.release(ended))

    def refused(self, retry_after: float | None) -> None:
        """The server answered 429, and may have said for how many seconds."""
        if ended := self._end():
            self._limiter._ended(*self._limiter.budget.refused(ended, retry_after))

    def _end(self) -> Reservation | None:
        ended, self._reservation = self._reservation, None
        return ended

    def __enter__(self) -> Permit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hung_up(0)


class Limiter:
    """One quota: that of ``identity``, a host and a model. ``ledger`` is shared with other processes, or there is none.

    All methods but :meth:`reserve` return at once and belong into the event loop's thread. ``limits`` may be exchanged.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        identity: str,
        ledger: SharedCounter | None = None,
        clock: Clock = time.monotonic,
        jitter: Callable[[], float] = _by_chance,
    ) -> None:
        self.budget = LocalCounter(limits, clock, jitter)
        self._identity = identity
        self._ledger = ledger
        self._clock = clock
        self._shared: tuple[Standing, float] | None = None
        self._wanted, self._wanted_at = 0.0, clock()
        self._thrift = Degradation()
        self._ration = TokenBucket(clock)
        self._watched = False

    @property
    def _shares(self) -> SharedCounter | None:
        """The ledger, if there is a limit that others share: without one there is nothing to count together."""
        return None if self._ledger is None or self.budget.unlimited else self._ledger

    @property
    def room(self) -> float:
        """What is left of the minute for automatic requests, 0 to 1; 0 while the server wants no calls."""
        window = self._window()
        return 0.0 if window.paused else room(window, self.budget.ceiling())

    def thrift(self, *, prompt: int, output: int) -> Degradation:
        """What to save on now; ``prompt`` and ``output`` are the tokens of a call that saves nothing."""
        window, ceiling = self._window(), self.budget.ceiling()
        self._thrift = degrade(
            room=room(window, ceiling), pace=self._pace(window, ceiling), wanted=self._wanting(),
            prompt=prompt, output=output, before=self._thrift,
        )  # fmt: skip
        return self._thrift

    async def reserve(self, *, prompt: int, output: int, explicit: bool = False) -> Permit | Refusal:
        """Room for a call of ``prompt`` tokens by estimate and an answer of usually ``output``. Waits 50 ms at the most."""
        self._wanted, self._wanted_at = self._wanting() + 1 / _MEMORY, self._clock()
        tokens = math.ceil(prompt * _MARGIN) + output
        if not explicit and (seconds := self._paced(prompt + output)) > 0:
            return Refusal(seconds=seconds)
        own = self.budget.reserve(tokens, explicit=explicit)
        ledger = self._shares
        if isinstance(own, Refusal) or ledger is None:
            return own if isinstance(own, Refusal) else Permit(self, own, prompt)
        if not self._watched:
            self._watched = True
            ledger.watch(self._identity, self.budget.entries)
        granted = False
        try:
            refusal = await self._ask(ledger, own, explicit=explicit)
            granted = refusal is None
        finally:
            if not granted:  # refused, or cancelled while we asked
                self._ended(self.budget.release(own))
        return refusal or Permit(self, own, prompt)

    def observe(self, quota: Quota) -> None:
        """The headers of a reply, 200 or 429, told the limits and what is left of them."""
        self.budget.observe(quota)
        if (ledger := self._shares) is not None and self._shared is not None:
            window, at = self._shared
            ledger.put(self._identity, self.budget.others(quota, window.after(self._clock() - at)))

    async def _ask(self, ledger: SharedCounter, own: Reservation, *, explicit: bool) -> Refusal | None:
        ceiling = self.budget.ceiling(explicit=explicit)
        entry = Entry(name=own.name, tokens=own.tokens, requests=1, lasts=HOLD)
        verdict = await ledger.reserve(self._identity, entry, ceiling)
        self._shared = None if verdict is None else (verdict.window, self._clock())
        if verdict is None or verdict.granted:
            return None
        return Refusal(seconds=wait(verdict.window, ceiling, own.tokens))

    def _paced(self, tokens: int) -> float:
        """Seconds until the call keeps the pace, 0 while there is room enough not to mind."""
        window, ceiling = self._window(), self.budget.ceiling()
        seconds = self._ration.wait(tokens, self._pace(window, ceiling))
        if leave(room(window, ceiling)) > 0:
            return 0.0
        if not seconds:
            self._ration.spend()
        return seconds

    def _pace(self, window: Standing, ceiling: Limits) -> Pace:
        """Our part of what can be kept up: as much of it as of the minute that was used, a newcomer's part at the least."""
        used = window.requests
        part = self.budget.requests / used if used else 1.0
        return pace(window, ceiling).scaled(min(1.0, max(part, _NEWCOMER)))

    def _window(self) -> Standing:
        """The shared window as it was last seen, else our own."""
        own = self.budget.standing()
        if self._shared is None:
            return own
        window, at = self._shared
        ceiling = self.budget.ceiling()
        return min(window.after(self._clock() - at), own, key=lambda seen: (-seen.paused, room(seen, ceiling)))

    def _wanting(self) -> float:
        """Calls a second that are wanted now: a mean that forgets."""
        return self._wanted * math.exp((self._wanted_at - self._clock()) / _MEMORY)

    def _ended(self, *entries: Entry) -> None:
        if (ledger := self._shares) is not None:
            ledger.put(self._identity, entries)
