"""The command line: ``fim-lsp`` serves, and each row of ``commands.py`` is a command."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TextIO

import fim_lsp
from fim_lsp.cli.commands import COMMANDS, epilog, greeting
from fim_lsp.cli.crashes import report, without_details
from fim_lsp.cli.output import BackgroundHandler, open_private, say
from fim_lsp.cli.serve import add_serve_options, serve
from fim_lsp.cli.start import collection_paused
from fim_lsp.errors import UsageError
from fim_lsp.text.unicode import visible

_POSITION_MARK = "\0"
_DASHED_POSITION = re.compile(r"-(?!-[^=]*=).*:\d+")
_INTERRUPTED, _BROKEN_PIPE = 128 + 2, 128 + 13  # what shells report for SIGINT and SIGPIPE
_INTERNAL_ERROR = 70
_LEVELS = ("debug", "info", "warning", "error")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line. Returns the exit code: 2 if the arguments or the standard streams can't be used, 70 after an error
    of ours, as sysexits.h has it.
    """
    try:
        try:
            with without_details():
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
        if isinstance(error, FileNotFoundError) and not error.filename:
            say("the folder that this was started in is gone: start it in another one")
        else:
            say(f"{error.filename or 'standard output'}: {error.strerror or error}")
        return 2
    except Exception as error:  # noqa: BLE001 - the boundary: Python would print a traceback with the error's message
        report(error)
        return _INTERNAL_ERROR


def _run(argv: Sequence[str] | None) -> int:
    given = _mark_positions(sys.argv[1:] if argv is None else argv)
    arguments = _without_marks(_parser(given).parse_args(given))
    if arguments.command is None and _is_for_a_person(arguments):
        sys.stderr.write(f"{greeting()}\n")
        return 2  # nothing was served
    _log_to(arguments.log_file, arguments.log_level)
    with collection_paused():
        if arguments.command is not None:
            command = importlib.import_module(COMMANDS[arguments.command].module)
            return int(command.run(arguments, dict(os.environ)))
        return serve(arguments)


def _is_for_a_person(arguments: argparse.Namespace) -> bool:
    """Whether the server was started in a terminal by someone who did not ask for that: LSP is not typed by hand."""
    serves = arguments.stdio or arguments.tcp is not None or arguments.socket is not None
    return not serves and sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None


def _mark_positions(arguments: Sequence[str]) -> list[str]:
    """Keep argparse from taking ``-:3:4`` (on standard input) and ``-x.py:3`` for options."""
    return [_POSITION_MARK + argument if _DASHED_POSITION.fullmatch(argument) else argument for argument in arguments]


def _without_marks(arguments: argparse.Namespace) -> argparse.Namespace:
    for name, value in vars(arguments).items():
        if isinstance(value, str):
            setattr(arguments, name, value.removeprefix(_POSITION_MARK))
    return arguments


def _discard_stdout() -> None:
    """Drop what could not be written: Python would try again when it exits, and print a traceback."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # there may be no standard output
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


class _Parser(argparse.ArgumentParser):
    """Writes hidden characters out: the shell expands ``*`` to names of files that somebody else has chosen."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(status, message and visible(message))


class _KeyParser(_Parser):
    """Does not repeat what it was given, as argparse does: it may be a key in the wrong place."""

    def error(self, message: str) -> NoReturn:
        if not message.startswith("the following arguments are required"):
            message = (
                "what was given is not an argument of this command; a key never is one, because other programs and your "
                "shell's history see it: type it when asked, or pipe it: … | fim-lsp key set HOST"
            )
        super().error(message)


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser for a command line: the modules of commands that it does not name are not imported."""
    parser = (_KeyParser if "key" in given else _Parser)(
        prog="fim-lsp",
        usage="fim-lsp [options]\n       fim-lsp COMMAND [options]",
        description="Ghost text in any LSP editor. Without a command it serves LSP on stdin and stdout.",
        epilog=epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"fim-lsp {fim_lsp.__version__}")
    add_serve_options(parser)
    _add_log_options(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", prog="fim-lsp", help=argparse.SUPPRESS)
    for name, row in COMMANDS.items():
        command = commands.add_parser(name, epilog=f"example: {row.example}")
        if name in given:
            importlib.import_module(row.module).add_arguments(command)
            _add_log_options(command)
    return parser


def _add_log_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-file", metavar="PATH", type=Path, default=None, help="append the log to this file instead of stderr"
    )
    parser.add_argument("--log-level", choices=_LEVELS, default="warning", help="default: warning")


def _log_to(path: Path | None, level: str) -> None:
    """Log to a file, or to stderr, which editors keep. No log line contains the user's text or a key."""
    try:
        stream = _open_log(path) if path else sys.stderr
    except OSError as error:
        raise UsageError(f"--log-file {path}: {error.strerror or error}") from error
    handler = BackgroundHandler(stream) if stream is not None else logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("fim_lsp")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


def _open_log(path: Path) -> TextIO:
    """Append to a file; what can't be encoded is replaced."""
    return open(path, "a", encoding="utf-8", errors="replace", opener=open_private)
