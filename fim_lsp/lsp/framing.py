"""LSP's base protocol as a push decoder: bytes in, message bodies out.

A header has LSP's two fields, ``Content-Length`` and ``Content-Type``, or ``Fim-Lsp-Token``, which is ours. Anything else
ends the stream at the first byte that no such header has: an HTTP request must not pass for a message with odd fields.
"""

from __future__ import annotations

from collections.abc import Iterator

TOKEN_FIELD = "Fim-Lsp-Token"  # noqa: S105 - the name of a field
"""A header field that may carry a shared server's token."""

MAX_BODY = 256 << 20
"""Bytes: a longer message is a broken length, not a document."""

_MAX_HEADER = 4096  # bytes: real headers have some 80
_MAX_DIGITS = 20  # of a length: Python refuses to read thousands of them
_BLANK = b" \t"
_LENGTH, _TYPE, _TOKEN = b"content-length", b"content-type", TOKEN_FIELD.lower().encode()
_NAMES = (_LENGTH, _TYPE, _TOKEN)


class FramingError(Exception):
    """The stream is not LSP, and where its next message starts can't be known. Never quotes what arrived."""


class Framing:
    """Feed it what arrives, in pieces of any size.

    ``max_body`` bytes is the longest message; it may be changed between messages. ``token`` is what the last message's
    header carried, if anything.
    """

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self.max_body = max_body
        self.token: bytes | None = None
        self._buffer = bytearray()
        self._length: int | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the bodies that are now complete. Raises :class:`FramingError`."""
        self._buffer += data
        while True:
            if self._length is None and not self._read_header():
                return
            assert self._length is not None  # noqa: S101 - for mypy: the header has just been read
            if len(self._buffer) < self._length:
                return
            body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            self._length = None
            yield body

    def _read_header(self) -> bool:
        """Whether the next header is complete; what has come of it must be the beginning of one."""
        end = self._buffer.find(b"\r\n\r\n", 0, _MAX_HEADER)
        if end < 0:
            *lines, last = bytes(self._buffer[:_MAX_HEADER]).split(b"\r\n")
            _fields(lines)
            _check_beginning(last)
            if len(self._buffer) >= _MAX_HEADER:
                raise FramingError("no header in sight")
            return False
        fields = _fields(bytes(self._buffer[:end]).split(b"\r\n"))
        if _LENGTH not in fields:
            raise FramingError("a header without Content-Length")
        length = int(fields[_LENGTH])
        if length > self.max_body:
            raise FramingError("a message that is too long")
        self._length, self.token = length, fields.get(_TOKEN)
        del self._buffer[: end + 4]
        return True


def _fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """The fields of complete lines, by their names in lower case."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        name, value = name.lower(), value.strip(_BLANK)
        if not colon or name not in _NAMES or not _is_value(name, value):
            raise FramingError("a line that is no header field of LSP's")
        if fields.setdefault(name, value) != value:
            raise FramingError("a header field with two values")
    return fields


def _is_value(name: bytes, value: bytes) -> bool:
    if name == _LENGTH:
        return value.isdigit() and len(value) <= _MAX_DIGITS
    return all(0x20 <= byte < 0x7F or byte == 0x09 for byte in value)


def _check_beginning(line: bytes) -> None:
    """Refuse the beginning of a line that can't become a field."""
    name, colon, value = line.removesuffix(b"\r").partition(b":")
    name, value = name.lower(), value.strip(_BLANK)
    if colon and name in _NAMES and (not value or _is_value(name, value)):
        return
    if not colon and any(allowed.startswith(name) for allowed in _NAMES):
        return
    raise FramingError("a line that is no header field of LSP's")
