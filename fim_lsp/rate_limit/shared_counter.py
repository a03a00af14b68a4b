"""A shared count that never blocks a completion: bounded in time, silent about hiccups, back by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from fim_lsp.rate_limit.sliding_window import Clock, Entry, Limits
from fim_lsp.rate_limit.store import Store, StoreLost, Verdict

_T = TypeVar("_T")

_FIRST, _LAST = 0.5, 60.0  # seconds between attempts to open it again, doubling
_OPENING = 5.0  # seconds an attempt may take: TLS over a company's VPN needs more than an operation does
_EPISODE = 120.0  # seconds without a failure after which the next one is news
_LATE = (
    0.01  # seconds after its time that a timer fires when our own loop was busy: then the store is given its time again
)
_ROUNDS = 5
_HICCUPS = 1  # failures in a row that are nobody's business
_TOKENS_MOST = 10**9  # no minute has more, and thousands of such sums fit into a store's integers


class SharedCounter:
    """``store`` with its troubles kept away; one for all limiters of a process.

    While the store is away :meth:`reserve` says ``None`` at once, and the process's own count decides. A task tries to
    open it again; when it is back, what the watchers still count is laid into it, and work goes on. ``say`` is told once
    an episode, in one sentence without secrets.
    """

    def __init__(self, store: Store, *, say: Callable[[str], None], clock: Clock) -> None:
        self._store = store
        self._say = say
        self._clock = clock
        self._up = False
        self._told = False
        self._failures = 0
        self._failed_at = float("-inf")
        self._opener: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._waiting: dict[tuple[str, str], tuple[Entry, float]] = {}
        self._watched: dict[str, Callable[[], Sequence[Entry]]] = {}
        self._closed = False

    def watch(self, identity: str, entries: Callable[[], Sequence[Entry]]) -> None:
        """``entries`` gives what is laid into the store when it was away."""
        self._watched[identity] = entries

    async def reserve(self, identity: str, entry: Entry, ceiling: Limits) -> Verdict | None:
        """The store's verdict, ``None`` if there is none in time."""
        if not self._up:
            opener, first = self._open(), self._failures == 0
            if first and opener is not None:  # a command that completes once and exits shall be counted too
                await asyncio.wait({opener}, timeout=self._store.patience)
            if not self._up:
                return None
        return await self._bounded(self._store.reserve(identity, _sane(entry), ceiling))

    def put(self, identity: str, entries: Sequence[Entry]) -> None:
        """Write soon. What can't be written now is written from the watchers' counts when the store is back."""
        if not self._up or self._closed:
            return
        now = self._clock()
        for entry in entries:
            self._waiting[identity, entry.name] = _sane(entry), now
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def close(self) -> None:
        """Write what waits, and let go."""
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=self._store.patience)
        self._closed, self._up = True, False
        for task in (self._writer, self._opener):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        await self._store.close()

    async def _write(self) -> None:
        try:
            await self._write_waiting()
        finally:
            self._waiting.clear()
            self._writer = None

    async def _write_waiting(self) -> None:
        while self._waiting and self._up:
            waiting, self._waiting = self._waiting, {}
            now = self._clock()
            entries: dict[str, list[Entry]] = {}
            for (identity, _), (entry, at) in waiting.items():
                lasts = entry.lasts - (now - at)
                entries.setdefault(identity, []).append(
                    Entry(name=entry.name, tokens=entry.tokens, requests=entry.requests, lasts=lasts)
                )
            for identity, group in entries.items():
                await self._bounded(self._store.put(identity, group))

    async def _bounded(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """The result of one operation, ``None`` if it fails or takes too long."""
        try:
            result = await self._in_time(work)
        except StoreLost as lost:
            self._failed(lost)
        except TimeoutError:
            self._failed(StoreLost(f"{self._store.where} takes longer than {self._store.patience * 1000:.0f} ms"))
        except Exception as error:  # noqa: BLE001 - a fault of the store's: no completion may fail for it
            self._failed(self._fault(error))
        else:
            self._failures = 0
            return result
        self._up = False
        self._open()
        return None

    async def _in_time(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The result within the store's patience. Raises TimeoutError if the store is late, but not if our own loop was."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        try:
            for _ in range(_ROUNDS):
                deadline = loop.time() + self._store.patience
                await asyncio.wait({task}, timeout=self._store.patience)
                if task.done():
                    return task.result()
                if loop.time() - deadline < _LATE:
                    break
            raise TimeoutError
        finally:
            task.cancel()

    def _open(self) -> asyncio.Task[None] | None:
        """The task that opens the store, started if none is under way."""
        if self._opener is None and not self._closed:
            self._opener = asyncio.get_running_loop().create_task(self._keep_opening())
        return self._opener

    async def _keep_opening(self) -> None:
        while not self._up:
            if self._failures:
                await asyncio.sleep(min(_LAST, _FIRST * 2.0 ** min(self._failures - 1, 10)))
            try:
                async with asyncio.timeout(_OPENING):
                    await self._store.open()
                self._up = True
            except StoreLost as lost:
                self._failed(lost)
                if lost.for_good:
                    return  # the task stays, so that no other is started
            except TimeoutError:
                self._failed(StoreLost(f"{self._store.where} does not answer"))
            except Exception as error:  # noqa: BLE001 - as above: it is tried again
                self._failed(self._fault(error))
        self._opener = None
        for identity, entries in self._watched.items():
            self.put(identity, entries())

    def _fault(self, error: Exception) -> StoreLost:
        return StoreLost(f"{self._store.where} can't be used ({type(error).__name__})")

    def _failed(self, lost: StoreLost) -> None:
        now = self._clock()
        if now - self._failed_at > _EPISODE:
            self._told = False
        self._failures += 1
        self._failed_at = now
        if not self._told and (lost.for_good or self._failures > _HICCUPS):
            self._told = True
            self._say(f"{lost}; until it is back, this process counts its own requests and tokens only")


def _sane(entry: Entry) -> Entry:
    """``entry`` as a store can hold it: what a server says it charged may be any number."""
    return replace(entry, tokens=max(-_TOKENS_MOST, min(_TOKENS_MOST, entry.tokens)))
