"""The commands with which editors report that the user took a suggestion. They are quiet, and never fail.

Every item has one of them as its ``command``, which editors run when the item is accepted.
"""

from __future__ import annotations

from typing import Any

from fim_lsp.lsp.server import Server
from fim_lsp.lsp.to_protocol import ACCEPTED, ACCEPTED_PART


def register_acceptance_commands(server: Server) -> None:
    """Register both."""
    server.command(ACCEPTED)(_accepted)
    server.command(ACCEPTED_PART)(_accepted_part)


def _accepted(server: Server, *arguments: Any) -> None:
    match arguments:
        case [int(suggestion), *_] if not isinstance(suggestion, bool):
            server.session.accepted(suggestion)


def _accepted_part(server: Server, *arguments: Any) -> None:
    match arguments:
        case [int(suggestion), int(units), *_] if not isinstance(suggestion, bool):
            server.session.accepted(suggestion, units)
