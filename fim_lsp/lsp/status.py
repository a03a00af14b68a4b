"""The status notification, and the commands that explain why no suggestion appeared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from fim_lsp.session.status_tracker import Status
from fim_lsp.text.unicode import for_message, visible

if TYPE_CHECKING:
    from fim_lsp.session.explanation import Explanation
    from fim_lsp.stats.usage import Usage

NOTIFICATION = "fim-lsp/status"
WHY_COMMAND = "fim-lsp.why"
STATUS_COMMAND = "fim-lsp.status"
_MAX_MESSAGE_LINES = 2  # a message is not a list

Show = Callable[[str], None]
"""Shows a message to the user."""


def is_experimental(capabilities: types.ClientCapabilities, name: str) -> bool:
    """Whether the editor has set ``experimental.<name>`` to true, to ask for one of this server's notifications."""
    experimental = capabilities.experimental
    value = experimental.get(name) if isinstance(experimental, dict) else getattr(experimental, name, None)
    return value is True


def to_params(status: Status) -> dict[str, Any]:
    """The parameters of the notification."""
    return {
        "state": status.state,
        "reason": visible(status.reason),
        "backend": status.backend,
        "model": visible(status.model),
        "host": visible(status.host),
        "until": None if status.until is None else round(status.until),
        **({"needsKey": True} if status.needs_key else {}),
    }


def why(explanation: Explanation, show: Show, options: Any = None) -> list[str]:
    """``fim-lsp.why``: what keeps suggestions away, and what became of the latest requests.

    Also shows the first lines, unless ``options`` are ``quiet``; ``verbose`` ones ask for details.
    """
    lines = [for_message(line) for line in explanation.lines(verbose=option(options, "verbose") is True)]
    if not _is_quiet(options):
        show(in_one_line(lines[:_MAX_MESSAGE_LINES]))
    return lines


def status(current: Status, show: Show, options: Any = None, usage: Usage | None = None) -> dict[str, Any]:
    """``fim-lsp.status``: the current status, with ``usage`` if it is given. Also shows it, unless ``options`` are ``quiet``."""
    if not _is_quiet(options):
        show(visible(f"fim-lsp is {current}"))
    return to_params(current) | ({"usage": usage_params(usage)} if usage else {})


def usage_params(usage: Usage) -> dict[str, Any]:
    """For a status line; ``latency`` in milliseconds."""
    return {
        "latency": None if usage.latency is None else round(usage.latency * 1000),
        "tokens": usage.tokens,
        "calls": usage.calls,
        "accepted": usage.accepted,
    }


def in_one_line(lines: Iterable[str]) -> str:
    """Lines as one: several editors have a single line for messages, and glue or cut what has more."""
    return " | ".join(line.removesuffix(".") for line in lines)


def document_of(options: Any) -> str:
    """The URI of the document that a command is about, ``""`` if it names none."""
    uri = option(options, "uri")
    return uri if isinstance(uri, str) else ""


def _is_quiet(options: Any) -> bool:
    return option(options, "quiet") is True


def option(options: Any, name: str) -> Any:
    """A member of the object that is a command's argument, which pygls converts to a named tuple."""
    return options.get(name) if isinstance(options, dict) else getattr(options, name, None)
