"""``fim-lsp`` without a command: the server, on one of its transports."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from fim_lsp.cli.allocation import return_large_blocks
from fim_lsp.cli.output import say
from fim_lsp.cli.start import resume_collection
from fim_lsp.errors import UsageError


def serve(arguments: argparse.Namespace) -> int:
    """Serve until the editor leaves, or the shared server is interrupted. Returns the exit code.

    The transports are imported here: that takes half a second, which ``--help`` and mistakes should not wait for.
    """
    environment = dict(os.environ)
    _check_tcp_options(arguments)
    return_large_blocks()
    if arguments.tcp is not None:
        host, port = parse_address(arguments.tcp)
        from fim_lsp.lsp.shared_server import serve_tcp

        resume_collection()
        return serve_tcp(environment, host, port, say, token=arguments.tcp_token, remote=arguments.allow_remote)
    if arguments.socket is not None:
        if not arguments.socket:
            raise UsageError("--socket: must be a path, for example /run/user/1000/fim-lsp.sock")
        from fim_lsp.lsp.shared_server import serve_socket

        resume_collection()
        return serve_socket(environment, Path(arguments.socket), say)
    from fim_lsp.lsp.transport import serve_stdio

    resume_collection()
    return serve_stdio(environment)


def add_serve_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a transport."""
    transport = parser.add_mutually_exclusive_group()
    transport.add_argument("--stdio", action="store_true", help="serve on stdin and stdout, which is the default")
    transport.add_argument(
        "--socket",
        metavar="PATH",
        help="serve any number of your editors on a Unix socket that only you can connect to",
    )
    transport.add_argument(
        "--tcp",
        metavar="HOST:PORT",
        help="serve any number of editors on this address; they must send the token that is printed at the start, and "
        "can't set keys, addresses or the back end",
    )
    parser.add_argument(
        "--tcp-token",
        metavar="FILE",
        type=Path,
        help="with --tcp: read the token from this file, which must be yours and have mode 600; created if missing",
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="with --tcp: allow an address that other machines can reach; the traffic is not encrypted",
    )


def _check_tcp_options(arguments: argparse.Namespace) -> None:
    if arguments.tcp is None and (arguments.tcp_token is not None or arguments.allow_remote):
        option = "--allow-remote" if arguments.allow_remote else "--tcp-token"
        raise UsageError(f"{option} goes with --tcp HOST:PORT")


def parse_address(address: str) -> tuple[str, int]:
    """``HOST:PORT``, with an IPv6 address in brackets."""
    host, _, port = address.rpartition(":")
    if bracketed := re.fullmatch(r"\[(.+)\]", host):
        host = bracketed[1]
    if not host.strip() or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535 or set(host) & set("[] /"):
        raise UsageError(f"--tcp {address}: must be HOST:PORT, for example 127.0.0.1:9257 or [::1]:9257")
    return host, int(port)
