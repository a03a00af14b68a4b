"""A start: from the start of the process to the answer of ``initialize``, and to the first suggestion."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.bench.speed.server import OURS, STOCK, Start, fake_codestral, start

NGRAM = {"backend": "ngram"}


def measure(benchmark: Any, command: tuple[str, ...], home: Path, options: Mapping[str, object]) -> None:
    """The time that is shown goes up to the end of the process; the two that a person feels are printed below."""
    starts: list[Start] = []
    benchmark.pedantic(lambda: starts.append(start(command, home, options)), rounds=10, warmup_rounds=1)
    for name in ("initialized", "shown", "cpu", "memory"):
        benchmark.extra_info[name] = statistics.median(getattr(one, name) for one in starts)


@pytest.mark.benchmark(group="start, a request, the end")
def bench_stock_pygls(benchmark: Any, tmp_path: Path) -> None:
    measure(benchmark, STOCK, tmp_path, {})


@pytest.mark.benchmark(group="start, a request, the end")
def bench_ngram(benchmark: Any, tmp_path: Path) -> None:
    measure(benchmark, OURS, tmp_path, NGRAM)


@pytest.mark.benchmark(group="start, a request, the end")
def bench_codestral(benchmark: Any, tmp_path: Path) -> None:
    with fake_codestral() as url:
        measure(benchmark, OURS, tmp_path, {"backend": "codestral", "base_url": url, "api_key": "k", "debounce": 0})


@pytest.mark.benchmark(group="imports")
@pytest.mark.parametrize(
    "module", ["asyncio", "lsprotocol.types", "pygls.lsp.server", "fim_lsp.lsp.transport", "httpx"]
)
def bench_import(benchmark: Any, module: str) -> None:
    benchmark.pedantic(lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True), rounds=10)


@pytest.mark.benchmark(group="commands")
@pytest.mark.parametrize("arguments", ["--version", "key list", "config", "why", "doctor", "stats"])
def bench_command(benchmark: Any, arguments: str, tmp_path: Path) -> None:
    command = [*OURS, *arguments.split()]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[3])}
    benchmark.pedantic(lambda: subprocess.run(command, env=environment, capture_output=True, check=False), rounds=10)
