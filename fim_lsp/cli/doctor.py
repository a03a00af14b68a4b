"""``fim-lsp doctor``: what works on this machine and what does not, each with its cause and its remedy."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fim_lsp.cli.output import write
from fim_lsp.errors import UsageError

if TYPE_CHECKING:
    from fim_lsp.doctor.check import Check, Style
    from fim_lsp.doctor.examination import Subject

EDITOR_NAMES = ("nvim", "emacs", "helix", "code", "vim", "kak")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Check everything that suggestions need: settings, back end, key, network, model, quota, workspace, editors. Makes one "
        "small completion, which costs about 40 tokens; none of your text is sent. Exits with 0 if nothing is wrong, warnings "
        "apart, 1 if something is, 2 if the arguments can't be used."
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="also say whether suggestions come in this file")
    parser.add_argument("--editor", choices=EDITOR_NAMES, help="only print the configuration for this editor, to paste")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--no-call", action="store_true", help="make no completion; the host is asked for its models only"
    )
    parser.add_argument("--offline", action="store_true", help="contact no other machine")


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Run the command; the exit code is 1 if a check has failed."""
    if sys.stdout is None:
        raise UsageError("standard output is closed")
    if arguments.editor:
        return _print_block(arguments.editor, environment)
    from fim_lsp.cli.complete import existing_file

    file = existing_file(arguments.file).absolute() if arguments.file is not None else None
    return asyncio.run(_examine(arguments, environment, file))


async def _examine(arguments: argparse.Namespace, environment: Mapping[str, str], file: Path | None) -> int:
    from fim_lsp.cli.complete import workspace_of
    from fim_lsp.doctor.check import is_ok, to_json
    from fim_lsp.doctor.subject import subject_of_folder

    root = workspace_of(file or Path.cwd() / "file")
    offline, complete = arguments.offline, not arguments.no_call
    async with subject_of_folder(root, environment, file=file, offline=offline, complete=complete) as subject:
        if not arguments.json:
            return 0 if is_ok(await _print_checks(subject, _style(environment))) else 1
        checks = await _print_checks(subject, None)
        write(json.dumps(to_json(checks), ensure_ascii=False, indent=2) + "\n")  # in UTF-8 whatever the terminal uses
        return 0 if is_ok(checks) else 1


async def _print_checks(subject: Subject, style: Style | None) -> list[Check]:
    """Run the checks, and print each as soon as it is known, unless ``style`` is None."""
    from fim_lsp.doctor.check import lines_of, summary
    from fim_lsp.doctor.examination import run_checks

    checks = []
    async for check in run_checks(subject):
        checks.append(check)
        for line in lines_of(check, style) if style else ():
            _print(line)
    if style:
        _print(f"\n{summary(checks)}.")
    return checks


def _print(line: str) -> None:
    """Print a line now. What the terminal's encoding can't express becomes a question mark."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def _style(environment: Mapping[str, str]) -> Style:
    """Colors and wrapped lines on a terminal only, and signs that its encoding has."""
    from fim_lsp.doctor.check import ASCII, UNICODE, Style

    terminal = sys.stdout.isatty()
    color = terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
    width = min(shutil.get_terminal_size().columns, 120) if terminal else 0
    try:
        "".join((*UNICODE.values(), "→")).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return Style(symbols=ASCII, arrow="->", color=color, width=width)
    return Style(symbols=UNICODE, arrow="→", color=color, width=width)


def _print_block(name: str, environment: Mapping[str, str]) -> int:
    from fim_lsp.doctor.editor_blocks import EDITORS
    from fim_lsp.doctor.editors import paths_here

    editor = EDITORS[name]
    _print(editor.block(paths_here(environment)))
    if sys.stdout.isatty() and sys.stderr is not None:
        sys.stderr.write(f"\nThis is for {editor.file} of {editor.title}, which then has {editor.shows}.\n")
    return 0
