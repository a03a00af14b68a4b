"""``python -m tests.fuzz --minutes 60``: the fuzz of the wire for as long as one likes.

Each round has its own seed, from ``--seed`` on; what it finds is printed as hypothesis does, with that seed, and the next
round follows. ``--steps`` is how long an example is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.fuzz.run import fuzz


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--examples", type=int, default=100, help="in a round")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--shrink", action="store_true", help="what is found, which takes minutes")
    given = parser.parse_args()
    end, number, failures = time.monotonic() + given.minutes * 60, given.seed, 0
    examples = steps = 0
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory() as home:
            try:
                counts = fuzz(Path(home), seed=number, examples=given.examples, steps=given.steps, shrink=given.shrink)
                examples, steps = examples + counts[0], steps + counts[1]
            except Exception:  # noqa: BLE001 - the next seed may find something else
                failures += 1
                sys.stdout.write(f"--- seed {number}\n{traceback.format_exc()}\n")
        sys.stdout.write(f"seed {number}: {examples} examples, {steps} steps, {failures} rounds failed\n")
        sys.stdout.flush()
        number += 1
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
