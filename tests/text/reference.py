"""A document as LSP 3.17 describes it and as slow as it likes: one string, every offset counted afresh.

It shares nothing with ``fim_lsp.text``, so that the two can't be wrong in the same way.
"""

from __future__ import annotations

BYTES = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-be", 2), "utf-32": ("utf-32-be", 4)}
"""Each position encoding's codec and the bytes of one of its units."""


def lines_of(text: str) -> list[str]:
    lines, line = [], ""
    for index, character in enumerate(text):
        line += character
        if character == "\n" or (character == "\r" and text[index + 1 : index + 2] != "\n"):
            lines.append(line)
            line = ""
    return [*lines, line]


def units_of(text: str, encoding: str) -> int:
    codec, size = BYTES[encoding]
    return sum(len(character.encode(codec, "surrogatepass")) // size for character in text)


def column_of(line: str, units: int, encoding: str) -> int:
    """Walk on as long as the next character belongs to the line and ends at or before ``units``."""
    column = counted = 0
    while column < len(line) and line[column] not in "\r\n":
        counted += units_of(line[column], encoding)
        if counted > units:
            break
        column += 1
    return column


class Reference:
    def __init__(self, text: str, encoding: str) -> None:
        self.text, self.encoding = text, encoding

    def offset(self, place: tuple[int, int]) -> int:
        line, units = place
        lines = lines_of(self.text)
        if line < 0:
            return 0
        if line >= len(lines):
            return len(self.text)
        return len("".join(lines[:line])) + column_of(lines[line], units, self.encoding)

    def replace(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        first, last = sorted((self.offset(start), self.offset(end)))
        self.text = self.text[:first] + text + self.text[last:]
