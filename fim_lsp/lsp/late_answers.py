"""Suggestions that come after the editor has stopped waiting for them: it is told, and asks again.

VS Code cancels a request 750 ms after the last key, and does not repeat it. The call goes on, and a notification says that
the next request at that place is answered from the cache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from lsprotocol import types

from fim_lsp.lsp.server import Server
from fim_lsp.schedule.request import CompletionResult
from fim_lsp.session.request_tracking import Request

NOTIFICATION: Final = "fim-lsp/suggestionReady"
"""Parameters: the document, the position and the version of the document for which there is a suggestion now."""


def on_cancel(server: Server, params: types.InlineCompletionParams, request: Request) -> Callable[[], Any]:
    """What is to be done if the editor cancels a request: forget it, or tell an editor that asks for it of the result."""
    if not server.wants_ready:
        return request.result.cancel
    document = params.text_document.uri
    version = server.documents.version(document)

    def tell(result: asyncio.Future[CompletionResult]) -> None:
        if server.protocol.is_shut_down or result.cancelled() or result.result().suggestion is None:
            return
        if server.documents.version(document) != version:
            return
        position = {"line": params.position.line, "character": params.position.character}
        server.protocol.notify(
            NOTIFICATION, {"textDocument": {"uri": document}, "position": position, "version": version}
        )

    def withdraw() -> None:
        if server.protocol.is_shut_down:  # which cancels all requests
            request.result.cancel()
            return
        server.session.withdraw(request)
        request.result.add_done_callback(tell)

    return withdraw
