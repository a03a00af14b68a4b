"""The language server: what each message does. Handlers take what they need from the message and hand it on."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

import fim_lsp
from fim_lsp.lsp.completion_menu import TRIGGERS, Menu, ignoring_refusal, menu_wanted, offer_menu
from fim_lsp.lsp.documents import Documents
from fim_lsp.lsp.notebooks import SYNC_OPTIONS
from fim_lsp.lsp.protocol import Protocol, in_message_order
from fim_lsp.lsp.status import NOTIFICATION, STATUS, WHY, as_params, status, wants_status, why
from fim_lsp.lsp.to_protocol import completion_list, inline_list, word_before
from fim_lsp.schedule.request import CompletionResult
from fim_lsp.session.notifier import Level
from fim_lsp.session.session import Session
from fim_lsp.session.status_tracker import Status
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split
from fim_lsp.text.positions import to_units
from fim_lsp.text.unicode import visible

log = logging.getLogger(__name__)


class Server(LanguageServer):
    """One editor's connection. ``trusted`` is whether its client is known to be the user, who may set everything."""

    protocol: Protocol

    def __init__(self, environment: Mapping[str, str], *, trusted: bool = True) -> None:
        super().__init__(
            "fim-lsp",
            fim_lsp.__version__,
            protocol_cls=Protocol,
            converter_factory=_converter,
            notebook_document_sync=SYNC_OPTIONS,
        )
        self.trusted = trusted
        self.session = Session(
            self._show_message, environment, on_status=self.show_status, on_settings=lambda: offer_menu(self)
        )
        self.wants_status = False
        self.has_inline = False  # whether the editor asks for inline completion
        self.first_line = True  # whether the first line is an entry of its own in the menu
        self.menu = Menu.ABSENT
        self._tasks: set[asyncio.Task[None]] = set()
        _register(self)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Only log, and only the kind of error. pygls shows it to the user, with whatever text it holds."""
        log.error("%s in a handler", type(error).__name__)

    def _show_message(self, level: Level, sentence: str) -> None:
        message = visible(sentence if sentence.startswith("fim-lsp") else f"fim-lsp: {sentence}")
        log.warning("told: %s", message)
        self.window_show_message(types.ShowMessageParams(type=types.MessageType(int(level)), message=message))

    def show_status(self, status: Status) -> None:
        """Tell an editor that wants to know how the server is."""
        if self.wants_status:
            self.protocol.notify(NOTIFICATION, as_params(status))

    @property
    def documents(self) -> Documents:
        """The open documents."""
        workspace = self.protocol.workspace
        assert isinstance(workspace, Documents)  # noqa: S101 - put there by _initialize
        return workspace

    def in_background(self, work: Callable[[], Any]) -> None:
        """Run a coroutine function whose end nobody waits for."""
        task = asyncio.get_running_loop().create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@functools.cache
def _converter() -> Any:
    """One converter for all connections: making one takes a fifth of a second."""
    return default_converter()  # type: ignore[no-untyped-call]  # pygls leaves it untyped


def _register(server: Server) -> None:
    server.feature(types.INITIALIZE)(_initialize)
    server.feature(types.INITIALIZED)(_initialized)
    server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)(_configuration_changed)
    server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(_folders_changed)
    server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())(_inline_completion)
    server.command(WHY)(_why)
    server.command(STATUS)(_status)


def _initialize(server: Server, params: types.InitializeParams) -> None:
    """Take the editor's side of the handshake; pygls answers with the capabilities that follow from it."""
    workspace = server.protocol.workspace
    encoding = str(getattr(workspace.position_encoding, "value", workspace.position_encoding))
    documents = Documents(workspace.root_uri, params.workspace_folders or [], encoding, server.session)
    server.protocol.replace_workspace(documents)
    options = params.initialization_options
    server.session.start(roots=documents.roots(), initialization=options, trusted=server.trusted)
    text = params.capabilities.text_document
    # lsp-mode says "inlineCompletion": null and means yes; eglot calls itself Eglot
    client = params.client_info.name if params.client_info else ""
    server.has_inline = bool(text and text.inline_completion) or client == "emacs"
    server.first_line = client != "Eglot"  # Emacs puts in what the labels of two entries have in common
    if menu_wanted(server):
        options = types.CompletionOptions(trigger_characters=list(TRIGGERS))
        server.feature(types.TEXT_DOCUMENT_COMPLETION, options)(_completion)
        server.menu = Menu.ADVERTISED


def _initialized(server: Server, params: types.InitializedParams) -> None:
    """Ask for the workspace's settings, and to be told when they change."""
    server.wants_status = wants_status(server.client_capabilities)  # nothing may be sent before
    server.show_status(server.session.status)
    if server.menu is Menu.ABSENT:  # the handshake is over: this answers, and advertises nothing
        server.feature(types.TEXT_DOCUMENT_COMPLETION)(_completion)
    workspace = server.client_capabilities.workspace
    changes = workspace.did_change_configuration if workspace else None
    if changes and changes.dynamic_registration:
        registration = types.Registration(id="settings", method=types.WORKSPACE_DID_CHANGE_CONFIGURATION)
        server.in_background(
            lambda: ignoring_refusal(
                server.client_register_capability_async(types.RegistrationParams(registrations=[registration]))
            )
        )
    if _answers_settings(server):
        server.session.expect_workspace_settings()
        server.in_background(lambda: _pull_settings(server))


