"""What pygls 2.1 needs mended, and the only file that touches its private parts.

Each override says what pygls does without it; ``tests/lsp/test_protocol.py`` has a case for each, and one that notices
when the parts used here move.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInternalError
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method
from pygls.workspace import Workspace

from fim_lsp.lsp.client_quirks import ClientQuirks
from fim_lsp.lsp.gate import take_tokens
from fim_lsp.text.unicode import visible

log = logging.getLogger(__name__)

# pygls logs message bodies and parameters, which hold the user's text: none of its records is let through.
logging.getLogger("pygls").addFilter(lambda _record: False)
for _name in ("pygls.protocol.json_rpc", "pygls.protocol.language_server", "pygls.server", "pygls.feature_manager"):
    logging.getLogger(_name).disabled = True

_NOT_INITIALIZED, _INVALID_REQUEST, _INVALID_PARAMS, _PARSE_ERROR = -32002, -32600, -32602, -32700

# The plain members that a message begins with: clients write "id" and "method" before "params".
_HEAD = re.compile(rb'\s*\{(?:\s*"\w+"\s*:\s*(?:"[^"\\]*"|-?\d{1,18})\s*,)*')


def _shown(method: object) -> str:
    """A method's name for the log; a client may call one anything."""
    return visible(str(method)[:80]).replace("\n", " ")


