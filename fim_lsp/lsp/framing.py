"""LSP's base protocol as a push decoder: bytes in, message bodies out.

A header may contain LSP's two fields, ``Content-Length`` and ``Content-Type``, and our own ``Fim-Lsp-Token``. Anything else
is rejected at the first byte that cannot belong to such a header: an HTTP request must not be taken for a message.
"""

from __future__ import annotations

from collections.abc import Iterator

TOKEN_FIELD = "Fim-Lsp-Token"  # noqa: S105 - the name of a field
"""A header field that may carry the access token of a shared server."""

MAX_BODY = 256 << 20
"""Bytes. A greater length is an error, not a document."""

_MAX_HEADER = 4096  # bytes: real headers have about 80
_MAX_DIGITS = 20  # of a length: int() refuses thousands
_WHITESPACE = b" \t"
_LENGTH, _TYPE, _TOKEN = b"content-length", b"content-type", TOKEN_FIELD.lower().encode()
_NAMES = (_LENGTH, _TYPE, _TOKEN)


class FramingError(Exception):
    """The stream is not LSP, and the start of the next message is unknown. The message never quotes the input."""


class Framing:
    """Decodes input in pieces of any size.

    A message has up to ``max_body`` bytes; the limit may be changed between messages. ``token`` is the access token in
    the header of the latest message, if there was one.
    """

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self.max_body = max_body
        self.token: bytes | None = None
        self._buffer = bytearray()
        self._length: int | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Add input, and yield the bodies that are complete now. Raises :class:`FramingError`."""
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
        """Read the next header if it is complete, and return whether it was. Incomplete, it must be the start of one."""
        end = self._buffer.find(b"\r\n\r\n", 0, _MAX_HEADER)
        if end < 0:
            *lines, last = bytes(self._buffer[:_MAX_HEADER]).split(b"\r\n")
            _fields(lines)
            _check_start(last)
            if len(self._buffer) >= _MAX_HEADER:
                raise FramingError("a header that does not end")
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
    """The fields in complete lines, by name in lower case."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        name, value = name.lower(), value.strip(_WHITESPACE)
        if not colon or name not in _NAMES or not _is_value(name, value):
            raise FramingError("a line that is not a header field of LSP")
        if fields.setdefault(name, value) != value:
            raise FramingError("a header field with two values")
    return fields


def _is_value(name: bytes, value: bytes) -> bool:
    if name == _LENGTH:
        return value.isdigit() and len(value) <= _MAX_DIGITS
    return all(0x20 <= byte < 0x7F or byte == 0x09 for byte in value)


def _check_start(line: bytes) -> None:
    """Reject the start of a line that can't become a header field."""
    name, colon, value = line.removesuffix(b"\r").partition(b":")
    name, value = name.lower(), value.strip(_WHITESPACE)
    if colon and name in _NAMES and (not value or _is_value(name, value)):
        return
    if not colon and any(allowed.startswith(name) for allowed in _NAMES):
        return
    raise FramingError("a line that is not a header field of LSP")
