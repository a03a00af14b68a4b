"""What benchmarks keep besides times is printed at the end."""

from __future__ import annotations

from typing import Any

import pytest


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the other figures: seconds, and bytes as MiB."""
    session = getattr(config, "_benchmarksession", None)
    for benchmark in session.benchmarks if session else ():
        if benchmark.extra_info:
            figures = (
                f"{name} {value / 2**20:.1f} MiB" if name == "memory" else f"{name} {value * 1000:.0f} ms"
                for name, value in benchmark.extra_info.items()
            )
            terminalreporter.write_line(f"{benchmark.name}: {', '.join(figures)}")
