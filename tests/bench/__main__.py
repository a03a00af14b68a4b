"""``python -m tests.bench SERVER...`` replays recorded typing against servers and prints a table; see the package."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.bench.replay import Result, replay
from tests.bench.servers import SERVERS
from tests.quality.recorded_typing import load

_HEAD = (
    "| | calls/edit | visible | right | answer p50 | typed through p50 | tokens/edit | aborted | connections"
    " | sent KB | unanswered | MB | CPU s |"
)


def row(name: str, result: Result) -> str:
    """One line of the table."""
    edits = result.edits
    cells = [
        name,
        f"{result.calls / edits:.2f}",
        f"{result.visible / edits:.0%}",
        f"{result.right / edits:.0%}",
        _milliseconds(result.answer),
        _milliseconds(result.typed_through),
        f"{result.tokens / edits:.1f}",
        result.aborted,
        result.connections,
        round(result.sent / 1024),
        result.unanswered,
        round(result.memory / 2**20),
        f"{result.cpu:.1f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="replay recorded typing against servers")
    parser.add_argument("server", nargs="*", help=f"of {', '.join(SERVERS)}; by default the first two")
    parser.add_argument("--trace", default="rustcode", choices=["rustcode", "json-crdt-patch"])
    parser.add_argument("--start", type=int, default=1000, help="the first edit")
    parser.add_argument("--count", type=int, default=300, help="how many edits")
    arguments = parser.parse_args()
    if unknown := set(arguments.server) - SERVERS.keys():
        parser.error(f"no such server: {', '.join(unknown)}")
    trace = load(arguments.trace, arguments.start, arguments.count)
    sys.stdout.write(f"{_HEAD}\n|{'---|' * (_HEAD.count('|') - 1)}\n")
    for name in arguments.server or list(SERVERS)[:2]:
        sys.stdout.write(row(name, asyncio.run(replay(SERVERS[name], trace))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
