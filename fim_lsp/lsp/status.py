"""How the server is: a notification for status lines, and commands for whoever wonders about silence."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from lsprotocol import types

from fim_lsp.session.session import Session
from fim_lsp.session.status_tracker import Status
from fim_lsp.text.unicode import visible

log = logging.getLogger(__name__)

NOTIFICATION = "fim-lsp/status"
WHY = "fim-lsp.why"
STATUS = "fim-lsp.status"
_SHOWN = 2  # lines of a message in an editor that shows no lists


class Speaker(Protocol):
    """What the commands need of the server."""

    @property
    def session(self) -> Session:
        """The editor's session."""

    def window_show_message(self, params: types.ShowMessageParams) -> None:
        """Show a sentence to the user."""


def wants_status(capabilities: types.ClientCapabilities) -> bool:
    """Whether the editor asks for :data:`NOTIFICATION`, by ``experimental.fimLspStatus``."""
    experimental = capabilities.experimental
    if isinstance(experimental, dict):
        return experimental.get("fimLspStatus") is True
    return getattr(experimental, "fimLspStatus", None) is True


def as_params(status: Status) -> dict[str, str]:
    """The notification's parameters."""
    return {
        "state": status.state, "reason": visible(status.reason), "backend": status.backend,
        "model": visible(status.model), "host": visible(status.host),
    }  # fmt: skip


def why(speaker: Speaker, options: Any = None) -> list[str]:
    """``fim-lsp.why``: the last answers and their reasons. Shown to the user too, unless ``options`` say ``quiet``."""
    lines = [visible(line) for line in speaker.session.explain_requests()]
    if not _is_quiet(options):
        speaker.window_show_message(
            types.ShowMessageParams(type=types.MessageType.Info, message="\n".join(lines[:_SHOWN]))
        )
    return lines


def status(speaker: Speaker, options: Any = None) -> dict[str, str]:
    """``fim-lsp.status``: what the notification says. Shown to the user too, unless ``options`` say ``quiet``."""
    if not _is_quiet(options):
        line = str(speaker.session.status)
        speaker.window_show_message(
            types.ShowMessageParams(type=types.MessageType.Info, message=visible(f"fim-lsp: {line}"))
        )
    return as_params(speaker.session.status)


def _is_quiet(options: Any) -> bool:
    """Whether a command's argument is an object with ``quiet``; pygls makes a named tuple of an object."""
    quiet = options.get("quiet") if isinstance(options, dict) else getattr(options, "quiet", False)
    return quiet is True
