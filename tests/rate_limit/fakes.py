"""A ledger's store that lives in memory, and fails when it is told to."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from fim_lsp.rate_limit.sliding_window import Entry, Limits, standing, wait
from fim_lsp.rate_limit.store import StoreLost, Verdict
from tests.virtual import now


class MemoryStore:
    """``fail`` makes every operation fail, ``delay`` is what each takes, in seconds; ``fault`` is the one with a bug."""

    where = "the shared count in memory"
    patience = 0.05

    def __init__(self) -> None:
        self.fail = False
        self.fault = ""
        self.for_good = False
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
        if wait(standing(entries), ceiling, entry.tokens) > 0:
            return Verdict(granted=False, window=standing(entries))
        self._keep(identity, entry)
        return Verdict(granted=True, window=standing((*entries, entry)))

    async def put(self, identity: str, entries: Sequence[Entry]) -> None:
        await self._work("put")
        for entry in entries:
            self._keep(identity, entry)

    async def close(self) -> None:
        self.closed = True

    def entries(self, identity: str) -> tuple[Entry, ...]:
        return tuple(
            Entry(name=entry.name, tokens=entry.tokens, requests=entry.requests, lasts=until - now())
            for until, entry in self.held.get(identity, {}).values()
        )

    def tokens(self, identity: str) -> int:
        return standing(self.entries(identity)).tokens

    def _keep(self, identity: str, entry: Entry) -> None:
        self.held.setdefault(identity, {})[entry.name] = now() + entry.lasts, entry

    async def _work(self, operation: str) -> None:
        await asyncio.sleep(self.delay)
        if self.fault == operation:
            raise RuntimeError("a bug")
        if self.fail:
            raise StoreLost(f"{self.where} can't be used", for_good=self.for_good)


async def until(condition: Callable[[], bool | Awaitable[bool]], *, seconds: float = 20) -> None:
    """Wait for a condition, not for a time; ``seconds`` is when a test gives up."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.01)


async def hammer(where: str, *, processes: int = 2, calls: int = 150) -> list[int]:
    """Tokens that each of several processes got from one ledger."""
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).parent / "hammer.py"), where, str(calls), stdout=subprocess.PIPE
        )
        for _ in range(processes)
    ]
    printed = [await process.communicate() for process in started]
    assert [process.returncode for process in started] == [0] * processes
    return [int(out) for out, _ in printed]
