"""``python -m tests.soak``: hours of typing at one server, and what its memory, latency and descriptors do meanwhile.

``--minutes 60`` types in real time, ``--edits 100000`` as fast as it is answered (5,000 edits are a busy day). With
``--clients 3`` that many editors share one ``--tcp`` server, beside others that crash and that never read. ``--svg PATH``
draws it, ``--json PATH`` keeps the samples.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from tests.soak.measuring import Sample, cpu_per_edit, growth, tenths
from tests.soak.plot import to_svg
from tests.soak.run import Plan, soak
from tests.soak.typing_day import traces

SAMPLES = 60


def table(samples: list[Sample]) -> str:
    """The medians per tenth."""
    rows = [
        ("memory MB", [value / 2**20 for value in tenths(samples, lambda one: one.memory)]),
        ("answer ms", [value * 1000 for value in tenths(samples, lambda one: one.answer)]),
        ("command ms", [value * 1000 for value in tenths(samples, lambda one: one.ping)]),
        ("CPU ms per edit", [value * 1000 for value in cpu_per_edit(samples)]),
        ("descriptors", tenths(samples, lambda one: one.descriptors)),
        ("sockets", tenths(samples, lambda one: one.sockets)),
        ("threads", tenths(samples, lambda one: one.threads)),
        ("tasks", tenths(samples, lambda one: one.tasks)),
        ("objects", tenths(samples, lambda one: one.objects)),
    ]
    return "\n".join(f"| {name} | {' | '.join(f'{value:.1f}' for value in values)} |" for name, values in rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=0, help="how long to type in real time")
    parser.add_argument("--edits", type=int, default=0, help="how many edits to type in compressed time")
    parser.add_argument("--clients", type=int, default=0, help="editors that share a --tcp server; 0: one, on stdio")
    parser.add_argument("--svg", type=Path, help="where to draw it")
    parser.add_argument("--json", type=Path, help="where to keep the samples")
    given = parser.parse_args()
    if bool(given.minutes) == bool(given.edits):
        parser.error("--minutes or --edits is needed")
    plan = Plan(seconds=given.minutes * 60, edits=given.edits, clients=given.clients, samples=SAMPLES)
    with tempfile.TemporaryDirectory() as folder:
        samples, unexpected = asyncio.run(soak(plan, Path(folder), traces()))
    if given.json:
        given.json.write_text(json.dumps([dataclasses.asdict(one) for one in samples]))
    if given.svg:
        given.svg.write_text(to_svg(samples))
    last = samples[-1]
    sys.stdout.write(
        f"{table(samples)}\n{last.edits} edits in {last.at:.0f} s, {last.cpu:.0f} s of CPU; {unexpected} unexpected replies; "
        f"after the warm-up memory {growth(samples, lambda one: one.memory):+.1%}, objects "
        f"{growth(samples, lambda one: one.objects):+.1%}, command {growth(samples, lambda one: one.ping):+.0%}\n"
    )


if __name__ == "__main__":
    main()
