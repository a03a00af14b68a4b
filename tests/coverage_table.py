"""What the tests run of the package, room by room: `python -m tests.coverage_table`, after `coverage combine`.

Fails if a room has fewer branches and lines covered than it must. A module that can't be covered on this machine says so
where it stands (`pragma: no cover`), with the reason.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

WHOLE = {"text", "prompt", "suggest", "schedule", "redaction", "settings"}
"""Every branch: what is sent, what is shown, and when."""
LEAST = 90.0
"""Per cent of lines and branches of every other room."""


def table(report: dict[str, dict[str, dict[str, int]]]) -> dict[str, tuple[int, int]]:
    """For each room how many lines and branches there are, and how many of them were run."""
    rooms: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for name, file in report.items():
        room = Path(name).parts[1] if len(Path(name).parts) > 2 else "(top)"
        found, summary = rooms[room], file["summary"]
        there = summary["num_statements"] + summary["num_branches"]
        run = summary["covered_lines"] + summary["covered_branches"]
        rooms[room] = (found[0] + there, found[1] + run)
    return dict(sorted(rooms.items()))


def main() -> int:
    """Print the table, and what is missing in rooms that have too little."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "coverage.json")
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(file)], check=True)
        report = json.loads(file.read_text("utf-8"))["files"]
    low = []
    for room, (there, run) in table(report).items():
        share = 100 * run / there if there else 100
        wanted = 100.0 if room in WHOLE else LEAST
        low += [room] if share < wanted else []
        print(f"{room:12} {there:6} {share:6.1f} %{'' if share >= wanted else f'  less than {wanted:.0f} %'}")  # noqa: T201
    for name, file in report.items():
        missing = [*map(str, file["missing_lines"]), *(f"{a}->{b}" for a, b in file["missing_branches"])]
        if missing and len(Path(name).parts) > 2 and Path(name).parts[1] in low:
            print(f"{name}: {', '.join(missing)}")  # noqa: T201
    return 1 if low else 0


if __name__ == "__main__":
    raise SystemExit(main())
