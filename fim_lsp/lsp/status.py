"""The status notification, and the commands that explain why no suggestion appeared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lsprotocol import types

from fim_lsp.session.status_tracker import Status
from fim_lsp.text.unicode import visible

NOTIFICATION = "fim-lsp/status"
WHY_COMMAND = "fim-lsp.why"
STATUS_COMMAND = "fim-lsp.status"
_MAX_MESSAGE_LINES = 2  # a message is not a list

Show = Callable[[str], None]
"""Shows a message to the user."""


def is_status_wanted(capabilities: types.ClientCapabilities) -> bool:
    """Whether the editor asks for :data:`NOTIFICATION`, by ``experimental.fimLspStatus``."""
    experimental = capabilities.experimental
    if isinstance(experimental, dict):
        return experimental.get("fimLspStatus") is True
    return getattr(experimental, "fimLspStatus", None) is True


def to_params(status: Status) -> dict[str, Any]:
    """The parameters of the notification."""
    return {
        "state": status.state,
        "reason": visible(status.reason),
        "backend": status.backend,
        "model": visible(status.model),
        "host": visible(status.host),
        "until": None if status.until is None else round(status.until),
    }


def why(explanations: Sequence[str], show: Show, options: Any = None) -> list[str]:
    """``fim-lsp.why``: the reasons for the latest results. Also shows the first, unless ``options`` are ``quiet``."""
    lines = [visible(line) for line in explanations]
    if not _is_quiet(options):
        show("\n".join(lines[:_MAX_MESSAGE_LINES]))
    return lines


def status(current: Status, show: Show, options: Any = None) -> dict[str, Any]:
    """``fim-lsp.status``: the current status. Also shows it, unless ``options`` are ``quiet``."""
    if not _is_quiet(options):
        show(visible(f"fim-lsp is {current}"))
    return to_params(current)


def _is_quiet(options: Any) -> bool:
    """Whether the argument of a command is an object with ``quiet``, which pygls converts to a named tuple."""
    quiet = options.get("quiet") if isinstance(options, dict) else getattr(options, "quiet", False)
    return quiet is True
