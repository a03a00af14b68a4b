"""Decides whether a call fits into the quota, and what to save if the quota runs low."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.rate_limit.local_counter import LocalCounter, Reservation, Wait
from fim_lsp.rate_limit.pacing import Degradation, TokenBucket, degrade, freedom
from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import (
    RESERVATION_SECONDS,
    Clock,
    Entry,
    Limits,
    Rate,
    UsageWindow,
    headroom,
    seconds_until_free,
    sustainable_rate,
)
from fim_lsp.rate_limit.store import Store
from fim_lsp.secret import Secret

SQLITE_FILE: Final = "limits.sqlite3"

_MARGIN: Final = 1.2  # 95 % of estimates are exceeded by less than this factor, once calls were charged
_MIN_SHARE: Final = 0.2  # of the sustainable rate, for a process to which others have left nothing
_DEMAND_MEMORY: Final = 20.0  # seconds over which the demand is averaged


def _jitter() -> float:
    return random.SystemRandom().random()


class Limiter:
    """The quota of ``identity``, a model at a host. ``shared`` counts it together with other processes.

    Before a call, :meth:`debounce_factor` and :meth:`choose_prompt_share` return what to save, and :meth:`reserve` returns
    a :class:`Permit`, or how long to :class:`Wait`. All methods except :meth:`reserve` return at once; all must be called
    in the event loop's thread.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        identity: str,
        shared: SharedCounter | None = None,
        clock: Clock = time.monotonic,
        jitter: Callable[[], float] = _jitter,
    ) -> None:
        self.counter = LocalCounter(limits, clock, jitter)
        self._identity = identity
        self._shared_counter = shared
        self._clock = clock
        self._shared_window: tuple[UsageWindow, float] | None = None  # as it was last seen, and when
        self._demand = _Demand(clock())
        self._bucket = TokenBucket(clock())
        self._prompt_share = 1.0
        self._restores = False

    def debounce_factor(self, *, prompt: int, output: int) -> float:
        """How much longer to debounce; ``prompt`` and ``output`` are the tokens of a call that saves nothing."""
        return self._degradation(prompt, output).debounce_factor

    def choose_prompt_share(self, *, prompt: int, output: int) -> float:
        """Decide which share of the usual prompt to send next. The decision is kept, so that sizes do not alternate."""
        self._prompt_share = self._degradation(prompt, output).prompt_share
        return self._prompt_share

    async def reserve(self, *, prompt: int, output: int, explicit: bool = False) -> Permit | Wait:
        """Reserve a call of about ``prompt`` tokens and a typical answer of ``output``. Takes up to 50 ms."""
        self._demand.add_call(self._clock())
        tokens = math.ceil(prompt * _MARGIN) + output
        if not explicit and (seconds := self._pace(prompt + output)) > 0:
            return Wait(seconds=max(seconds, seconds_until_free(self._window(), self.counter.ceiling(), tokens)))
        reservation = self.counter.reserve(tokens, explicit=explicit)
        if isinstance(reservation, Wait):
            return reservation
        granted = False
        try:
            wait = await self._reserve_shared(reservation, explicit=explicit)
            granted = wait is None
        finally:
            if not granted:  # refused, or cancelled while waiting
                self._put_shared(self.counter.release(reservation))
        return wait or Permit(self, reservation, prompt)

    def observe(self, quota: Quota) -> None:
        """Apply the limits and the remaining quota that the headers of a reply (200 or 429) report."""
        self.counter.observe(quota)
        if self._shared_window is not None:
            window, at = self._shared_window
            self._put_shared(*self.counter.foreign_entries(quota, window.after(self._clock() - at)))

    @property
    def _shared(self) -> SharedCounter | None:
        """The shared counter, unless nothing is limited and there is nothing to count together."""
        return None if self.counter.unlimited else self._shared_counter

    async def _reserve_shared(self, reservation: Reservation, *, explicit: bool) -> Wait | None:
        shared = self._shared
        if shared is None:
            return None
        if not self._restores:
            self._restores = True
            shared.restore_from(self._identity, self.counter.entries)
        ceiling = self.counter.ceiling(explicit=explicit)
        entry = Entry(name=reservation.name, tokens=reservation.tokens, requests=1, expires_in=RESERVATION_SECONDS)
        verdict = await shared.reserve(self._identity, entry, ceiling)
        self._shared_window = None if verdict is None else (verdict.window, self._clock())
        if verdict is None or verdict.granted:
            return None
        return Wait(seconds=seconds_until_free(verdict.window, ceiling, reservation.tokens))

    def _put_shared(self, *entries: Entry) -> None:
        if (shared := self._shared) is not None:
            shared.put(self._identity, entries)

    def _pace(self, tokens: int) -> float:
        """Take a call from the bucket if the rate is limiting; returns the seconds to wait if the bucket is empty."""
        window, ceiling = self._window(), self.counter.ceiling()
        rate = self._own_rate(window, ceiling)
        calls_per_second = min(rate.tokens / max(tokens, 1), rate.requests)
        self._bucket.refill(self._clock(), calls_per_second)
        if freedom(headroom(window, ceiling)) > 0:
            return 0.0
        seconds = self._bucket.wait(calls_per_second)
        if not seconds:
            self._bucket.take()
        return seconds

    def _degradation(self, prompt: int, output: int) -> Degradation:
        window, ceiling = self._window(), self.counter.ceiling()
        return degrade(
            headroom=headroom(window, ceiling),
            rate=self._own_rate(window, ceiling),
            demand=self._demand.calls_per_second(self._clock()),
            prompt=prompt,
            output=output,
            last_share=self._prompt_share,
        )

    def _own_rate(self, window: UsageWindow, ceiling: Limits) -> Rate:
        """This process's share of the sustainable rate: its share of the window's requests, but not less than a minimum."""
        share = self.counter.own_requests / window.requests if window.requests else 1.0
        return sustainable_rate(window, ceiling).scaled(min(1.0, max(share, _MIN_SHARE)))

    def _window(self) -> UsageWindow:
        """The more restrictive of the shared window, as it was last seen, and this process's own."""
        own = self.counter.window()
        if self._shared_window is None:
            return own
        window, at = self._shared_window
        ceiling = self.counter.ceiling()
        candidates = window.after(self._clock() - at), own
        return min(candidates, key=lambda window: (-window.paused, headroom(window, ceiling)))


