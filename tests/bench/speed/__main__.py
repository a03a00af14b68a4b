"""``python -m tests.bench.speed [OPTIONS OF PYTEST]`` runs the benchmarks; see the package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FILES = sorted(map(str, Path(__file__).parent.glob("bench_*.py")))
OPTIONS = [
    "-n0",
    "--override-ini=python_functions=bench_*",
    "--benchmark-only",
    "--benchmark-sort=name",
    "--benchmark-columns=min,median,max,ops,rounds",
]


def main() -> int:
    return pytest.main([*FILES, *OPTIONS, *sys.argv[1:]])


if __name__ == "__main__":
    raise SystemExit(main())
