"""Stands in for the operating system of a server: it is imported before everything else in the server's process.

It shifts the clocks and resolves names as :class:`~tests.faults.machine.Machine` says, and writes down after a SIGUSR1
what the process holds. Nothing of the server is replaced.
"""

from __future__ import annotations

import asyncio
import gc
import json
import mmap
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

from tests.faults.machine import AGAIN, CLOCKS, COUNT, HANG, UNKNOWN, VARIABLE

_time, _monotonic, _getaddrinfo = time.time, time.monotonic, socket.getaddrinfo


class _Clocks:
    """Their folder is known once the environment is, after the fork."""

    def __init__(self) -> None:
        self._shifts: mmap.mmap | None = None

    def time(self) -> float:
        return _time() + self._shift(0)

    def monotonic(self) -> float:
        return _monotonic() + self._shift(1)

    def _shift(self, number: int) -> float:
        if self._shifts is None:
            if VARIABLE not in os.environ:
                return 0.0
            with Path(os.environ[VARIABLE], "clocks").open("rb") as file:
                self._shifts = mmap.mmap(file.fileno(), CLOCKS.size, access=mmap.ACCESS_READ)
        shift: float = CLOCKS.unpack_from(self._shifts)[number]
        return shift


def _resolve(host: Any, *arguments: Any, **named: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    while (known := _names().get(name)) == HANG:
        time.sleep(0.05)
    if known == UNKNOWN:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if known == AGAIN:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _getaddrinfo(known or host, *arguments, **named)


def _names() -> dict[str, str]:
    if VARIABLE not in os.environ:
        return {}
    names: dict[str, str] = json.loads(Path(os.environ[VARIABLE], "names").read_text())
    return names


def _objects() -> int:
    try:
        Path(os.environ[VARIABLE], COUNT).unlink()
    except FileNotFoundError:
        return 0
    gc.collect()
    return len(gc.get_objects())


def _write_down(*_: object) -> None:
    held = {
        "pid": os.getpid(),
        "tasks": sorted(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks()),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "objects": _objects(),
    }
    draft = Path(os.environ[VARIABLE], "report.new")
    draft.write_text(json.dumps(held))
    draft.replace(draft.with_name("report"))


_clocks = _Clocks()
time.time, time.monotonic = _clocks.time, _clocks.monotonic
socket.getaddrinfo = _resolve
signal.signal(signal.SIGUSR1, _write_down)
