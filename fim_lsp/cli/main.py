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
from fim_lsp.cli.log_output import BackgroundHandler
from fim_lsp.errors import UsageError
from fim_lsp.text.unicode import visible

_PLACE_MARK = "\0"
_DASHED_PLACE = re.compile(r"-(?!-[^=]*=).*:\d+")
_INTERRUPTED, _BROKEN_PIPE = 128 + 2, 128 + 13  # as shells name the ends by SIGINT and SIGPIPE
_LEVELS = ("debug", "info", "warning", "error")


def main(argv: Sequence[str] | None = None) -> int:
    """Follow the command line. Returns the exit code: 2 for bad use and for streams that can't be used."""
    try:
        try:
            return _follow(argv)
        finally:  # here, where trouble is told in a sentence, and not at Python's end
            if sys.stdout is not None:
                sys.stdout.flush()
    except UsageError as error:
        _say(str(error))
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        _let_go_of_stdout()
        if isinstance(error, BrokenPipeError):
            return _BROKEN_PIPE
        _say(f"{error.filename or 'standard output'}: {error.strerror or error}")
        return 2


def _follow(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(_places(sys.argv[1:] if argv is None else argv))
    _log_to(arguments.log_file, arguments.log_level)
    if arguments.command == "complete":
        from fim_lsp.cli.complete import complete  # the server has no use for it

        return complete(arguments.place.removeprefix(_PLACE_MARK), arguments.path, dict(os.environ))
    return _serve(arguments)


def _places(arguments: Sequence[str]) -> list[str]:
    """``-:3:4`` is a place on standard input and ``-x.py:3`` one in a file: argparse would take them for options."""
    return [_PLACE_MARK + argument if _DASHED_PLACE.fullmatch(argument) else argument for argument in arguments]


def _say(sentence: str) -> None:
    """On standard error, if there is any."""
    with contextlib.suppress(AttributeError, OSError):
        sys.stderr.write(visible(f"fim-lsp: {sentence}") + "\n")


def _let_go_of_stdout() -> None:
    """What could not be written stays unwritten: else Python tries again when it ends, and complains."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # there may be none
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _serve(arguments: argparse.Namespace) -> int:
    """Half a second is spent on imports here, which `--help` need not wait for."""
    if arguments.tcp is None and (arguments.tcp_token is not None or arguments.allow_remote):
        raise UsageError(f"{'--allow-remote' if arguments.allow_remote else '--tcp-token'} goes with --tcp HOST:PORT")
    environment = dict(os.environ)
    if arguments.tcp is not None:
        host, port = _address(arguments.tcp)
        from fim_lsp.lsp.shared_server import serve_tcp

        return serve_tcp(environment, host, port, _say, token=arguments.tcp_token, remote=arguments.allow_remote)
    if arguments.socket is not None:
        if not arguments.socket:
            raise UsageError("--socket: must be a path, for example /run/user/1000/fim-lsp.sock")
        from fim_lsp.lsp.shared_server import serve_socket

        return serve_socket(environment, Path(arguments.socket), _say)
    from fim_lsp.lsp.transport import serve_stdio

    return serve_stdio(environment)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if bracketed := re.fullmatch(r"\[(.+)\]", host):
        host = bracketed[1]
    if not host.strip() or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535 or set(host) & set("[] /"):
        raise UsageError(f"--tcp {text}: must be HOST:PORT, for example 127.0.0.1:9257 or [::1]:9257")
    return host, int(port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fim-lsp",
        description="Ghost text in any LSP editor. Without a command it serves LSP on stdin and stdout.",
    )
    parser.add_argument("--version", action="version", version=f"fim-lsp {fim_lsp.__version__}")
    transport = parser.add_mutually_exclusive_group()
    transport.add_argument("--stdio", action="store_true", help="serve on stdin and stdout, as without it")
    transport.add_argument(
        "--socket",
        metavar="PATH",
        help="serve any number of your editors on a Unix socket, which only you can connect to",
    )
    transport.add_argument(
        "--tcp",
        metavar="HOST:PORT",
        help="serve any number of editors on this address; they must send a token, which is printed at the start, and "
        "may set no key, address or back end",
    )
    parser.add_argument(
        "--tcp-token",
        metavar="FILE",
        type=Path,
        help="with --tcp: take the token from this file of yours, mode 600; it is created with a new one if missing",
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="with --tcp: allow an address that other machines can reach; the traffic is not encrypted",
    )
    _add_log_options(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    complete = commands.add_parser(
        "complete",
        help="print the completion at a place in a file",
        description="Print the completion at FILE:LINE:COLUMN, from 1, COLUMN in characters; FILE:LINE is the line's "
        "end. Exits with 0 if there is text, 1 if there is none, 2 if the place can't be read.",
    )
    complete.add_argument("place", metavar="FILE:LINE:COLUMN", help="FILE may be - for standard input")
    complete.add_argument("--path", metavar="FILE", help="with -: the name that the text is to be taken for")
    _add_log_options(complete)
    return parser


def _add_log_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-file", metavar="PATH", type=Path, default=None, help="write the log there, not to stderr"
    )
    parser.add_argument("--log-level", choices=_LEVELS, default="warning", help="(warning)")


def _log_to(path: Path | None, level: str) -> None:
    """Log to stderr, which editors keep, or to a file. No log line ever holds text of the user's or a key."""
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
