"""The commands that change something, for ``workspace/executeCommand``. Any editor can bind them to keys.

Each returns ``{"message", "status"}``: the state that results, as a sentence, and the status. The sentence is also shown,
unless the last argument is ``{"quiet": true}``. An argument that is not allowed changes nothing, and the sentence says what
is; it is no error, which editors would show as one of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from lsprotocol import types

from fim_lsp.lsp.protocol import in_message_order
from fim_lsp.lsp.requests import ask, completed, mapped
from fim_lsp.lsp.server import Server
from fim_lsp.lsp.status import to_params
from fim_lsp.lsp.to_protocol import inline_list
from fim_lsp.schedule.request import CompletionResult
from fim_lsp.session.switch_board import MAX_SNOOZE
from fim_lsp.text.unicode import for_message

ALTERNATIVES: Final = "fim-lsp.alternatives"
"""Answers with ``{"items", "message"}``."""

_MAX = 2**31  # lines and columns, in LSP
_MAX_LANGUAGE = 100  # characters of a language id

Command = Callable[[Server, Sequence[Any]], str | None]
"""Runs a command with its arguments; returns the sentence, or None if an argument is not allowed."""


def register_commands(server: Server) -> None:
    """Register all of :data:`COMMANDS`, and :data:`ALTERNATIVES`."""
    for name in COMMANDS:
        server.command(name)(_handler(name))
    server.command(ALTERNATIVES)(_alternatives)


def _handler(name: str) -> Callable[..., dict[str, Any]]:
    run, allowed = COMMANDS[name]

    def handle(server: Server, *arguments: Any) -> dict[str, Any]:
        values, quiet = split_options(arguments)
        return state_reply(server, run(server, values) or f"{name} takes {allowed}.", quiet=quiet)

    return handle


def split_options(arguments: Sequence[Any]) -> tuple[Sequence[Any], bool]:
    """The arguments without the object of options at the end, and whether that has ``quiet``.

    The last object may be a position instead. A null at the end is no argument either.
    """
    values, quiet = split_quiet(arguments)
    while values and values[-1] is None:
        values.pop()
    return values, quiet


def split_quiet(arguments: Sequence[Any]) -> tuple[list[Any], bool]:
    """The same, where a null is an argument."""
    values = list(arguments)
    quiet = False
    if values and _is_object(values[-1]) and member(values[-1], "line") is None:
        quiet = member(values.pop(), "quiet") is True
    return values, quiet


def state_reply(server: Server, sentence: str, *, quiet: bool) -> dict[str, Any]:
    """The answer of a command that changes something; also shows its sentence, unless ``quiet``."""
    message = for_message(sentence)
    if not quiet:
        server.show_info(f"fim-lsp: {message}")
    return {"message": message, "status": to_params(server.session.status)}


def member(value: Any, name: str) -> Any:
    """A member of an object, of which pygls makes a named tuple; None if there is none."""
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping) or hasattr(value, "_fields")


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
        case [str(digits)] if (
            digits.isdecimal() and len(digits) <= 3
        ):  # from editors whose command line has strings only
            return _snooze(server, [int(digits)])
    return None


@in_message_order
def _alternatives(server: Server, *arguments: Any) -> asyncio.Future[Any]:
    """``fim-lsp.alternatives``: up to three suggestions at a place, at once."""
    values, quiet = split_options(arguments)

    def reply(items: Sequence[types.InlineCompletionItem], sentence: str) -> dict[str, Any]:
        message = for_message(sentence)
        if not quiet:
            server.show_info(f"fim-lsp: {message}")
        return {"items": list(items), "message": message}

    match values:
        case [str(uri), place] if (position := _position(place)) is not None:
            request = ask(server, uri, position, explicit=True, wants_others=True)
        case _:
            return completed(reply([], f"{ALTERNATIVES} takes a document's URI and a position in it."))
    if request is None:
        return completed(reply([], "This document is not open."))
    asked, cursor = request
    return mapped(asked, lambda answer: reply(inline_list(answer, cursor).items, _count(answer)))


def _position(value: Any) -> types.Position | None:
    line, character = member(value, "line"), member(value, "character")
    if type(line) is not int or type(character) is not int or not (0 <= line < _MAX and 0 <= character < _MAX):
        return None
    return types.Position(line, character)


def _count(result: CompletionResult) -> str:
    from fim_lsp.session.request_log import why_nothing  # not for the start

    if result.suggestion is None:
        return f"Nothing to show: {why_nothing(result.outcome, result.backend, result.reason, result.cut_by)}."
    if result.others:
        return f"{len(result.others) + 1} suggestions."
    if result.others_failed:
        return f"There is no other suggestion for now, because {result.others_failed}."
    return "There is no other suggestion here."


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
