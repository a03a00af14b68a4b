"""A large workspace, and how long it takes to learn from it: ``python -m tests.bench.large_workspace [FOLDER]``.

Writes 23,000 Python files among 56,000 entries, always the same for a seed: pieces of the standard library with words renamed
per package, beside data files, an ignored folder in each package and a ``.gitignore``. Then a session opens one file in it,
twice in processes of their own: the second start finds what the first has left in the cache folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SEED = 15
FILES = 23_000
ENTRIES = 56_000
WATCHED = 60.0
"""Seconds whose CPU time is counted."""

_PIECE_LINES = 200
_PER_FOLDER = 10
_FOLDERS = ("", "core", "core/io", "core/net", "api", "api/v1", "tests", "tests/unit", "tools", "util")
_PER_PACKAGE = _PER_FOLDER * len(_FOLDERS)
_WORD = re.compile(r"([a-z][a-z_]{4,})")


def write(root: Path, *, files: int = FILES, entries: int = ENTRIES, seed: int = SEED) -> None:
    """Write the workspace below ``root``, which must not exist."""
    chance = random.Random(seed)
    pieces = [_WORD.split(piece) for piece in _pieces()]
    root.mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".gitignore").write_text("generated/\n*.log\n*.tmp\n!keep.log\n")
    written = 0
    packages = -(-files // _PER_PACKAGE)
    others = max(0, entries - files - packages * (len(_FOLDERS) + 1)) // packages
    for package in range(packages):
        for folder in _FOLDERS:
            place = root / f"pkg_{package:04}" / folder
            place.mkdir(parents=True)
            for number in range(min(_PER_FOLDER, files - written)):
                text = _renamed(chance.choice(pieces), package)
                (place / f"mod_{number:02}.py").write_text(text, encoding="utf-8")
                written += 1
        _write_others(root / f"pkg_{package:04}", others)


def _write_others(package: Path, count: int) -> None:
    (package / "generated").mkdir()
    for number in range(count):
        folder = package / ("generated" if number % 4 == 0 else _FOLDERS[number % len(_FOLDERS)])
        ending = "py" if folder.name == "generated" else ("json", "txt", "log", "md")[number % 4]
        (folder / f"data_{number:03}.{ending}").write_text(f'{{"number": {number}}}\n')


def _pieces() -> Iterator[str]:
    """The standard library's files, in pieces of so many lines."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if "site-packages" in path.parts or "dist-packages" in path.parts or path.stat().st_size > 300_000:
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        except UnicodeDecodeError:
            continue
        for first in range(0, len(lines), _PIECE_LINES):
            yield "".join(lines[first : first + _PIECE_LINES])


def _renamed(parts: Sequence[str], package: int) -> str:
    """A third of the words, others in each package, get the package's number; words are every second part."""
    return "".join(
        f"{part}_{package}" if index % 2 and (len(part) * 7 + ord(part[0]) + package) % 3 == 0 else part
        for index, part in enumerate(parts)
    )


@dataclass(slots=True, kw_only=True)
class Measured:
    """Seconds from the opening of a file on, of the clock and of CPU; tokens; and the memory at its largest, in MB."""

    first: tuple[float, float] = (0.0, 0.0)
    first_thousand: tuple[float, float] = (0.0, 0.0)
    complete: tuple[float, float] = (0.0, 0.0)
    minute_cpu: float = 0.0
    tokens: int = 0
    memory: int = 0


async def measure(root: Path, opened: str, watched: float) -> Measured:
    """Open one file of a workspace in a session, and watch what is learnt from the others."""
    from fim_lsp.session.open_documents import OpenDocument
    from fim_lsp.session.session import Session
    from fim_lsp.text.document import Document
    from fim_lsp.text.positions import Encoding

    session, measured = Session(lambda *_: None, dict(os.environ)), Measured()
    path = root / opened
    wall, cpu = time.perf_counter(), time.process_time()
    session.start(roots=[root])
    text = Document(path.read_text(encoding="utf-8"), Encoding.UTF32)
    session.open_document(OpenDocument(uri=path.as_uri(), language="python", path=path, text=text))
    index = session._ngram.index

    def passed() -> tuple[float, float]:
        return time.perf_counter() - wall, time.process_time() - cpu

    while passed()[0] < watched:
        await asyncio.sleep(0.002 if not measured.complete[0] else 0.5)
        if index.tokens and not measured.first[0]:
            measured.first = passed()
        if index.tokens >= 1_000 and not measured.first_thousand[0]:
            measured.first_thousand = passed()
        if not measured.complete[0] and index.wait(0):
            measured.complete, measured.tokens = passed(), index.tokens
    measured.minute_cpu = passed()[1]
    measured.tokens = index.tokens
    await session.close()
    import resource  # POSIX only

    measured.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return measured


def row(name: str, measured: Measured) -> str:
    """One line of the table: wall / CPU."""
    times = [f"{wall:.2f} / {cpu:.2f}" for wall, cpu in (measured.first, measured.first_thousand, measured.complete)]
    cells = [name, *times, f"{measured.minute_cpu:.1f}", f"{measured.tokens:,}", str(measured.memory)]
    return f"| {' | '.join(cells)} |"


def _in_process(root: Path, home: Path, opened: str, watched: float) -> Measured:
    environment = dict(
        os.environ, HOME=str(home), XDG_CACHE_HOME=str(home / "cache"), XDG_STATE_HOME=str(home / "state")
    )
    command = [sys.executable, "-m", "tests.bench.large_workspace", str(root), "--one", opened, "--watch", str(watched)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return Measured(**json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.large_workspace")
    parser.add_argument(
        "folder", nargs="?", type=Path, help="where the workspace is, or is written to; else a temporary one"
    )
    parser.add_argument("--watch", type=float, default=WATCHED, help="seconds that each start is watched")
    parser.add_argument("--files", type=int, default=FILES, help="of Python, 100 in each package")
    parser.add_argument("--entries", type=int, default=ENTRIES, help="files and folders in all")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measured = asyncio.run(measure(arguments.folder, arguments.one, arguments.watch))
        sys.stdout.write(json.dumps(asdict(measured)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.folder or Path(temporary, "workspace")
        if not root.exists():
            write(root, files=arguments.files, entries=arguments.entries)
        sys.stdout.write(
            "| seconds (clock / CPU) | first file | 1,000 tokens | complete | CPU of the minute | tokens | MB |\n"
        )
        sys.stdout.write(f"|{'---|' * 7}\n")
        packages = sum(1 for _ in root.glob("pkg_*"))
        middle = f"pkg_{packages // 2:04}/core/mod_03.py"
        for name, opened in (
            ("first start", middle),
            ("second start", middle),
            ("elsewhere", f"pkg_{packages // 32:04}/api/v1/mod_05.py"),
        ):
            sys.stdout.write(row(name, _in_process(root, Path(temporary), opened, arguments.watch)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
