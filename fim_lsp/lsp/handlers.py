"""What the server does with each message. A handler takes what it needs from the message, and passes it on."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from lsprotocol import types

from fim_lsp.lsp.acceptance_commands import register_acceptance_commands
from fim_lsp.lsp.choice_commands import register_choice_commands
from fim_lsp.lsp.commands import register_commands
from fim_lsp.lsp.completion_menu import TRIGGER_CHARACTERS, MenuState, completion_list
from fim_lsp.lsp.doctor_command import DOCTOR_COMMAND, doctor
from fim_lsp.lsp.documents import Documents
from fim_lsp.lsp.late_answers import on_cancel
from fim_lsp.lsp.protocol import in_message_order
from fim_lsp.lsp.requests import ask, completed, mapped
from fim_lsp.lsp.server import Server, reply_or_none
from fim_lsp.lsp.stats import STATS_COMMAND, stats
from fim_lsp.lsp.status import STATUS_COMMAND, WHY_COMMAND, document_of, is_experimental, option, status, why
from fim_lsp.lsp.to_protocol import inline_list
from fim_lsp.schedule.request import CompletionResult


def register_handlers(server: Server) -> None:
    """Register all handlers except that of ``textDocument/completion``, which is added during the handshake."""
    server.feature(types.INITIALIZE)(_initialize)
    server.feature(types.INITIALIZED)(_initialized)
    server.feature(types.SET_TRACE)(_set_trace)
    server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)(_progress_cancelled)
    server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)(_configuration_changed)
    server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(_folders_changed)
    server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())(_inline_completion)
    server.command(WHY_COMMAND)(_why)
    server.command(STATUS_COMMAND)(_status)
    server.command(DOCTOR_COMMAND)(doctor)
    register_commands(server)
    register_choice_commands(server)
    register_acceptance_commands(server)
    server.command(STATS_COMMAND)(stats)


# -- completions


@in_message_order
def _inline_completion(server: Server, params: types.InlineCompletionParams) -> asyncio.Future[Any]:
    """Ghost text at the cursor."""
    if not server.has_inline_completion:
        server.has_inline_completion = True
        server.update_menu()
    explicit = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    selected = params.context.selected_completion_info
    request = ask(server, params.text_document.uri, params.position, explicit=explicit, selected=selected)
    if request is None:
        return completed(types.InlineCompletionList(items=[]))
    asked, cursor = request
    return mapped(asked, lambda answer: inline_list(answer, cursor), on_cancel(server, params, asked))


@in_message_order
def _completion(server: Server, params: types.CompletionParams) -> asyncio.Future[Any]:
    """The same suggestion, as entries of the completion menu."""
    uri, position = params.text_document.uri, params.position
    request = ask(server, uri, position, explicit=_asks_for_menu(server, params)) if server.wants_menu else None
    if request is None:
        return completed(types.CompletionList(is_incomplete=False, items=[]))
    asked, cursor = request
    first_line = server.has_first_line_entry

    def to_list(answer: CompletionResult) -> types.CompletionList:
        return completion_list(answer.suggestion, cursor, first_line=first_line, number=answer.suggestion_number)

    return mapped(asked, to_list)


def _asks_for_menu(server: Server, params: types.CompletionParams) -> bool:
    """Whether the user asks for a suggestion where none appears by itself. Elsewhere, the menu has one in any case."""
    if server.session.silence(params.text_document.uri) is None:
        return False
    return server.menu_trigger.is_asked(params, edited_at=server.session.edited_at, now=time.monotonic())


# -- the handshake


def _initialize(server: Server, params: types.InitializeParams) -> None:
    """Process the editor's part of the handshake. pygls replies with the resulting capabilities."""
    workspace = server.protocol.workspace
    encoding = str(getattr(workspace.position_encoding, "value", workspace.position_encoding))
    documents = Documents(workspace.root_uri, params.workspace_folders or [], encoding, server.session)
    server.protocol.replace_workspace(documents)
    options = params.initialization_options
    server.session.start(roots=documents.roots(), initialization=options, trusted=server.trusted)
    text = params.capabilities.text_document
    client = params.client_info.name if params.client_info else ""
    server.client_name = client
    server.repeated_warning.identify_client(client)
    server.client_log.trace = params.trace or types.TraceValue.Off
    server.wants_ready = is_experimental(params.capabilities, "fimLspSuggestionReady")
    server.session.recorder.set_client(client)
    # lsp-mode sends "inlineCompletion": null though it supports it; the name of eglot is Eglot
    server.has_inline_completion = bool(text and text.inline_completion) or client == "emacs"
    server.has_first_line_entry = client != "Eglot"  # Emacs inserts the common prefix of the labels of two entries
    if server.wants_menu:
        menu = types.CompletionOptions(trigger_characters=list(TRIGGER_CHARACTERS))
        server.feature(types.TEXT_DOCUMENT_COMPLETION, menu)(_completion)
        server.menu_state = MenuState.ADVERTISED


def _initialized(server: Server, params: types.InitializedParams) -> None:
    """Request the settings of the workspace, and notifications of their changes."""
    server.wants_status = is_experimental(server.client_capabilities, "fimLspStatus")  # before now nothing may be sent
    server.send_status(server.session.status)
    server.client_log.start(server.client_name, server.session.settings_sources(), server.session.status)
    if server.menu_state is MenuState.ABSENT:  # after the handshake this advertises nothing, but answers requests
        server.feature(types.TEXT_DOCUMENT_COMPLETION)(_completion)
    workspace = server.client_capabilities.workspace
    changes = workspace.did_change_configuration if workspace else None
    if changes and changes.dynamic_registration:
        server.register_in_background(types.Registration("settings", types.WORKSPACE_DID_CHANGE_CONFIGURATION))
    if _can_pull_settings(server):
        server.session.expect_workspace_settings()
        server.in_background(_pull_settings(server))


def _set_trace(server: Server, params: types.SetTraceParams) -> None:
    """The editor wants to know more, or less, about each request."""
    server.client_log.trace = params.value


def _progress_cancelled(server: Server, params: types.WorkDoneProgressCancelParams) -> None:
    """The user has cancelled some work of ours."""
    server.indexing.on_cancel(params.token)


# -- settings


def _configuration_changed(server: Server, params: types.DidChangeConfigurationParams) -> None:
    """Request the settings if the editor supports it. Others send them in the notification."""
    if _can_pull_settings(server):
        server.in_background(_pull_settings(server))
    elif params.settings is not None:
        server.session.set_workspace_settings(params.settings)


def _can_pull_settings(server: Server) -> bool:
    workspace = server.client_capabilities.workspace
    return bool(workspace and workspace.configuration)


async def _pull_settings(server: Server) -> None:
    item = types.ConfigurationItem(section="fim-lsp")
    values = await reply_or_none(server.workspace_configuration_async(types.ConfigurationParams(items=[item])))
    if values:
        server.session.set_workspace_settings(values[0])
    else:
        server.session.workspace_settings_unavailable()


def _folders_changed(server: Server, params: types.DidChangeWorkspaceFoldersParams) -> None:
    server.session.set_roots(server.documents.roots())


# -- commands


def _why(server: Server, *arguments: Any) -> list[str]:
    explanation = server.session.explain(document_of(arguments[0]) if arguments else "")
    return why(explanation, server.show_info, *arguments[:1])


async def _status(server: Server, *arguments: Any) -> dict[str, Any]:
    options = arguments[0] if arguments else None
    usage = await server.session.usage.today() if option(options, "usage") is True else None
    answer = status(server.session.status, server.show_info, options, usage)
    return {**answer, "trigger": server.session.switches.trigger}
