"""Drives the real server through a fault while typing goes on, and measures what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.faults.answers import Fault
from tests.faults.host import KEY
from tests.faults.machine import Holdings
from tests.faults.stage import Stage, stage
from tests.faults.typist import Typist
from tests.lsp.forking import forked, unforked
from tests.lsp.raw_client import RawClient
from tests.rate_limit.fakes import until

CONNECTIONS: Final = 8
"""Connections that may be kept to a host."""

_MB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a process holds at a quiet moment: tasks by their names, connections by their states, files
    other than the user's counts, memory in MB."""

    tasks: tuple[str, ...]
    connections: tuple[str, ...]
    files: int
    threads: int
    objects: int
    memory: float
    peak: float
    cpu: float

    @property
    def is_live(self) -> bool:
        """Whether each connection is one that can be used."""
        return set(self.connections) <= {"ESTABLISHED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the requests during a fault and until its end, in this order; and what the process held around it.

    ``calls`` is how often the host was asked during the fault, where that can be counted. ``recovery`` and ``ping`` are
    seconds: until the host's answers flowed again, and what the slowest reply took that needs nothing. ``answered_once`` are
    the requests with exactly one reply.
    """

    requests: int
    answered_once: int
    calls: int
    recovery: float
    messages: tuple[str, ...]
    ping: float
    is_right: bool
    leaked: bool
    before: Held
    after: Held

    @property
    def faults(self) -> list[str]:
        """What is wrong with it, whatever the fault was."""
        wrong = {
            f"{self.requests - self.answered_once} requests unanswered": self.answered_once != self.requests,
            f"{len(self.messages)} messages: {self.messages}": len(self.messages) > 3,
            f"tasks left: {self.after.tasks}, before {self.before.tasks}": self.after.tasks != self.before.tasks,
            f"{len(self.after.connections)} connections": len(self.after.connections) > CONNECTIONS,
            f"connections {self.after.connections}": not self.after.is_live,
            f"files: {self.before.files} and then {self.after.files}": self.after.files > self.before.files,
            f"memory: {self.before.memory:.0f} to {self.after.peak:.0f} MB": self.after.peak - self.before.memory > 24,
            "another document": not self.is_right,
            "another host was told something": self.leaked,
        }
        return [what for what, holds in wrong.items() if holds]


class Server(RawClient):
    """The server on a machine of its own, and its client."""

    def __init__(self, home: Path, here: Stage) -> None:
        super().__init__(home, env=here.env)
        # the clocks must be there before anything keeps them
        self.command = (unforked if here.has_own_clocks else forked)([], also="tests.faults.process")
        self._machine = here.machine
        self._home = home

    async def holdings(self, *, counts_objects: bool = False) -> Holdings:
        """What the process says that it holds."""
        self._machine.forget_report(counts_objects=counts_objects)
        self.process.send_signal(signal.SIGUSR1)
        await until(lambda: self._machine.report() is not None)
        found = self._machine.report()
        assert found is not None
        return found

    async def quiet(self, tasks: tuple[str, ...] | None, *, counts_objects: bool) -> Held:
        """What it holds once it has only these tasks, and live connections; at first, once its tasks don't change any more."""
        last: list[Holdings] = []

        async def settled() -> bool:
            await asyncio.sleep(0.03)
            last.append(await self.holdings())
            same = [one.tasks == last[-1].tasks for one in last[-6:]]
            if tasks is None:
                return len(same) == 6 and all(same) and self._held(last[-1]).is_live
            return last[-1].tasks == tasks and self._held(last[-1]).is_live

        with contextlib.suppress(TimeoutError):
            await until(settled, seconds=15)
        return self._held(await self.holdings(counts_objects=True)) if counts_objects else self._last

    def _held(self, found: Holdings) -> Held:
        self._pid, process = found.pid, psutil.Process(found.pid)
        connections = tuple(one.status for one in process.net_connections("tcp"))
        own = sum(one.path.startswith(str(self._home)) for one in process.open_files())
        used = process.cpu_times()
        self._last = Held(
            tasks=found.tasks,
            connections=connections,
            files=process.num_fds() - len(connections) - own,
            threads=len(found.threads),
            objects=found.objects,
            memory=process.memory_info().rss / _MB,
            peak=_peak(found.pid),
            cpu=used.user + used.system,
        )
        return self._last

    def forget_peak(self) -> None:
        """The peak of the memory counts from now."""
        with contextlib.suppress(OSError):
            Path(f"/proc/{self._pid}/clear_refs").write_text("5")


def _peak(pid: int) -> float:
    """The most memory that was used, in MB; what is used now, where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return float(psutil.Process(pid).memory_info().rss) / _MB


class Drive:
    """One server, and one person who types, for any number of faults in a row that have the same way to the host.

    ``thorough``: the server's objects are counted, which takes it a while.
    """

    def __init__(self, server: Server, here: Stage, *, seed: int, thorough: bool) -> None:
        self._server, self._stage, self._thorough = server, here, thorough
        self._typist = Typist(server, seed)
        self._held: Held | None = None  # at the last quiet moment

    async def through(self, fault: Fault, *, requests: int, gap: float) -> Outcome:
        """Type ``requests`` keys during a fault, ``gap`` seconds apart in a burst, then until answers flow again."""
        server, typist, host = self._server, self._typist, self._stage.host
        before = self._held or await self._warm_up()
        server.forget_peak()
        server.replies.clear()
        server.notes.clear()
        typist.asked.clear()
        typist.slowest_ping, hits = 0.0, self._stage.hits
        await fault.begin(self._stage)
        typist.key(explicit=True)  # makes a call in any case
        await typist.types(requests, gap=gap)
        if self._stage.counts_hits:
            await until(lambda: self._is_met(hits))
        calls = self._stage.hits - hits
        await self._stage.heal()
        recovery = await self._recovery()
        with contextlib.suppress(TimeoutError):
            await until(lambda: all(map(typist.replies_to, typist.asked)), seconds=15)
        is_right = await typist.document_is_known(host)
        self._held = after = await server.quiet(before.tasks, counts_objects=self._thorough)
        return Outcome(
            requests=len(typist.asked),
            answered_once=sum(typist.replies_to(number) == 1 for number in typist.asked),
            calls=calls,
            recovery=recovery,
            messages=tuple(server.messages()),
            ping=typist.slowest_ping,
            is_right=is_right,
            leaked=bool(self._stage.elsewhere.heard) or _in_proxy(self._stage),
            before=before,
            after=after,
        )

    async def _is_met(self, hits: int) -> bool:
        """Type another key, unless the fault has been met since there were so many hits."""
        if self._stage.hits == hits:
            await self._typist.types(1, gap=0.01)
        return self._stage.hits > hits

    async def _warm_up(self) -> Held:
        await until(lambda: self._typist.is_answered(self._stage.host, after=0))
        return await self._server.quiet(None, counts_objects=self._thorough)

    async def _recovery(self) -> float:
        """Seconds until the host has answered what was asked after now; 0 if that takes no more than a key."""
        loop = asyncio.get_running_loop()
        started, asked = loop.time(), len(self._stage.host.requests)
        await until(lambda: self._typist.is_answered(self._stage.host, after=asked), seconds=120)
        return loop.time() - started


def _in_proxy(here: Stage) -> bool:
    return any(KEY.encode() in head for head in here.proxy.heads)


@contextlib.asynccontextmanager
async def drive(way: str, *, seed: int, thorough: bool = False) -> AsyncIterator[Drive]:
    """Start a server that reaches its host in this way."""
    async with stage(way) as here:
        with tempfile.TemporaryDirectory(prefix="faults-home-") as home:
            async with Server(Path(home), here) as server:
                await server.initialize(options=here.settings)
                yield Drive(server, here, seed=seed, thorough=thorough)
