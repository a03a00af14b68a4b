"""Shows in the editor that the workspace's files are being read: ``window/workDoneProgress``, for work of over a second."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.progress import Progress

from fim_lsp.schedule.events import IndexingProgress

TITLE = "fim-lsp: reading files"


class Window(Protocol):
    """The part of the server that is needed here."""

    @property
    def work_done_progress(self) -> Progress:
        """Sends progress."""

    @property
    def client_capabilities(self) -> types.ClientCapabilities:
        """What the editor supports."""

    def in_background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine without waiting for its end."""


class IndexingReporter:
    """One stretch of work at a time. Its token is asked for first; nothing is sent for it before the editor agrees."""

    def __init__(self, window: Window, cancel: Callable[[], None]) -> None:
        """``cancel`` is called if the user cancels."""
        self._window = window
        self._cancel = cancel
        self._token: str | None = None  # of the present work, whether or not the editor has agreed to it
        self._has_begun = False
        self._latest = IndexingProgress(read=0, files=0, finished=False)

    def on_progress(self, event: IndexingProgress) -> None:
        """Report how far it has come."""
        window = self._window.client_capabilities.window
        if window is None or not window.work_done_progress:
            return
        self._latest = event
        if event.finished:
            self._end()
        elif self._token is None:
            self._token = f"fim-lsp-{secrets.token_hex(8)}"
            self._window.in_background(self._begin(self._token))
        elif self._has_begun:
            self._progress.report(
                self._token,
                types.WorkDoneProgressReport(cancellable=True, message=_message(event), percentage=_percentage(event)),
            )

    def on_cancel(self, token: object) -> None:
        """The user has cancelled some work."""
        if token == self._token:
            self._cancel()

    @property
    def _progress(self) -> Progress:
        return self._window.work_done_progress

    async def _begin(self, token: str) -> None:
        try:
            await self._progress.create_async(token)
        except JsonRpcException:  # refused: this work is not shown
            return
        if token != self._token:  # it was done before the editor answered
            self._progress.tokens.pop(token, None)
            return
        self._has_begun = True
        event = self._latest
        begin = types.WorkDoneProgressBegin(
            title=TITLE, cancellable=True, message=_message(event), percentage=_percentage(event)
        )
        self._progress.begin(token, begin)

    def _end(self) -> None:
        token, self._token = self._token, None
        if token is not None and self._has_begun:
            self._has_begun = False
            self._progress.end(token, types.WorkDoneProgressEnd(message=f"{self._latest.read:,} files read"))
            self._progress.tokens.pop(token, None)


def _message(event: IndexingProgress) -> str:
    return f"{event.read:,} of {event.files:,}" if event.files else "looking for them"


def _percentage(event: IndexingProgress) -> int:
    return min(100, 100 * event.read // event.files) if event.files else 0
