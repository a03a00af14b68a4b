"""The commands that choose another model or trigger for one session. A null goes back to the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fim_lsp.lsp.commands import split_quiet, state_reply
from fim_lsp.lsp.server import Server
from fim_lsp.session.model_switch import ModelReport

MODEL: Final = "fim-lsp.model"
TRIGGER: Final = "fim-lsp.trigger"


def register_choice_commands(server: Server) -> None:
    """Register both."""
    server.command(MODEL)(_model)
    server.command(TRIGGER)(_trigger)


async def _model(server: Server, *arguments: Any) -> dict[str, Any]:
    """``fim-lsp.model``: say which model is used, or use another one. Adds ``model`` and ``models`` to the usual answer."""
    values, quiet = split_quiet(arguments)
    report = await _chosen(server, values)
    sentence = report.message or f"{MODEL} takes a model's id, null for that of the settings, or no argument to ask."
    reply = state_reply(server, sentence, quiet=quiet)
    return {**reply, "model": report.model, "models": list(report.models)}


async def _chosen(server: Server, values: Sequence[Any]) -> ModelReport:
    """The result; without a message if the arguments are not allowed."""
    models = server.session.models
    match values:
        case []:
            return await models.describe()
        case [None]:
            return await models.reset()
        case [str(model)]:
            try:
                return await models.choose(model)
            except ValueError:
                pass
    return ModelReport(message="", model=server.session.status.model, models=())


def _trigger(server: Server, *arguments: Any) -> dict[str, Any]:
    """``fim-lsp.trigger``: suggestions as the user types, or only when asked for. Adds ``trigger`` to the usual answer."""
    values, quiet = split_quiet(arguments)
    switches = server.session.switches
    match values:
        case []:
            sentence = switches.set_trigger("auto" if switches.trigger == "manual" else "manual")
        case [("auto" | "manual" | None) as trigger]:
            sentence = switches.set_trigger(trigger)
        case _:
            sentence = f'{TRIGGER} takes "auto", "manual", null for the setting, or no argument for the other one.'
    return {**state_reply(server, sentence, quiet=quiet), "trigger": switches.trigger}
