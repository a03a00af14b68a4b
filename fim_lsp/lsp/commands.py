"""The commands that change something, for ``workspace/executeCommand``. Any editor can bind them to keys.

Each returns ``{"message", "status"}``: the state that results, as a sentence, and the status. The sentence is also shown,
unless the last argument is ``{"quiet": true}``. An argument that is not allowed changes nothing, and the sentence says what
is; it is no error, which editors would show as one of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from fim_lsp.lsp.server import Server
from fim_lsp.lsp.status import to_params
from fim_lsp.session.switch_board import MAX_SNOOZE
from fim_lsp.text.unicode import visible

_MAX_LANGUAGE = 100  # characters of a language id

Command = Callable[[Server, Sequence[Any]], str | None]
"""Runs a command with its arguments; returns the sentence, or None if an argument is not allowed."""


def register_commands(server: Server) -> None:
    """Register all of :data:`COMMANDS`."""
    for name in COMMANDS:
        server.command(name)(_handler(name))


def _handler(name: str) -> Callable[..., dict[str, Any]]:
    run, allowed = COMMANDS[name]

    def handle(server: Server, *arguments: Any) -> dict[str, Any]:
        values, quiet = split_options(arguments)
        message = visible(run(server, values) or f"{name} takes {allowed}.")
        if not quiet:
            server.show_info(f"fim-lsp: {message}")
        return {"message": message, "status": to_params(server.session.status)}

    return handle


def split_options(arguments: Sequence[Any]) -> tuple[Sequence[Any], bool]:
    """The arguments without the object of options at the end, and whether that has ``quiet``.

    pygls makes a named tuple of an object. A null at the end is no argument either.
    """
    values = list(arguments)
    quiet = False
    if values and (isinstance(values[-1], Mapping) or hasattr(values[-1], "_fields")):
        options = values.pop()
        quiet = (options.get("quiet") if isinstance(options, Mapping) else getattr(options, "quiet", False)) is True
    while values and values[-1] is None:
        values.pop()
    return values, quiet


# -- the commands


def _toggle(server: Server, values: Sequence[Any]) -> str | None:
    match values:
        case []:
            return server.session.switches.toggle()
        case [bool(on)]:
            return server.session.switches.toggle(on)
    return None


def _toggle_language(server: Server, values: Sequence[Any]) -> str | None:
    match values:
        case [str(language)] if 0 < len(language) <= _MAX_LANGUAGE:
            return server.session.switches.toggle_language(language)
        case [str(language), bool(on)] if 0 < len(language) <= _MAX_LANGUAGE:
            return server.session.switches.toggle_language(language, on)
    return None


def _snooze(server: Server, values: Sequence[Any]) -> str | None:
    match values:
        case [int(minutes) | float(minutes)] if not isinstance(minutes, bool) and 0 <= minutes <= MAX_SNOOZE:
            return server.session.switches.snooze(minutes)
    return None


def _clear_cache(server: Server, values: Sequence[Any]) -> str | None:
    return server.session.clear_cache() if not values else None


def _restart(server: Server, values: Sequence[Any]) -> str | None:
    return server.session.restart_backends() if not values else None


COMMANDS: Final[Mapping[str, tuple[Command, str]]] = MappingProxyType(
    {
        "fim-lsp.toggle": (_toggle, "no argument, or true or false to turn suggestions on or off"),
        "fim-lsp.toggleLanguage": (_toggle_language, 'a language id such as "python", and optionally true or false'),
        "fim-lsp.snooze": (_snooze, f"a number of minutes from 0 to {MAX_SNOOZE}; 0 ends a snooze"),
        "fim-lsp.clearCache": (_clear_cache, "no argument"),
        "fim-lsp.restart": (_restart, "no argument"),
    }
)
"""By name: what it does, and which arguments it takes."""
