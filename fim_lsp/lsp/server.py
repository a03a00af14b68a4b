"""The state of one editor's connection, and what the server sends by itself. ``handlers.py`` handles what it receives."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

import fim_lsp
from fim_lsp.lsp.client_log import ClientLog
from fim_lsp.lsp.completion_menu import TRIGGER_CHARACTERS, MenuState, MenuTrigger, is_wanted, next_state
from fim_lsp.lsp.documents import Documents
from fim_lsp.lsp.notebooks import SYNC_OPTIONS
from fim_lsp.lsp.progress import IndexingReporter
from fim_lsp.lsp.protocol import Protocol
from fim_lsp.lsp.repeated_warning import RepeatedWarning
from fim_lsp.lsp.status import NOTIFICATION, to_params
from fim_lsp.schedule.events import IndexingProgress, RequestAnswered
from fim_lsp.session.notifier import Level
from fim_lsp.session.session import Session
from fim_lsp.session.status_tracker import Status
from fim_lsp.text.unicode import for_message, visible

log = logging.getLogger(__name__)

_MENU_REGISTRATION = "menu"


class Server(LanguageServer):
    """One editor's connection. A ``trusted`` client is known to be the user, and may set everything."""

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
        self.client_log = ClientLog(self)
        self.session = Session(
            self._show_message, environment, on_status=self._status_changed, on_settings=self.update_menu
        )
        self.indexing = IndexingReporter(self, self.session.cancel_indexing)
        self.repeated_warning = RepeatedWarning(self._show_warning, lambda: self.session.edited_at)
        self.session.events.subscribe(RequestAnswered, self.client_log.on_answered)
        self.session.events.subscribe(RequestAnswered, self.repeated_warning.on_answered)
        self.session.events.subscribe(IndexingProgress, self.indexing.on_progress)
        self.client_name = ""
        self.wants_status = False
        self.wants_ready = False  # the editor wants to be told of suggestions that come after it has cancelled
        self.has_inline_completion = False  # the editor requests inline completion
        self.has_first_line_entry = True  # the menu has a second entry, the first line alone
        self.menu_state = MenuState.ABSENT
        self.menu_trigger = MenuTrigger()
        self.doctor_lock = asyncio.Lock()  # one run at a time
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def documents(self) -> Documents:
        """The open documents."""
        workspace = self.protocol.workspace
        assert isinstance(workspace, Documents)  # noqa: S101 - set while handling initialize
        return workspace

    @property
    def wants_menu(self) -> bool:
        """Whether the editor should have suggestions in its completion menu."""
        return is_wanted(self.session.settings.menu, has_inline_completion=self.has_inline_completion)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log only the class of the error. pygls shows it to the user, with any text that it contains.

        A method that the server does not have is no error of its own: Kate asks for symbols after every change.
        """
        level = logging.DEBUG if isinstance(error, JsonRpcMethodNotFound) else logging.ERROR
        log.log(level, "%s in a handler", type(error).__name__)

    def _status_changed(self, status: Status) -> None:
        self.client_log.on_status(status)
        self.send_status(status)

    def send_status(self, status: Status) -> None:
        """Notify an editor that has asked for the status."""
        if self.wants_status:
            self.protocol.notify(NOTIFICATION, to_params(status))

    def update_menu(self) -> None:
        """Register or unregister the completion menu, as settings and editor require.

        If the editor does not support this, the menu keeps its state, and unwanted requests get an empty answer.
        """
        text = self.client_capabilities.text_document
        dynamic = bool(text and text.completion and text.completion.dynamic_registration)
        before, self.menu_state = self.menu_state, next_state(self.menu_state, wanted=self.wants_menu, dynamic=dynamic)
        if self.menu_state is before:
            return
        method = types.TEXT_DOCUMENT_COMPLETION
        if self.menu_state is MenuState.REGISTERED:
            options = types.CompletionRegistrationOptions(trigger_characters=list(TRIGGER_CHARACTERS))
            self.register_in_background(types.Registration(_MENU_REGISTRATION, method, options))
        else:
            entry = types.Unregistration(_MENU_REGISTRATION, method)
            params = types.UnregistrationParams(unregisterations=[entry])
            self.in_background(reply_or_none(self.client_unregister_capability_async(params)))

    def register_in_background(self, registration: types.Registration) -> None:
        """Ask the editor to register one of our methods. It may refuse."""
        params = types.RegistrationParams(registrations=[registration])
        self.in_background(reply_or_none(self.client_register_capability_async(params)))

    def in_background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine without waiting for its end."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def show_info(self, message: str) -> None:
        """Show the answer to a command."""
        self._show(types.MessageType.Info, message)

    def _show_message(self, level: Level, sentence: str) -> None:
        message = visible(sentence if sentence.startswith("fim-lsp") else f"fim-lsp: {sentence}")
        log.warning("shown to the user: %s", message)
        self._show(types.MessageType(int(level)), message)
        self.client_log.on_message(level, sentence)
        self.repeated_warning.on_message(level, message)

    def _show_warning(self, message: str) -> None:
        if not self.protocol.is_shut_down:
            self._show(types.MessageType.Warning, message)

    def _show(self, kind: types.MessageType, message: str) -> None:
        self.window_show_message(types.ShowMessageParams(type=kind, message=for_message(message)))


async def reply_or_none(reply: Any) -> Any:
    """The editor's reply to a request, or None if it refuses."""
    try:
        return await reply
    except JsonRpcException:
        return None


@functools.cache
def _converter() -> Any:
    """One converter for all connections: creating it takes a fifth of a second."""
    return default_converter()  # type: ignore[no-untyped-call]  # untyped in pygls
