"""``fim-lsp`` without a command: the server, on one of its transports."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from fim_lsp.cli.output import say
from fim_lsp.errors import UsageError


def serve(arguments: argparse.Namespace) -> int:
    """Serve until the editor leaves, or the shared server is interrupted. Returns the exit code.

    The transports are imported here: that takes half a second, which ``--help`` and mistakes should not wait for.
    """
    environment = dict(os.environ)
    _check_tcp_options(arguments)
    if arguments.tcp is not None:
        host, port = parse_address(arguments.tcp)
        from fim_lsp.lsp.shared_server import serve_tcp

        return serve_tcp(environment, host, port, say, token=arguments.tcp_token, remote=arguments.allow_remote)
    if arguments.socket is not None:
        if not arguments.socket:
            raise UsageError("--socket: must be a path, for example /run/user/1000/fim-lsp.sock")
        from fim_lsp.lsp.shared_server import serve_socket

        return serve_socket(environment, Path(arguments.socket), say)
    from fim_lsp.lsp.transport import serve_stdio

    return serve_stdio(environment)


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
