"""What a server process uses, seen from outside and inside, and what a run of them says."""

from __future__ import annotations

import itertools
import json
import os
import signal
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.rate_limit.fakes import until


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One part of a run. ``at`` in seconds from its start, memory (USS) in bytes; latencies are medians of this part in
    seconds, None if there was none."""

    at: float
    edits: int
    memory: int
    descriptors: int
    sockets: int
    threads: int
    tasks: int
    objects: int
    cpu: float
    answer: float | None
    ping: float | None


async def sample(
    pid: int, told: Path, *, at: float, edits: int, answers: Sequence[float], pings: Sequence[float]
) -> Sample:
    """Look at a process that ``tests.soak.watched`` runs, which writes to ``told``."""
    seen = _stamp(told)
    os.kill(pid, signal.SIGUSR1)
    await until(lambda: _stamp(told) != seen)
    inside = _read(told)
    process = psutil.Process(pid)
    return Sample(
        at=at,
        edits=edits,
        memory=process.memory_full_info().uss,
        descriptors=process.num_fds(),
        sockets=len(process.net_connections()),
        threads=process.num_threads(),
        tasks=inside["tasks"],
        objects=inside["objects"],
        cpu=sum(process.cpu_times()[:2]),
        answer=statistics.median(answers) if answers else None,
        ping=statistics.median(pings) if pings else None,
    )


def _stamp(file: Path) -> int:
    """When a file was written, in ns; 0 if it does not exist."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _read(file: Path) -> Any:
    return json.loads(file.read_text())


def tenths(samples: Sequence[Sample], value: Callable[[Sample], float | None]) -> list[float]:
    """The medians of ``value`` in ten parts of a run, without parts that have none."""
    parts = [samples[len(samples) * n // 10 : len(samples) * (n + 1) // 10] for n in range(10)]
    known = [[it for one in part if (it := value(one)) is not None] for part in parts]
    return [statistics.median(part) for part in known if part]


def cpu_per_edit(samples: Sequence[Sample]) -> list[float]:
    """The seconds of CPU that an edit cost in each tenth. Unlike latency, they do not depend on what else the machine does."""
    ends = [samples[(len(samples) - 1) * n // 10] for n in range(11)]
    return [(last.cpu - first.cpu) / max(last.edits - first.edits, 1) for first, last in itertools.pairwise(ends)]


def growth(samples: Sequence[Sample], value: Callable[[Sample], float | None], warm_up: float = 0.2) -> float:
    """By which share the last tenth exceeds the first tenth after the warm-up."""
    values = tenths(samples[int(len(samples) * warm_up) :], value)
    return values[-1] / values[0] - 1 if len(values) > 1 and values[0] else 0.0
