"""The command line: ``fim-lsp`` serves, ``fim-lsp complete`` prints one completion."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import fim_lsp
from fim_lsp.cli.output import BackgroundHandler, say
from fim_lsp.cli.serve import add_serve_options, serve
from fim_lsp.errors import UsageError

_POSITION_MARK = "\0"
_DASHED_POSITION = re.compile(r"-(?!-[^=]*=).*:\d+")
_INTERRUPTED, _BROKEN_PIPE = 128 + 2, 128 + 13  # what shells report for SIGINT and SIGPIPE
_LEVELS = ("debug", "info", "warning", "error")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line. Returns the exit code: 2 if the arguments or the standard streams can't be used."""
    try:
        try:
            return _run(argv)
        finally:  # flushed here, where a failure is reported in a sentence, rather than when Python exits
            if sys.stdout is not None:
                sys.stdout.flush()
    except UsageError as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        _discard_stdout()
        if isinstance(error, BrokenPipeError):
            return _BROKEN_PIPE
        say(f"{error.filename or 'standard output'}: {error.strerror or error}")
        return 2


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(_mark_positions(sys.argv[1:] if argv is None else argv))
    _log_to(arguments.log_file, arguments.log_level)
    if arguments.command == "complete":
        from fim_lsp.cli.complete import complete  # the server does not need it

        return complete(arguments.place.removeprefix(_POSITION_MARK), arguments.path, dict(os.environ))
    return serve(arguments)


def _mark_positions(arguments: Sequence[str]) -> list[str]:
    """Keep argparse from taking ``-:3:4`` (on standard input) and ``-x.py:3`` for options."""
    return [_POSITION_MARK + argument if _DASHED_POSITION.fullmatch(argument) else argument for argument in arguments]


def _discard_stdout() -> None:
    """Drop what could not be written: Python would try again when it exits, and print a traceback."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # there may be no standard output
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fim-lsp",
        description="Ghost text in any LSP editor. Without a command it serves LSP on stdin and stdout.",
    )
    parser.add_argument("--version", action="version", version=f"fim-lsp {fim_lsp.__version__}")
    add_serve_options(parser)
    _add_log_options(parser)
    _add_complete_command(parser)
    return parser


def _add_complete_command(parser: argparse.ArgumentParser) -> None:
    """Add ``complete``. Not in its own module, which imports what the server does not need."""
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    complete = commands.add_parser(
        "complete",
        help="print the completion at a position in a file",
        description="Print the completion at FILE:LINE:COLUMN, both counted from 1, COLUMN in characters; FILE:LINE is "
        "the end of the line. Exits with 0 if there is a completion, 1 if there is none, 2 if the file can't be read.",
    )
    complete.add_argument("place", metavar="FILE:LINE:COLUMN", help="FILE may be - for standard input")
    complete.add_argument("--path", metavar="FILE", help="with -: the file name to assume for the text")
    _add_log_options(complete)


def _add_log_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-file", metavar="PATH", type=Path, default=None, help="append the log to this file instead of stderr"
    )
    parser.add_argument("--log-level", choices=_LEVELS, default="warning", help="default: warning")


def _log_to(path: Path | None, level: str) -> None:
    """Log to a file, or to stderr, which editors keep. No log line contains the user's text or a key."""
    try:
        stream = path.open("a", encoding="utf-8", errors="replace") if path else sys.stderr
    except OSError as error:
        raise UsageError(f"--log-file {path}: {error.strerror or error}") from error
    handler = BackgroundHandler(stream) if stream is not None else logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("fim_lsp")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
