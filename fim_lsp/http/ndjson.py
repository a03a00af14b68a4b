"""Newline-delimited JSON, as Ollama streams it: one message a line, from bytes cut anywhere."""

from __future__ import annotations

from typing import Final

from fim_lsp.errors import BadReply

LINE_LIMIT: Final = 1 << 20
"""Bytes that one line may have. Ollama's last one lists the prompt's tokens (``context``), several for each word."""


class Lines:
    """A push decoder like :class:`~fim_lsp.http.sse.Decoder`: feed it bytes, take whole lines."""

    done = False  # no line says by itself that it is the last one

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._rest: list[bytes] = []  # an unfinished line, in pieces
        self._waiting = 0  # bytes in _rest

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes. Raises :class:`~fim_lsp.errors.BadReply` if a line never ends."""
        first, *others = data.split(b"\n")  # and nothing else: U+2028 is text
        self._rest.append(first)
        self._waiting += len(first)
        lines: list[str] = []
        for line in others:
            lines.append(b"".join(self._rest).decode("utf-8", "replace"))
            self._rest, self._waiting = [line], len(line)
        if self._waiting > self._limit:
            raise BadReply("the server sent a line that does not end")
        return lines

    def finish(self) -> list[str]:
        """A last line without its end."""
        rest, self._rest = b"".join(self._rest), []
        return [rest.decode("utf-8", "replace")] if rest else []
