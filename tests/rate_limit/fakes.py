"""A store in memory that fails on request, and a clock that tests set."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.rate_limit.sliding_window import Entry, Limits, seconds_until_free, usage_window
from fim_lsp.rate_limit.store import StoreUnavailable, Verdict
from tests.virtual import now


@dataclass(slots=True)
class Clock:
    """Returns ``now``, in seconds, which tests set."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def no_jitter() -> float:
    return 0.0


class MemoryStore:
    """``fail`` makes every operation fail, ``delay`` is how long each takes in seconds, ``bug_in`` names one with a bug."""

    label = "the shared count in memory"
    timeout = 0.05

    def __init__(self) -> None:
        self.fail = False
        self.bug_in = ""
        self.permanent = False
        self.delay = 0.0
        self.opened = 0
        self.closed = False
        self.held: dict[str, dict[str, tuple[float, Entry]]] = {}

    async def open(self) -> None:
        self.opened += 1
        await self._work("open")

    async def reserve(self, identity: str, entry: Entry, ceiling: Limits) -> Verdict:
        await self._work("reserve")
        self.held.get(identity, {}).pop(entry.name, None)
        entries = self.entries(identity)
        if seconds_until_free(usage_window(entries), ceiling, entry.tokens) > 0:
            return Verdict(granted=False, window=usage_window(entries))
        self._keep(identity, entry)
        return Verdict(granted=True, window=usage_window((*entries, entry)))

    async def put(self, identity: str, entries: Sequence[Entry]) -> None:
        await self._work("put")
        for entry in entries:
            self._keep(identity, entry)

    async def look(self, identity: str) -> tuple[Entry, ...]:
        await self._work("look")
        return self.entries(identity)

    async def close(self) -> None:
        self.closed = True

    def entries(self, identity: str) -> tuple[Entry, ...]:
        return tuple(
            Entry(name=entry.name, tokens=entry.tokens, requests=entry.requests, expires_in=until - now())
            for until, entry in self.held.get(identity, {}).values()
        )

    def tokens(self, identity: str) -> int:
        return usage_window(self.entries(identity)).tokens

    def _keep(self, identity: str, entry: Entry) -> None:
        self.held.setdefault(identity, {})[entry.name] = now() + entry.expires_in, entry

    async def _work(self, operation: str) -> None:
        await asyncio.sleep(self.delay)
        if self.bug_in == operation:
            raise RuntimeError("a bug")
        if self.fail:
            raise StoreUnavailable(f"{self.label} can't be used", permanent=self.permanent)


async def until(condition: Callable[[], bool | Awaitable[bool]], *, seconds: float = 20) -> None:
    """Wait for a condition; the test fails after ``seconds``."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.01)


async def hammer(where: str, *, processes: int = 2, calls: int = 150) -> list[int]:
    """The tokens that each of several processes got from one store."""
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).parent / "hammer.py"), where, str(calls), stdout=subprocess.PIPE
        )
        for _ in range(processes)
    ]
    printed = [await process.communicate() for process in started]
    assert [process.returncode for process in started] == [0] * processes
    return [int(out) for out, _ in printed]


async def until_closed(path: Path) -> None:
    """Wait until nobody has the database open: ``SqliteStore.close()`` does not wait for its thread."""
    await until(lambda: not Path(f"{path}-wal").exists())
