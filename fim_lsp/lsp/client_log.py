"""What the editor's own log gets, so that it says what happened without ``--log-file``.

``window/logMessage``, as rust-analyzer and gopls use it, whatever ``--log-level`` is: the start, what was shown to the user,
and changes of the status; never a line per key. ``$/logTrace``: what became of each request, if the editor has asked for
that by ``$/setTrace`` or in ``initialize``. Neither contains the user's text or a key.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final, Protocol

from lsprotocol import types

import fim_lsp
from fim_lsp.schedule.events import RequestAnswered
from fim_lsp.session.notifier import Level
from fim_lsp.session.status_tracker import Status, StatusState
from fim_lsp.text.unicode import visible

_KEEP_MESSAGES: Final = frozenset({"helix", "Eglot", "emacs"})
"""Editors that put ``window/showMessage`` into their log by themselves."""

_WARNINGS: Final = frozenset({StatusState.LIMITED, StatusState.OFFLINE, StatusState.FAILING})
_PASSING: Final = frozenset({StatusState.WAITING, StatusState.CALLING})


class Window(Protocol):
    """The part of the server that is needed here."""

    def window_log_message(self, params: types.LogMessageParams) -> None:
        """Write to the editor's log."""

    def log_trace(self, params: types.LogTraceParams) -> None:
        """Write to the editor's trace."""


class ClientLog:
    """One editor's log and trace. Nothing is sent before :meth:`start`."""

    def __init__(self, window: Window) -> None:
        self.trace = types.TraceValue.Off
        self._window = window
        self._started = False
        self._keeps_messages = False
        self._last_sentence = ""
        self._last_state: StatusState | None = None

    def start(self, client: str, sources: Sequence[str], status: Status) -> None:
        """The handshake is over. ``sources`` are where settings were found."""
        self._started, self._keeps_messages = True, client in _KEEP_MESSAGES
        version = f"fim-lsp {fim_lsp.__version__}, Python {'.'.join(map(str, sys.version_info[:3]))}"
        found = f"settings from {', '.join(sources)}" if sources else "default settings"
        self._last_state = status.state
        self._write(types.MessageType.Info, f"{version}, {found}: {status}")

    def on_status(self, status: Status) -> None:
        """The status has changed. That a request waits for its answer is no news here."""
        before = self._last_state
        if status.state in _PASSING or (status.state is StatusState.IDLE and before in (StatusState.IDLE, None)):
            return
        self._last_state = status.state
        level = types.MessageType.Warning if status.state in _WARNINGS else types.MessageType.Info
        self._last_sentence = status.reason
        self._write(level, str(status))

    def on_message(self, level: Level, sentence: str) -> None:
        """A sentence was shown to the user. The log may have it already, or the new status says that all is well again."""
        recovered = level is Level.INFO and self._last_state is StatusState.IDLE
        if not (self._keeps_messages or recovered or sentence == self._last_sentence):
            self._write(types.MessageType(int(level)), sentence)

    def on_answered(self, event: RequestAnswered) -> None:
        """Trace what became of a request."""
        if self.trace is types.TraceValue.Off:
            return
        from fim_lsp.session.request_log import Entry, details_of, place_of, what_became  # not for the start

        entry = Entry(request=event)
        asked = " (asked for)" if event.explicit else ""
        message = f"request {event.request} at {place_of(event)}{asked}: {what_became(event)}"
        details = None
        if self.trace is types.TraceValue.Verbose:
            details = visible("\n".join(details_of(entry))) or None
        self._window.log_trace(types.LogTraceParams(message=visible(message), verbose=details))

    def _write(self, level: types.MessageType, sentence: str) -> None:
        if self._started:
            self._window.window_log_message(types.LogMessageParams(type=level, message=visible(sentence)))
