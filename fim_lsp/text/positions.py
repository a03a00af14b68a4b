"""Columns: converts the code units that an editor counts to indices of a ``str``, and back.

A *unit* is what the negotiated position encoding counts (bytes, UTF-16 units or characters); a *column* counts
characters, that is code points, from the line's start. A ``line`` may include its line end, but no column is inside
or after a line end. Text may contain lone surrogates (they survive ``json.loads``); each counts as one UTF-16 unit or
three bytes.
"""

from __future__ import annotations

import enum
import re
from typing import Final

LINE_END: Final = re.compile(r"\r\n?|\n")
"""The line ends of LSP, and no others."""


class Encoding(enum.StrEnum):
    """The ``PositionEncodingKind`` that editor and server agreed on."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


def content(line: str) -> str:
    r"""A line without its line end: ``\n``, ``\r\n`` or ``\r``."""
    return line.rstrip("\r\n")


def with_line_feeds(text: str) -> str:
    r"""``text`` with ``\n`` for every line end, as models expect it; lines and columns do not change."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def line_end(line: str) -> str:
    r"""A line's ``\n``, ``\r\n`` or ``\r``; ``""`` if it has none, like a document's last line."""
    return line[len(content(line)) :]


def to_column(line: str, units: int, encoding: Encoding) -> int:
    """The column for a number of the editor's ``units``.

    Units past the content mean its end (LSP 3.17, *Position*: "it defaults back to the line length"), negative ones
    its start, and units inside a character that character's start.
    """
    text = content(line)
    units = max(units, 0)
    column = min(units, len(text))  # no character is shorter than one unit
    if encoding is Encoding.UTF32 or text.isascii():
        return column
    # Halving keeps the steps in Python logarithmic, and measures each character at most once in C:
    # a minified line of 100,000 characters is converted on every keystroke.
    low, high = 0, column
    while low < high:
        middle = (low + high + 1) // 2
        width = _width(text[low:middle], encoding)
        if width <= units:
            low, units = middle, units - width
        else:
            high = middle - 1
    return low


def to_units(line: str, column: int, encoding: Encoding) -> int:
    """The editor's units for ``column``; a column outside the line's content means the nearer end of it."""
    text = content(line)
    column = min(max(column, 0), len(text))
    if encoding is Encoding.UTF32 or text.isascii():
        return column
    return _width(text[:column], encoding)


def utf16_length(text: str) -> int:
    """The length of any text in UTF-16 units, line ends included."""
    return _width(text, Encoding.UTF16)


def _width(text: str, encoding: Encoding) -> int:
    """The units of ``text`` in UTF-8 or UTF-16."""
    if encoding is Encoding.UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
