"""Prints the table fault x outcome, with hundreds of requests during each fault. Takes a quarter of an hour.

``python -m tests.faults [--requests N] [--gap SECONDS] [--seed N] [NAME ...]``; a NAME is a kind, or a part of a fault's name.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.faults.answers import Fault
from tests.faults.drive import Outcome, drive
from tests.faults.table import KINDS

_COLUMNS = (
    "fault", "requests", "answered once", "calls", "recovery s", "messages", "ping ms", "cpu s", "sockets", "tasks",
    "files", "objects", "memory MB", "peak MB", "document", "told elsewhere", "wrong",
)  # fmt: skip


def row(name: str, outcome: Outcome, cpu: float) -> str:
    """A row of the table."""
    before, after = outcome.before, outcome.after
    cells = (
        name, outcome.requests, outcome.answered_once, outcome.calls, f"{outcome.recovery:.2f}", len(outcome.messages),
        f"{outcome.ping * 1000:.0f}", f"{cpu:.2f}", f"{len(before.connections)} → {len(after.connections)}",
        f"{len(before.tasks)} → {len(after.tasks)}", f"{before.files} → {after.files}",
        f"{before.objects} → {after.objects}", f"{before.memory:.1f} → {after.memory:.1f}", f"{after.peak:.1f}",
        "right" if outcome.is_right else "WRONG", "YES" if outcome.leaked else "no", "; ".join(outcome.faults),
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _run(faults: dict[str, Fault], arguments: argparse.Namespace) -> None:
    for way in dict.fromkeys(fault.way for fault in faults.values()):
        async with drive(way, seed=arguments.seed, thorough=True) as driving:
            for name, fault in faults.items():
                if fault.way != way:
                    continue
                outcome = await driving.through(fault, requests=arguments.requests, gap=arguments.gap)
                _say(row(name, outcome, outcome.after.cpu - outcome.before.cpu))
                for message in outcome.messages if arguments.messages else ():
                    _say(f"    {message}")


def _main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description="Print what becomes of requests during and after each fault."
    )
    parser.add_argument("names", nargs="*", help="kinds of faults, or parts of their names; default: all")
    parser.add_argument("--requests", type=int, default=300, help="during each fault")
    parser.add_argument("--gap", type=float, default=0.03, help="seconds from key to key")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages", action="store_true", help="print what was shown to the user")
    arguments = parser.parse_args()
    faults = {
        name: fault
        for kind, group in KINDS.items()
        for name, fault in group.items()
        if not arguments.names or any(kind == wanted or wanted in name for wanted in arguments.names)
    }
    _say(
        f"{len(faults)} faults, {arguments.requests} requests each, {arguments.gap:g} s apart, seed {arguments.seed}\n"
    )
    _say(f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}")
    started = time.monotonic()
    asyncio.run(_run(faults, arguments))
    _say(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    _main()
