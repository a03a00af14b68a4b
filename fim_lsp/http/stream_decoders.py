"""Push decoders for streamed responses: they are fed bytes that were cut anywhere, and return complete messages."""

from __future__ import annotations

import re
from typing import Final

from fim_lsp.errors import BadReply

EVENT_LIMIT: Final = 1 << 20
"""Bytes in one event. A chunk of a completion has a few hundred."""

LINE_LIMIT: Final = 1 << 20
"""Bytes in one line. Ollama's last one lists the prompt's tokens (``context``), several for each word."""

_SSE_LINE_END: Final = re.compile(rb"\r\n|\n|\r")  # and nothing else: str.splitlines() also splits at U+2028
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DONE: Final = "[DONE]"  # OpenAI's and Mistral's: "with the stream terminated by a data: [DONE] message"


class SseDecoder:
    """Server-sent events: the ``data`` of each event.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

    ``done`` becomes true with ``data: [DONE]``, which is not a message itself; everything after it is dropped.
    """

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self.done = False
        self._limit = limit
        self._partial_line: list[bytes] = []
        self._partial_size = 0
        self._data: list[bytes] = []  # the data lines of an unfinished event
        self._data_size = 0
        self._is_first_line = True
        self._after_cr = False  # the last byte was a \r: a \n that follows belongs to the same line end

    def feed(self, data: bytes) -> list[str]:
        """The messages that ``data`` completes. Raises :class:`~fim_lsp.errors.BadReply` if an event is too long."""
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if not data or self.done:
            return []
        first, *others = _SSE_LINE_END.split(data)
        self._after_cr = data.endswith(b"\r")
        self._partial_line.append(first)
        self._partial_size += len(first)
        messages: list[str] = []
        for line in others:
            messages += self._end_line()
            self._partial_line, self._partial_size = [line], len(line)
        if self._partial_size + self._data_size > self._limit:
            raise BadReply("the server sent an event that does not end")
        return messages

    def finish(self) -> list[str]:
        """The message of a last event without the empty line that should end it, if there is one."""
        messages = self._end_line()
        self._partial_line, self._partial_size = [], 0
        return messages + self._end_line()

    def _end_line(self) -> list[str]:
        message = self._read_line(b"".join(self._partial_line))
        return [] if message is None else [message]

    def _read_line(self, line: bytes) -> str | None:
        if self._is_first_line:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._is_first_line = False
        if not line:
            return self._end_event()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_size += len(value) + 1
        return None  # comments (an empty name), event, id and retry are ignored

    def _end_event(self) -> str | None:
        if not self._data or self.done:
            return None
        message = b"\n".join(self._data).decode("utf-8", "replace")
        self._data.clear()
        self._data_size = 0
        if message.strip() == _DONE:
            self.done = True
            return None
        return message


class LineDecoder:
    """Newline-delimited JSON, as Ollama streams it: one message a line."""

    done = False  # no line marks itself as the last one

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._partial_line: list[bytes] = []
        self._partial_size = 0

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes. Raises :class:`~fim_lsp.errors.BadReply` if a line is too long."""
        first, *others = data.split(b"\n")
        self._partial_line.append(first)
        self._partial_size += len(first)
        lines: list[str] = []
        for line in others:
            lines.append(b"".join(self._partial_line).decode("utf-8", "replace"))
            self._partial_line, self._partial_size = [line], len(line)
        if self._partial_size > self._limit:
            raise BadReply("the server sent a line that does not end")
        return lines

    def finish(self) -> list[str]:
        """A last line without its line end, if there is one."""
        line, self._partial_line = b"".join(self._partial_line), []
        return [line.decode("utf-8", "replace")] if line else []