def _answers_settings(server: Server) -> bool:
    """Whether the editor can be asked for its workspace's settings."""
    workspace = server.client_capabilities.workspace
    return bool(workspace and workspace.configuration)


def _configuration_changed(server: Server, params: types.DidChangeConfigurationParams) -> None:
    """Pull the settings from an editor that can be asked; others push them in the message, if it says anything."""
    if _answers_settings(server):
        server.in_background(lambda: _pull_settings(server))
    elif params.settings is not None:
        server.session.set_workspace_settings(params.settings)


async def _pull_settings(server: Server) -> None:
    item = types.ConfigurationItem(section="fim-lsp")
    values = await ignoring_refusal(
        server.workspace_configuration_async(types.ConfigurationParams(items=[item])),
    )
    if values:
        server.session.set_workspace_settings(values[0])
    else:
        server.session.workspace_settings_unavailable()


def _folders_changed(server: Server, params: types.DidChangeWorkspaceFoldersParams) -> None:
    server.session.set_roots(server.documents.roots())


def _why(server: Server, *options: Any) -> list[str]:
    return why(server, *options[:1])


def _status(server: Server, *options: Any) -> dict[str, str]:
    return status(server, *options[:1])


@in_message_order
def _inline_completion(server: Server, params: types.InlineCompletionParams) -> asyncio.Future[Any]:
    """Ghost text at the cursor."""
    if not server.has_inline:
        server.has_inline = True
        offer_menu(server)
    explicit = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    asked = _asked(server, params, explicit=explicit)
    if asked is None:
        return _now(inline_list(None, types.Range(params.position, params.position)))
    units, split, answer = asked

    def items(suggestion: Suggestion | None) -> types.InlineCompletionList:
        return inline_list(suggestion, _span(units, split, 0, suggestion))

    return _then(answer, items)


@in_message_order
def _completion(server: Server, params: types.CompletionParams) -> asyncio.Future[Any]:
    """The same as an entry in the completion menu."""
    asked = _asked(server, params, explicit=False) if menu_wanted(server) else None
    if asked is None:
        return _now(types.CompletionList(is_incomplete=False, items=[]))
    units, split, answer = asked
    word = word_before(split.line_prefix)

    def items(suggestion: Suggestion | None) -> types.CompletionList:
        span = _span(units, split, len(word), suggestion)
        return completion_list(suggestion, word, span, first_line=server.first_line)

    return _then(answer, items)


def _asked(
    server: Server, params: types.InlineCompletionParams | types.CompletionParams, *, explicit: bool
) -> tuple[Callable[[int], int], Split, asyncio.Future[CompletionResult]] | None:
    """Take the snapshot and ask, both before anything newer can change the document. A fault of ours asks nothing."""
    try:
        return _ask(server, params, explicit=explicit)
    except Exception as error:  # noqa: BLE001 - the boundary: an error reply would pop up at every key
        log.error("%s while asking", type(error).__name__)
        return None


def _ask(
    server: Server, params: types.InlineCompletionParams | types.CompletionParams, *, explicit: bool
) -> tuple[Callable[[int], int], Split, asyncio.Future[CompletionResult]] | None:
    document = server.documents.document(params.text_document.uri)
    if document is None:
        return None
    position, beside = params.position, server.documents.beside(document)
    request = server.session.ask(document.uri, position.line, position.character, explicit=explicit, beside=beside)
    split = request.snapshot.split
    line, encoding = document.text.lines[split.line], document.text.encoding
    return (lambda column: to_units(line, column, encoding)), split, request.result


def _span(units: Callable[[int], int], split: Split, back: int, suggestion: Suggestion | None) -> types.Range:
    """The range that a suggestion replaces, from ``back`` characters before the cursor on."""
    end = split.column + (suggestion.replace if suggestion else 0)
    return types.Range(types.Position(split.line, units(split.column - back)), types.Position(split.line, units(end)))


def _now(result: Any) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future


def _then(answer: asyncio.Future[CompletionResult], items: Callable[[Suggestion | None], Any]) -> asyncio.Future[Any]:
    """The answer as LSP has it. Cancelling it takes the request back; the order of answers stays the scheduler's."""
    result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def deliver(done: asyncio.Future[CompletionResult]) -> None:
        if result.done():
            return
        if done.cancelled():
            result.cancel()
            return
        result.set_result(items(done.result().suggestion))

    answer.add_done_callback(deliver)
    result.add_done_callback(lambda done: answer.cancel() if done.cancelled() else None)
    return result
