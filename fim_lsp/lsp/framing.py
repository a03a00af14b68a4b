"""LSP's base protocol as a push decoder: bytes in, message bodies out."""

from __future__ import annotations

from collections.abc import Iterator

_HEADER_MOST = 4096  # bytes: real headers have some 40
_BODY_MOST = 256 << 20  # bytes: a longer message is a broken length, not a document
_DIGITS_MOST = 20  # of a length: Python refuses to read thousands of them


class FramingError(Exception):
    """The stream is not LSP, and where its next message starts can't be known."""


class Framing:
    """Feed it what arrives, in pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the bodies that are now complete. Raises :class:`FramingError`."""
        self._buffer += data
        while True:
            if self._length is None:
                end = self._buffer.find(b"\r\n\r\n")
                if end < 0:
                    if len(self._buffer) > _HEADER_MOST:
                        raise FramingError("no header in sight")
                    return
                self._length = _content_length(bytes(self._buffer[:end]))
                del self._buffer[: end + 4]
            if len(self._buffer) < self._length:
                return
            body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            self._length = None
            yield body


def _content_length(header: bytes) -> int:
    """The length in a header block. Names are matched in any case, and other fields pass, as in HTTP."""
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        digits = value.strip()
        if name.strip().lower() == b"content-length" and digits.isdigit() and len(digits) <= _DIGITS_MOST:
            length = int(digits)
            if length <= _BODY_MOST:
                return length
    raise FramingError("a header without a usable Content-Length")
