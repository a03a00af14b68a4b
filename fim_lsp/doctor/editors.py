"""The editors on this machine, with their versions, and where each one's block of configuration is printed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import fim_lsp
from fim_lsp.doctor.check import Check, info, ok, warning
from fim_lsp.doctor.editor_blocks import EDITORS, Editor, Paths
from fim_lsp.doctor.installation import command_path, numbers
from fim_lsp.workspace.programs import find_program, safe_folder

VERSION_TIMEOUT: Final = 4.0
"""Seconds for ``--version``: VS Code starts Node.js for that."""

_MAX_OUTPUT: Final = 4096  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEditor:
    """An editor on PATH. ``version`` is ``""`` if it did not print one in time."""

    editor: Editor
    path: str
    version: str


def paths_here(environment: Mapping[str, str]) -> Paths:
    """The paths for blocks of configuration on this machine."""
    plugins = Path(fim_lsp.__file__).parent.parent / "editors"
    command = command_path(environment)
    return Paths(
        command=str(command) if command else "fim-lsp",
        plugins=plugins if (plugins / "neovim").is_dir() else None,
    )


async def find_editors(environment: Mapping[str, str]) -> tuple[FoundEditor, ...]:
    """Look for editors on PATH and ask each for its version."""
    found = [
        (editor, path)
        for editor in EDITORS.values()
        for program in editor.programs
        if (path := find_program(program, environment))
    ]
    outputs = await asyncio.gather(*(_version_output(path, environment) for _, path in found))
    return tuple(
        FoundEditor(editor=editor, path=path, version=_version(editor, output))
        for (editor, path), output in zip(found, outputs, strict=True)
    )


def _version(editor: Editor, output: str) -> str:
    match = re.search(editor.version, output, re.MULTILINE)
    return match[1].rstrip(".") if match else ""


async def _version_output(path: str, environment: Mapping[str, str]) -> str:
    """What a program prints for ``--version``; the beginning is enough."""
    try:
        process = await asyncio.create_subprocess_exec(
            path, "--version", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env=dict(environment), cwd=safe_folder(),
            start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError):
        return ""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    output = b""
    try:
        async with asyncio.timeout(VERSION_TIMEOUT):
            while len(output) < _MAX_OUTPUT and (data := await process.stdout.read(_MAX_OUTPUT)):
                output += data
    except TimeoutError:
        return ""
    finally:
        await _stop(process)
    return output.decode("utf-8", "replace")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a program, with its children, unless it has ended by itself."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def check_editors(found: Sequence[FoundEditor]) -> Iterator[Check]:
    """One check for each editor."""
    if not found:
        yield info(
            "editors",
            f"none of {', '.join(editor.title for editor in EDITORS.values())} is on PATH",
            f"fim-lsp doctor --editor NAME prints what an editor needs: {', '.join(EDITORS)}",
        )
    for one in found:
        editor = one.editor
        block = f"its block for {editor.file}: fim-lsp doctor --editor {editor.name}"
        if not one.version:
            yield info(editor.name, f"{editor.title} at {one.path}, which did not say its version", block)
        elif numbers(one.version) < editor.minimum:
            minimum = ".".join(map(str, editor.minimum))
            yield warning(
                editor.name, f"{editor.title} {one.version} at {one.path} is older than {minimum}", editor.older
            )
        else:
            yield ok(editor.name, f"{editor.title} {one.version} at {one.path}: {editor.shows}", block)