class Permit:
    """Permission for one call. Call exactly one of its methods when the call is over; further calls have no effect."""

    def __init__(self, limiter: Limiter, reservation: Reservation, prompt: int) -> None:
        self._limiter = limiter
        self._reservation: Reservation | None = reservation
        self._prompt = prompt

    def settle(self, total_tokens: int) -> None:
        """The server reported what it charged."""
        if reservation := self._take():
            self._limiter._put_shared(self._limiter.counter.settle(reservation, total_tokens))

    def aborted(self, received_tokens: int) -> None:
        """The call ended early or without a usage report: the prompt is charged, and what was generated."""
        if reservation := self._take():
            total, answered = self._prompt + received_tokens, received_tokens > 0
            self._limiter._put_shared(self._limiter.counter.settle(reservation, total, answered=answered))

    def release(self) -> None:
        """The call was not sent."""
        if reservation := self._take():
            self._limiter._put_shared(self._limiter.counter.release(reservation))

    def rate_limited(self, retry_after: float | None) -> None:
        """The server answered 429, with ``retry_after`` seconds if it gave a number."""
        if reservation := self._take():
            self._limiter._put_shared(*self._limiter.counter.rate_limited(reservation, retry_after))

    def _take(self) -> Reservation | None:
        reservation, self._reservation = self._reservation, None
        return reservation


@dataclass(slots=True)
class _Demand:
    """The calls a second that the user causes, as a moving average."""

    updated_at: float
    rate: float = 0.0

    def calls_per_second(self, now: float) -> float:
        return self.rate * math.exp((self.updated_at - now) / _DEMAND_MEMORY)

    def add_call(self, now: float) -> None:
        self.rate, self.updated_at = self.calls_per_second(now) + 1 / _DEMAND_MEMORY, now


class LimiterRegistry:
    """The limiters of a process, one for each model at a host, which all share one counter in ``store``.

    ``report`` receives one message per episode in which the store is unavailable.
    """

    def __init__(self, store: Store | None, *, report: Callable[[str], None], clock: Clock = time.monotonic) -> None:
        self._shared = None if store is None else SharedCounter(store, report=report, clock=clock)
        self._clock = clock
        self._limiters: dict[str, Limiter] = {}

    def get(self, host: str, model: str, limits: Limits) -> Limiter:
        """The limiter of a model at a host (including the region, if that has its own quota), with these limits."""
        identity = identity_of(host, model)
        limiter = self._limiters.get(identity)
        if limiter is None:
            limiter = Limiter(limits, identity=identity, shared=self._shared, clock=self._clock)
            self._limiters[identity] = limiter
        limiter.counter.limits = limits
        return limiter

    async def close(self) -> None:
        """Write what is pending, and close the store."""
        if self._shared is not None:
            await self._shared.close()


def identity_of(host: str, model: str) -> str:
    """What a quota is counted for: the name of its entries in a store."""
    return f"{host} {model}"


def choose_store(location: Secret, state_folder: Path) -> Store | None:
    """The store for the setting ``limits_store``: a file for ``machine``, none for ``process``, or a Redis server.

    Raises :class:`ValueError` for anything else.
    """
    name = location.reveal()
    if name.startswith(("redis://", "rediss://")):
        from fim_lsp.rate_limit.redis_store import RedisStore

        return RedisStore(location)
    match name:
        case "machine":
            from fim_lsp.rate_limit.sqlite_store import SqliteStore  # imported only where it is used: start-up time

            return SqliteStore(state_folder / SQLITE_FILE)
        case "process":
            return None
    raise ValueError("must be machine, process, or an address that begins with redis:// or rediss://")
