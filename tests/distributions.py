"""Builds the wheel and the sdist and checks them: `python -m tests.distributions FOLDER`.

Both contain what git tracks and nothing else: no cache, no key, no `node_modules` that lies in the folder. The wheel that
the sdist builds is, byte for byte, the one that the folder builds, so whoever has the sources can check the wheel.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
IN_SDIST = ("fim_lsp/", "tests/", "editors/", "README.md", "LICENSE", "pyproject.toml", ".gitignore")
ADDED_TO_SDIST = {"PKG-INFO"}
ADDED_TO_WHEEL = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def build(source: Path, target: Path, *kinds: str) -> None:
    """Build with the same time for all files, that of the last commit, whatever their own times and modes."""
    when = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    environment = os.environ | ({"SOURCE_DATE_EPOCH": when.stdout.strip()} if when.stdout.strip() else {})
    command = [sys.executable, "-m", "build", "-q", *kinds, "--outdir", str(target), str(source)]
    if _has("hatchling"):  # otherwise build makes an environment for it
        command.insert(4, "--no-isolation")
    subprocess.run(command, check=True, env=environment)


def _has(module: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def tracked() -> set[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split("\0") if name}


def wheel_faults(names: set[str], files: set[str]) -> Iterator[str]:
    """What is wrong with the names in a wheel, where ``files`` are those that git tracks."""
    package = {name for name in names if name.startswith("fim_lsp/")}
    yield from _differences(package, {name for name in files if name.startswith("fim_lsp/")})
    information = {name.partition("/")[2] for name in names - package if ".dist-info/" in name}
    yield from _differences(information, ADDED_TO_WHEEL)
    yield from (f"{name} is in no package" for name in sorted(names - package) if ".dist-info/" not in name)
    if "fim_lsp/py.typed" not in names:
        yield "py.typed is missing: type checkers would ignore the package's types"


def sdist_faults(names: set[str], files: set[str]) -> Iterator[str]:
    """What is wrong with the names in an sdist, without their first folder."""
    yield from _differences(names, {name for name in files if name.startswith(IN_SDIST)} | ADDED_TO_SDIST)


def _differences(found: set[str], wanted: set[str]) -> Iterator[str]:
    yield from (f"{name} is missing" for name in sorted(wanted - found))
    yield from (f"{name} does not belong there" for name in sorted(found - wanted))


def faults(folder: Path) -> Iterator[str]:
    """What is wrong with the one wheel and the one sdist in a folder."""
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    files = tracked()
    with zipfile.ZipFile(wheel) as archive:
        yield from (f"{wheel.name}: {fault}" for fault in wheel_faults(set(archive.namelist()), files))
    with tarfile.open(sdist) as archive, tempfile.TemporaryDirectory() as place:
        names = {name.partition("/")[2] for name in archive.getnames()}
        yield from (f"{sdist.name}: {fault}" for fault in sdist_faults(names, files))
        archive.extractall(place, filter="data")
        (source,) = Path(place).iterdir()
        again = Path(place, "again")
        build(source, again, "--wheel")
        if (again / wheel.name).read_bytes() != wheel.read_bytes():
            yield f"{sdist.name} builds another wheel than the folder"


def main() -> int:
    """Build into the folder named on the command line, and print what is wrong."""
    options = argparse.ArgumentParser(
        prog="python -m tests.distributions", description="Build and check both distributions."
    )
    options.add_argument("folder", type=Path, help="where they are put; must have no others in it")
    folder: Path = options.parse_args().folder
    build(ROOT, folder, "--sdist")
    build(ROOT, folder, "--wheel")
    found = list(faults(folder))
    print("\n".join(found) or f"{', '.join(sorted(path.name for path in folder.iterdir()))}: as they should be")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
