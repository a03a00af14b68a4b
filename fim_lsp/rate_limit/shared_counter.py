"""A count that several processes share. It never blocks a completion, and recovers by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import Any, TypeVar

from fim_lsp.rate_limit.sliding_window import Clock, Entry, Limits
from fim_lsp.rate_limit.store import Store, StoreUnavailable, Verdict

_T = TypeVar("_T")

_MIN_RETRY, _MAX_RETRY = 0.5, 60.0  # seconds between attempts to open the store again, doubling
_OPEN_TIMEOUT = 5.0  # seconds; TLS over a company's VPN may take longer than the timeout of an operation
_EPISODE = 120.0  # seconds without a failure after which the next one is reported again
_MAX_LATENESS = 0.01  # seconds; if a timer fires later, this loop was busy, and the store gets its time again
_MAX_ROUNDS = 5
_UNREPORTED_FAILURES = 1  # in a row
_MAX_TOKENS = 10**9  # no minute has more, and sums of thousands fit into a store's integers


class _State(Enum):
    """
    down ── opened ──> up
    up ── an operation fails ──> down
    down ── a permanent failure ──> given up
    any ── close() ──> closed
    """

    DOWN = auto()
    UP = auto()
    GIVEN_UP = auto()
    CLOSED = auto()


class SharedCounter:
    """Wraps ``store`` for all limiters of a process, and keeps its failures away from them.

    While the store is unavailable, :meth:`reserve` returns ``None`` at once, and the process's own count decides. A task
    reopens the store and then writes what the process still counts. ``report`` receives one message per episode.
    """

    def __init__(self, store: Store, *, report: Callable[[str], None], clock: Clock) -> None:
        self._store = store
        self._report = report
        self._clock = clock
        self._state = _State.DOWN
        self._failures = _FailureLog(clock)
        self._opener: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._pending: dict[tuple[str, str], tuple[Entry, float]] = {}  # by identity and name, with the time
        self._sources: dict[str, Callable[[], Sequence[Entry]]] = {}

    def restore_from(self, identity: str, entries: Callable[[], Sequence[Entry]]) -> None:
        """``entries`` returns what to write when the store has been unavailable."""
        self._sources[identity] = entries

    async def reserve(self, identity: str, entry: Entry, ceiling: Limits) -> Verdict | None:
        """The store's verdict, or ``None`` if there is none in time."""
        if self._state is _State.DOWN:
            opener = self._start_opening()
            if not self._failures.count:  # the first call waits: a command that completes once must be counted too
                await asyncio.wait({opener}, timeout=self._store.timeout)
        if self._state is not _State.UP:
            return None
        return await self._bounded(self._store.reserve(identity, _clamped(entry), ceiling))

    def put(self, identity: str, entries: Sequence[Entry]) -> None:
        """Write soon. While the store is down, nothing is queued: the counts are restored when it is reopened."""
        if self._state is not _State.UP:
            return
        now = self._clock()
        for entry in entries:
            self._pending[identity, entry.name] = _clamped(entry), now
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def close(self) -> None:
        """Write what is pending, and close the store."""
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=self._store.timeout)
        self._state = _State.CLOSED
        for task in (self._writer, self._opener):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        await self._store.close()

    async def _write(self) -> None:
        try:
            while self._pending and self._state is _State.UP:
                pending, self._pending = self._pending, {}
                for identity, entries in _by_identity(pending, self._clock()).items():
                    await self._bounded(self._store.put(identity, entries))
        finally:
            self._pending.clear()
            self._writer = None

    async def _bounded(self, operation: Coroutine[Any, Any, _T]) -> _T | None:
        """The result of one operation, or ``None`` if it fails or takes too long."""
        try:
            result = await self._in_time(operation)
        except StoreUnavailable as error:
            self._fail(error)
        except TimeoutError:
            limit = f"{self._store.timeout * 1000:.0f} ms"
            self._fail(StoreUnavailable(f"{self._store.label} takes longer than {limit}"))
        except Exception as error:  # noqa: BLE001 - a bug in a store must not fail a completion
            self._fail(self._unexpected(error))
        else:
            self._failures.reset()
            return result
        if self._state is _State.UP:
            self._state = _State.DOWN
            self._start_opening()
        return None

    async def _in_time(self, operation: Coroutine[Any, Any, _T]) -> _T:
        """The result within the store's timeout. Raises ``TimeoutError`` if the store is late, but not if this loop was."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(operation)
        try:
            for _ in range(_MAX_ROUNDS):
                deadline = loop.time() + self._store.timeout
                await asyncio.wait({task}, timeout=self._store.timeout)
                if task.done():
                    return task.result()
                if loop.time() - deadline < _MAX_LATENESS:
                    break
            raise TimeoutError
        finally:
            task.cancel()

    def _start_opening(self) -> asyncio.Task[None]:
        """The task that opens the store, started unless it is running."""
        if self._opener is None:
            self._opener = asyncio.get_running_loop().create_task(self._open_until_up())
        return self._opener

    async def _open_until_up(self) -> None:
        while self._state is _State.DOWN:
            await asyncio.sleep(self._failures.retry_delay)
            try:
                async with asyncio.timeout(_OPEN_TIMEOUT):
                    await self._store.open()
                self._state = _State.UP
            except StoreUnavailable as error:
                self._fail(error)
                if error.permanent:
                    self._state = _State.GIVEN_UP
            except TimeoutError:
                self._fail(StoreUnavailable(f"{self._store.label} does not answer"))
            except Exception as error:  # noqa: BLE001 - a bug in a store: try again
                self._fail(self._unexpected(error))
        self._opener = None
        for identity, entries in self._sources.items():
            self.put(identity, entries())

    def _unexpected(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"{self._store.label} can't be used ({type(error).__name__})")

    def _fail(self, error: StoreUnavailable) -> None:
        if self._failures.record(permanent=error.permanent):
            self._report(f"{error}; until it is back, this process counts its own requests and tokens only")


class _FailureLog:
    """Counts failures in a row, and decides which one is reported: at most one in an episode."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.count = 0
        self._last_at = float("-inf")
        self._reported = False

    @property
    def retry_delay(self) -> float:
        """Seconds until the next attempt."""
        return min(_MAX_RETRY, _MIN_RETRY * 2.0 ** min(self.count - 1, 10)) if self.count else 0.0

    def record(self, *, permanent: bool) -> bool:
        """Count a failure; whether it is to be reported."""
        now = self._clock()
        if now - self._last_at > _EPISODE:
            self._reported = False
        self.count += 1
        self._last_at = now
        if self._reported or not (permanent or self.count > _UNREPORTED_FAILURES):
            return False
        self._reported = True
        return True

    def reset(self) -> None:
        """An operation succeeded."""
        self.count = 0


def _by_identity(pending: dict[tuple[str, str], tuple[Entry, float]], now: float) -> dict[str, list[Entry]]:
    """Pending entries by identity; each has expired a little more since it was put."""
    grouped: dict[str, list[Entry]] = {}
    for (identity, _), (entry, at) in pending.items():
        grouped.setdefault(identity, []).append(replace(entry, expires_in=entry.expires_in - (now - at)))
    return grouped


def _clamped(entry: Entry) -> Entry:
    """The entry with a number of tokens that a store can hold: a server may report any number."""
    return replace(entry, tokens=max(-_MAX_TOKENS, min(_MAX_TOKENS, entry.tokens)))
