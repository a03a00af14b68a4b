"""Workarounds for pygls 2.1. No other file uses its private parts.

Each override documents what pygls does without it. ``tests/lsp/test_protocol.py`` has a test for each, and one that fails
when the parts used here change.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInternalError
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method
from pygls.workspace import Workspace

from fim_lsp.lsp.access_token import pop_tokens
from fim_lsp.lsp.client_quirks import ClientQuirks
from fim_lsp.text.unicode import visible

log = logging.getLogger(__name__)

# pygls logs message bodies and parameters, which contain the user's text: all of its records are dropped.
logging.getLogger("pygls").addFilter(lambda _record: False)
for _name in ("pygls.protocol.json_rpc", "pygls.protocol.language_server", "pygls.server", "pygls.feature_manager"):
    logging.getLogger(_name).disabled = True

_NOT_INITIALIZED, _INVALID_REQUEST, _INVALID_PARAMS, _PARSE_ERROR = -32002, -32600, -32602, -32700

_CALL_MEMBERS = ("jsonrpc", "id", "method", "params")

# The scalar members at the start of a message: clients write "id" and "method" before "params".
_LEADING_MEMBERS = re.compile(rb'\s*\{(?:\s*"\w+"\s*:\s*(?:"[^"\\]*"|-?\d{1,18})\s*,)*')


class Protocol(LanguageServerProtocol):
    """Answers every request exactly once, and discloses nothing about the messages."""

    on_exit: Callable[[int], None] = staticmethod(lambda code: None)
    _is_initialized = False

    def __init__(self, server: Any, converter: Any) -> None:
        super().__init__(server, converter)
        self._quirks = ClientQuirks()
        self._sent_requests: dict[Any, Future[Any]] = {}  # ours, by id

    def replace_workspace(self, workspace: Workspace) -> None:
        """Replace the workspace that pygls creates for ``initialize``. There is no public API for this."""
        self._workspace = workspace

    @property
    def is_shut_down(self) -> bool:
        """Whether ``shutdown`` was requested."""
        return self._shutdown

    def receive(self, body: bytes) -> None:
        """Handle one message. Whatever it contains, nothing is raised, and a request gets an answer."""
        data: Any = None
        try:
            data = json.loads(body)
            self._handle(data)
        except Exception as error:  # noqa: BLE001 - the boundary; JSON that is nested too deeply is a RecursionError
            if data is None and isinstance(error, ValueError):  # not JSON, or not UTF-8
                log.warning("a message of %d bytes is not JSON", len(body))
                self._send_error(None, _PARSE_ERROR, "This is not JSON.")
            else:
                self._answer_failure(_leading_members(body) if data is None else data, error)

    def _answer_failure(self, data: Any, error: Exception) -> None:
        """A message could not be handled. If it may be a request, it gets an internal error."""
        log.error("%s while handling a message", type(error).__name__)
        if not isinstance(data, dict) or not data:
            self._send_error(None, _PARSE_ERROR, "This can't be decoded.")
        elif "method" in data:
            self._send_error(data.get("id"), JsonRpcInternalError.CODE, "Internal error", request=True)

    def _handle(self, data: Any) -> None:
        """Handle a decoded message.

        pygls decodes with an ``object_hook``, which takes any nested object with a key ``jsonrpc`` for a message, and
        never answers a request with invalid parameters.
        """
        if not isinstance(data, dict):
            self._send_error(None, _INVALID_REQUEST, "A message is an object.")
            return
        data["jsonrpc"] = self.VERSION  # pygls ignores a request with another version
        if not self._check_id(data):
            return
        msg_id, method = data.get("id"), data.get("method")
        if method is None:
            self._dispatch(data)
        elif not isinstance(method, str):
            self._send_error(msg_id, _INVALID_REQUEST, "A method is a string.", request=True)
        elif self._check_order(msg_id, method):
            self._handle_call(method, data)

    def _check_id(self, data: dict[str, Any]) -> bool:
        """Whether a message has no id or one of LSP; if not, answer it."""
        msg_id = _id_of(data)
        if msg_id is None:  # JSON-RPC 1 has notifications with a null; an edit must not be lost for it
            data.pop("id", None)
        elif not _is_id(msg_id):
            self._send_error(None, _INVALID_REQUEST, "An id is an integer or a string.", request="method" not in data)
            return False
        else:
            data["id"] = msg_id
        return True

    def _handle_call(self, method: str, data: dict[str, Any]) -> None:
        """Handle a request or a notification. A notification with an id is answered too: somebody waits for it."""
        self._normalize(method, data)
        # pygls takes a request with an error for a reply, and does not answer one with other members or without params
        data = {"params": None, **{name: data[name] for name in _CALL_MEMBERS if name in data}}
        if self.get_message_type(method) is None or self.get_result_type(method) is not None:
            self._dispatch(data)
            return
        msg_id = data.pop("id", None)
        self._dispatch(data)
        if msg_id is not None:
            self._send_response(msg_id)

    def _dispatch(self, data: dict[str, Any]) -> None:
        try:
            message = self.structure_message(data)
        except JsonRpcException:
            self._answer_invalid(data.get("id"), data.get("method"), data)
        else:
            self.handle_message(message)

    def _normalize(self, method: str, data: dict[str, Any]) -> None:
        params = data.get("params")
        if method == types.INITIALIZE:
            self._quirks.identify_client(params)
            pop_tokens(params)  # the token is no setting, and has been checked
        elif method == types.CANCEL_REQUEST and isinstance(params, dict):
            data["params"] = {"id": msg_id} if _is_id(msg_id := _id_of(params)) else {}
        elif (normalized := self._quirks.normalize(method, params)) is not None:
            data["params"] = normalized

    def _answer_invalid(self, msg_id: Any, method: str | None, data: dict[str, Any]) -> None:
        """Answer a request with invalid parameters, and end the wait for a reply that is invalid."""
        log.warning("%s has invalid parameters", _loggable(method) if method else "a reply")
        if method is not None and msg_id is not None:
            self._send_error(msg_id, _INVALID_PARAMS, f"The parameters of {method} are not those of LSP 3.18.")
        elif method is None and data.get("result") is None and "error" not in data:
            self._treat_as_refused(msg_id)

    def _treat_as_refused(self, msg_id: Any) -> None:
        """Some editors reply with an invalid null to a request that they don't know."""
        future = self._sent_requests.pop(msg_id, None) if isinstance(msg_id, int | str) else None
        if future is not None and not future.done():
            future.set_exception(JsonRpcInternalError("refused"))

    def _check_order(self, msg_id: Any, method: str) -> bool:
        """Whether a message is allowed now; if not, answer it.

        pygls answers nothing after ``shutdown``, and replies with an internal error before ``initialize``.
        """
        if method == types.EXIT:
            return True
        if self._shutdown:
            self._send_error(msg_id, _INVALID_REQUEST, "The server is shutting down.", request=True)
        elif method == types.INITIALIZE and self._is_initialized:
            self._send_error(msg_id, _INVALID_REQUEST, "The server is already initialized.", request=True)
        elif method != types.INITIALIZE and not self._is_initialized:
            self._send_error(msg_id, _NOT_INITIALIZED, "The first request must be initialize.", request=True)
        else:
            self._is_initialized = True
            return True
        return False

    def _send_error(self, msg_id: Any, code: int, sentence: str, *, request: bool = False) -> None:
        if msg_id is None and request:  # notifications are not answered
            return
        if not _is_id(msg_id):  # JSON-RPC answers with null
            msg_id = None
        self._send_data(
            {"jsonrpc": self.VERSION, "id": msg_id, "error": {"code": code, "message": sentence}},
        )

    def _handle_request(self, msg_id: int | str, method_name: str, params: Any) -> None:
        """Run a command as any other request: cancelling it ends it.

        pygls runs it from a generator, and cancelling that ends only the wait; what it has begun goes on.
        """
        if method_name != types.WORKSPACE_EXECUTE_COMMAND:
            super()._handle_request(msg_id, method_name, params)
            return
        try:
            handler, args, kwargs = next(self.lsp_workspace__execute_command(params))
        except JsonRpcException as error:  # unknown, or with other arguments
            self._send_response(msg_id, None, error.to_response_error())
            return
        self._execute_handler(msg_id, handler, partial(self._send_handler_result, msg_id=msg_id), args, kwargs)

    def _execute_handler(
        self,
        msg_id: int | str,
        handler: Callable[..., Any],
        callback: Callable[[Any], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Call handlers marked by :func:`in_message_order` at once; they return a future.

        pygls starts coroutines in a later iteration of the loop, when newer edits may have changed the document.
        """
        if not getattr(handler, "in_message_order", False) and not getattr(
            getattr(handler, "func", None), "in_message_order", False
        ):
            super()._execute_handler(msg_id, handler, callback, args, kwargs)
        else:
            started = asyncio.ensure_future(handler(*(args or ()), **(kwargs or {})))
            self._request_futures[msg_id] = started
            started.add_done_callback(callback)
        future = self._request_futures.get(msg_id)
        if future is not None:  # a coroutine's or a generator's; pygls keeps those of notifications for good
            future.add_done_callback(partial(self._forget, msg_id))

    def _forget(self, msg_id: int | str, done: Any) -> None:
        if self._request_futures.get(msg_id) is done:
            del self._request_futures[msg_id]

    def _send_handler_result(self, future: Any, *, msg_id: int | str) -> None:
        """Keep the newer one of two requests with the same id, so that it can be cancelled. pygls forgets both."""
        newest = self._request_futures.get(msg_id)
        super()._send_handler_result(future, msg_id=msg_id)
        if newest is not None and newest is not future and not newest.done():
            self._request_futures[msg_id] = newest

    def send_request(
        self,
        method: str,
        params: Any | None = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: int | str | None = None,
    ) -> Future[Any]:
        """Keep our requests apart from the client's: pygls has one table, so that a reply with the id of the client's own
        request answers that, and a cancel with the id of ours ends our wait."""
        number = str(uuid.uuid4()) if msg_id is None else msg_id
        future = super().send_request(method, params, callback, number)
        self._sent_requests[number] = self._request_futures.pop(number, future)
        return future

    def _handle_response(
        self, msg_id: int | str, result: Any | None = None, error: types.ResponseError | None = None
    ) -> None:
        """Ignore replies that are late or to nothing: pygls raises ``InvalidStateError`` and shows it to the user."""
        self._result_types.pop(msg_id, None)  # pygls keeps those of requests that were refused
        future = self._sent_requests.pop(msg_id, None)
        if future is None or future.done():
            return
        if error is not None:
            future.set_exception(JsonRpcException.from_error(error))
        else:
            future.set_result(result)

    def _send_response(
        self, msg_id: int | str, result: Any | None = None, error: types.ResponseError | None = None
    ) -> None:
        """Omit ``error.data``, in which pygls sends a traceback with source lines and paths."""
        if error is not None:
            if error.code == JsonRpcInternalError.CODE:
                log.error("a request failed: %s", error.message.partition(":")[0])
                error = types.ResponseError(code=error.code, message="Internal error")
            error.data = None
        super()._send_response(msg_id, result, error)

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> None:  # type: ignore[override]  # pygls' is a generator, for a handler of ours
        """Cancel what is in progress. A command that takes time leaves pygls' table while pygls still iterates over it."""
        pending = [future for msg_id, future in self._request_futures.items() if msg_id != self.msg_id]
        for future in [*pending, *self._sent_requests.values()]:
            if not future.done():
                future.cancel()
        self._shutdown = True

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]  # pygls' is a generator that ends the process
        """Report the exit code: 0 after ``shutdown``, else 1. pygls raises SystemExit here, and catches it later."""
        self.on_exit(0 if self._shutdown else 1)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Apply the changes. pygls raises if the document was never opened, and shows that to the user."""
        self.workspace.update_text_documents(params)  # type: ignore[attr-defined]  # see documents.py


def in_message_order(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Mark a handler that must be called as soon as its message is read, and returns a future."""
    handler.in_message_order = True  # type: ignore[attr-defined]
    return handler


def _id_of(data: dict[str, Any]) -> Any:
    """The id of a message. JSON has one kind of number: 1.0 is 1."""
    msg_id = data.get("id")
    return int(msg_id) if isinstance(msg_id, float) and msg_id.is_integer() else msg_id


def _is_id(value: object) -> bool:
    """Whether a value is an id of LSP. To Python true is 1, so it would be taken for that request's."""
    return isinstance(value, int | str) and not isinstance(value, bool)


def _loggable(method: object) -> str:
    """The name of a method, which a client may choose freely."""
    return visible(str(method)[:80]).replace("\n", " ")


def _leading_members(body: bytes) -> dict[str, Any]:
    """The scalar members at the start of a message that can't be decoded as a whole."""
    match = _LEADING_MEMBERS.match(body)
    try:
        return dict(json.loads(match[0].rstrip(b" \t\r\n,") + b"}")) if match else {}
    except ValueError:  # not UTF-8
        return {}
