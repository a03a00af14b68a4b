"""Server-sent events, as far as completions need them: the ``data`` of each event, from bytes cut anywhere.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import re
from typing import Final

from fim_lsp.errors import BadReply

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")  # and nothing else: U+2028, which str.splitlines() cuts at, is text
_BOM: Final = b"\xef\xbb\xbf"
_END: Final = "[DONE]"  # OpenAI's word, and Mistral's: "with the stream terminated by a data: [DONE] message"

EVENT_LIMIT: Final = 1 << 20
"""Bytes that one event may have. A chunk of a completion has some hundreds."""


class Decoder:
    """A push decoder: feed it bytes, take whole payloads.

    ``done`` turns true with ``data: [DONE]``, which is not itself a payload; whatever follows is dropped.
    """

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self.done = False
        self._limit = limit
        self._rest: list[bytes] = []  # an unfinished line, in pieces
        self._waiting = 0  # bytes in _rest
        self._data: list[bytes] = []  # the data lines of an unfinished event
        self._size = 0  # bytes in _data
        self._first_line = True
        self._after_cr = False  # a line ended with the last byte, \r: a \n that follows belongs to it

    def feed(self, data: bytes) -> list[str]:
        """The payloads that ``data`` completes. Raises :class:`~fim_lsp.errors.BadReply` if an event never ends."""
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if not data or self.done:
            return []
        first, *others = _LINE_END.split(data)
        self._after_cr = data.endswith(b"\r")
        self._rest.append(first)
        self._waiting += len(first)
        payloads: list[str] = []
        for line in others:
            payloads += self._end_line()
            self._rest, self._waiting = [line], len(line)
        if self._waiting + self._size > self._limit:
            raise BadReply("the server sent an event that does not end")
        return payloads

    def finish(self) -> list[str]:
        """The payload of a last event which the server did not end with a blank line, if there is one."""
        payloads = self._end_line()
        self._rest, self._waiting = [], 0
        return payloads + self._end_line()

    def _end_line(self) -> list[str]:
        """The payload that the waiting line completes, if it does."""
        payload = self._line(b"".join(self._rest))
        return [] if payload is None else [payload]

    def _line(self, line: bytes) -> str | None:
        if self._first_line:
            line = line.removeprefix(_BOM)
            self._first_line = False
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value) + 1
        return None  # comments (no name), event, id and retry mean nothing here

    def _dispatch(self) -> str | None:
        if not self._data or self.done:
            return None
        payload = b"\n".join(self._data).decode("utf-8", "replace")
        self._data.clear()
        self._size = 0
        if payload.strip() == _END:
            self.done = True
            return None
        return payload
