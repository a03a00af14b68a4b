"""Requests for completions, from whatever message they come, and their replies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from lsprotocol import types

from fim_lsp.lsp.server import Server
from fim_lsp.lsp.to_protocol import Cursor
from fim_lsp.schedule.request import CompletionResult
from fim_lsp.session.request_tracking import Request
from fim_lsp.text.document import Document
from fim_lsp.text.positions import to_column

log = logging.getLogger(__name__)


def ask(
    server: Server,
    uri: str,
    position: types.Position,
    *,
    explicit: bool,
    wants_others: bool = False,
    selected: types.SelectedCompletionInfo | None = None,
) -> tuple[Request, Cursor] | None:
    """Make a request, before a newer message can change the document. None if the document is not open.

    A bug of ours also results in no suggestion: an error reply would pop up at every keystroke. ``explicit`` and
    ``wants_others`` are as in :class:`~fim_lsp.schedule.request.Snapshot`. ``selected`` is highlighted in the editor's menu.
    """
    try:
        document = server.documents.document(uri)
        if document is None:
            return None
        request = server.session.request(
            document.uri,
            position.line,
            position.character,
            explicit=explicit,
            wants_others=wants_others,
            other_cells=server.documents.other_cells(document),
            selected=_rest_of(selected, position, document.text),
        )
        split = request.snapshot.split
        text = document.text.lines[split.line]
        return request, Cursor(split.line, split.column, text, document.text.encoding)
    except Exception as error:  # noqa: BLE001 - the boundary
        log.error("%s while making a request", type(error).__name__)
        return None


def _rest_of(selected: types.SelectedCompletionInfo | None, position: types.Position, text: Document) -> str | None:
    """What the highlighted entry would put after the cursor: all of it, if it does not begin with what has been typed."""
    if selected is None or selected.range.start.line != position.line or position.line >= len(text.lines):
        return None
    line = text.lines[position.line]
    units = selected.range.start.character, position.character
    start, end = (to_column(line, count, text.encoding) for count in units)
    return selected.text.removeprefix(line[start:end])


def completed(reply: Any) -> asyncio.Future[Any]:
    """A reply that is there already."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_result(reply)
    return future


def mapped(
    request: Request, to_reply: Callable[[CompletionResult], Any], on_cancel: Callable[[], Any] | None = None
) -> asyncio.Future[Any]:
    """The reply to a request, as soon as there is one. Cancelling it calls ``on_cancel``, or else cancels the request."""
    result, cancel = request.result, on_cancel or request.result.cancel
    reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def deliver(done: asyncio.Future[CompletionResult]) -> None:
        if reply.done():
            return
        if done.cancelled():
            reply.cancel()
        else:
            reply.set_result(to_reply(done.result()))

    result.add_done_callback(deliver)
    reply.add_done_callback(lambda done: cancel() if done.cancelled() else None)
    return reply