class Protocol(LanguageServerProtocol):
    """pygls' protocol, answering every request exactly once and keeping what it saw to itself."""

    on_exit: Callable[[int], None] = staticmethod(lambda code: None)
    _started = False

    def __init__(self, server: Any, converter: Any) -> None:
        super().__init__(server, converter)
        self._lenient = ClientQuirks()

    def keep_documents_in(self, workspace: Workspace) -> None:
        """Replace the workspace that pygls has just made; there is no public way, and ``initialize`` is the time."""
        self._workspace = workspace

    @property
    def is_shut_down(self) -> bool:
        """Whether ``shutdown`` was asked for."""
        return self._shutdown

    def receive(self, body: bytes) -> None:
        """Handle one message. Nothing in it can raise, or leave a request without an answer."""
        data: Any = None
        try:
            data = json.loads(body)
            self._take(data)
        except Exception as error:  # noqa: BLE001 - the boundary; RecursionError is one: JSON may be nested too deeply
            if data is None and isinstance(error, ValueError):  # not JSON, or not UTF-8
                log.warning("a message of %d bytes is not JSON", len(body))
                self._refuse(None, _PARSE_ERROR, "This is not JSON.")
            else:
                self._failed(_head(body) if data is None else data, error)

    def _failed(self, data: Any, error: Exception) -> None:
        """A message could not be handled: a request gets an internal error, whatever it was."""
        log.error("%s while a message was read", type(error).__name__)
        if not isinstance(data, dict) or not data:
            self._refuse(None, _PARSE_ERROR, "This can't be read.")
        elif "method" in data:
            self._refuse(data.get("id"), JsonRpcInternalError.CODE, "Internal error", request=True)

    def _take(self, data: Any) -> None:
        """Handle what a message's JSON holds.

        pygls decodes with an ``object_hook``, which takes any nested object with a key ``jsonrpc`` for a message, and
        answers nothing at all to a request whose parameters it can't read.
        """
        if not isinstance(data, dict):
            self._refuse(None, _INVALID_REQUEST, "A message is an object.")
            return
        data.setdefault("jsonrpc", self.VERSION)
        msg_id, method = data.get("id"), data.get("method")
        if method is not None and not isinstance(method, str):
            self._refuse(msg_id, _INVALID_REQUEST, "A method is a string.", request=True)
            return
        if method is not None and not self._in_order(msg_id, method):
            return
        if method == types.INITIALIZE:
            self._lenient.introduce(data.get("params"))
            take_tokens(data.get("params"))  # the gate's affair, and no setting: nothing behind here sees it
        elif method is not None and (mended := self._lenient.mend(method, data.get("params"))) is not None:
            data["params"] = mended
        try:
            message = self.structure_message(data)
        except JsonRpcException:
            log.warning("%s: parameters that can't be read", _shown(method) if method else "a reply")
            if method is not None and msg_id is not None:
                self._refuse(msg_id, _INVALID_PARAMS, f"The parameters of {method} are not as LSP 3.18 has them.")
            elif method is None and data.get("result") is None and "error" not in data:
                self._take_no_answer(msg_id)
            return
        self.handle_message(message)

    def _take_no_answer(self, msg_id: Any) -> None:
        """A null where LSP has none, as some editors answer a question that they don't know: they refuse it."""
        future = self._request_futures.pop(msg_id, None) if isinstance(msg_id, int | str) else None
        if future is not None and not future.done():
            future.set_exception(JsonRpcInternalError("no answer"))

    def _in_order(self, msg_id: Any, method: str) -> bool:
        """Whether a message may come now. pygls answers nothing after ``shutdown``, and an internal error before
        ``initialize``."""
        if method == types.EXIT:
            return True
        if self._shutdown:
            self._refuse(msg_id, _INVALID_REQUEST, "The server is shutting down.", request=True)
        elif method == types.INITIALIZE and self._started:
            self._refuse(msg_id, _INVALID_REQUEST, "The server is initialized already.", request=True)
        elif method != types.INITIALIZE and not self._started:
            self._refuse(msg_id, _NOT_INITIALIZED, "The first request must be initialize.", request=True)
        else:
            self._started = True
            return True
        return False

    def _refuse(self, msg_id: Any, code: int, sentence: str, *, request: bool = False) -> None:
        if msg_id is None and request:  # a notification has no answer
            return
        if not isinstance(msg_id, int | str):  # no id that LSP knows: JSON-RPC answers to null then
            msg_id = None
        self._send_data(
            {"jsonrpc": self.VERSION, "id": msg_id, "error": {"code": code, "message": sentence}},
        )

    def _execute_handler(
        self,
        msg_id: int | str,
        handler: Callable[..., Any],
        callback: Callable[[Any], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Also take handlers marked by :func:`in_message_order`, which begin at once and return a future.

        pygls starts a coroutine in a later turn of the loop, when newer edits may have changed the document.
        """
        if not getattr(handler, "in_message_order", False) and not getattr(
            getattr(handler, "func", None), "in_message_order", False
        ):
            super()._execute_handler(msg_id, handler, callback, args, kwargs)
            return
        future = asyncio.ensure_future(handler(*(args or ()), **(kwargs or {})))
        self._request_futures[msg_id] = future
        future.add_done_callback(callback)

    def _handle_response(
        self, msg_id: int | str, result: Any | None = None, error: types.ResponseError | None = None
    ) -> None:
        """Drop replies that come too late: pygls raises ``InvalidStateError`` and shows it to the user."""
        future = self._request_futures.get(msg_id)
        if future is None or future.done():
            self._request_futures.pop(msg_id, None)
            return
        super()._handle_response(msg_id, result, error)

    def _send_response(
        self, msg_id: int | str, result: Any | None = None, error: types.ResponseError | None = None
    ) -> None:
        """Leave out ``error.data``: pygls puts a traceback with source lines and paths there."""
        if error is not None:
            if error.code == JsonRpcInternalError.CODE:
                log.error("a request failed: %s", error.message.partition(":")[0])
                error = types.ResponseError(code=error.code, message="Internal error")
            error.data = None
        super()._send_response(msg_id, result, error)

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]  # pygls' is a generator that ends the process
        """Hand the exit code over: 0 after ``shutdown``, else 1. pygls raises SystemExit here and swallows it later."""
        self.on_exit(0 if self._shutdown else 1)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Apply the changes. pygls raises for a document that was never opened, and shows that to the user."""
        self.workspace.update_text_documents(params)  # type: ignore[attr-defined]  # see documents.py


def in_message_order(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Mark a handler that is to begin at once, when its message is read, and returns a future for the rest."""
    handler.in_message_order = True  # type: ignore[attr-defined]
    return handler


def _head(body: bytes) -> dict[str, Any]:
    """The first members of a message that can't be decoded as a whole, as far as they are plain: no JSON is too deep."""
    match = _HEAD.match(body)
    try:
        return dict(json.loads(match[0].rstrip(b" \t\r\n,") + b"}")) if match else {}
    except ValueError:  # not UTF-8
        return {}
