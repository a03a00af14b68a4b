"""Python, fim-lsp and its libraries, and whether editors find the command."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

import fim_lsp
from fim_lsp.doctor.check import Check, error, info, ok, warning
from fim_lsp.workspace.programs import find_program

_OPTIONAL: Final = ("redis", "keyring")
_REQUIREMENT: Final = re.compile(r"(?P<name>[\w.-]+)\s*(?P<bounds>[<>=!~0-9.,\s]*)")
_REINSTALL: Final = "install fim-lsp again into an environment of its own, in its clone: pipx install --force ."


def command_path(environment: Mapping[str, str]) -> Path | None:
    """The absolute path of the command ``fim-lsp``: the one on PATH, else the one beside this Python."""
    found = find_program("fim-lsp", environment) or find_program("fim-lsp", {"PATH": str(Path(sys.executable).parent)})
    return Path(found) if found else None


def check_installation(environment: Mapping[str, str], *, started: bool = False) -> Iterator[Check]:
    """Versions and places. ``started``: an editor has started this server, so it has found the command."""
    yield ok("python", f"{platform.python_version()} at {sys.executable}, {platform.platform(terse=True)}")
    yield from _check_command(environment, started)
    yield from check_libraries(_requirements())


def _check_command(environment: Mapping[str, str], started: bool) -> Iterator[Check]:
    path = command_path(environment)
    place = f"{fim_lsp.__version__} in {Path(fim_lsp.__file__).parent}"
    if path is not None and (started or find_program("fim-lsp", environment)):
        yield ok("fim-lsp", f"{place}; the command is {path}")
    elif started:
        yield ok("fim-lsp", place)
    elif path is None:
        yield warning(
            "fim-lsp",
            f"{place}; there is no command fim-lsp",
            f"install it, in its clone: pipx install . (or let editors start {sys.executable} -I -m fim_lsp)",
        )
    else:
        yield warning(
            "fim-lsp",
            f"{place}; the command is {path}, whose folder is not on PATH, so editors don't find it by its name",
            f"give your editor the whole path, {path}, or put its folder on PATH (pipx ensurepath)",
        )


def _requirements() -> list[str]:
    try:
        return [line for line in metadata.requires("fim-lsp") or () if "extra ==" not in line]
    except metadata.PackageNotFoundError:  # run from a folder that was never installed
        return []


def check_libraries(requirements: list[str]) -> Iterator[Check]:
    """The installed version of each requirement, which has the form ``name>=1.2,<2``."""
    shown = []
    for line in requirements:
        match = _REQUIREMENT.match(line)
        if match is None:
            continue
        name, version = match["name"], _version(match["name"])
        if not version:
            yield error("libraries", f"{name} is not installed", _REINSTALL)
        elif not fits(version, match["bounds"]):
            yield error(
                "libraries", f"{name} {version} is installed, but {match['bounds'].strip()} is needed", _REINSTALL
            )
        else:
            shown.append(f"{name} {version}")
    shown += [f"{name} {version}" for name in _OPTIONAL if (version := _version(name))]
    if shown:
        yield info("libraries", ", ".join(shown))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def fits(version: str, bounds: str) -> bool:
    """Whether a version is within bounds like ``>=2.1.1,<2.2``. Bounds of another kind are ignored."""
    have = numbers(version)
    for bound in bounds.split(","):
        match = re.fullmatch(r"\s*(>=|<)\s*([0-9.]+)\s*", bound)
        if match and (have >= numbers(match[2])) != (match[1] == ">="):
            return False
    return True


def numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with: ``(2, 1, 1)``."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
