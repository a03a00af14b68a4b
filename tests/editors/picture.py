"""A screen as a small SVG: what `tmux capture-pane -e` prints, in its colours."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape

from tests.editors.terminal import Terminal

_CELL = (8.4, 18)  # width and height of a cell at a font size of 14
_PAPER, _INK = "#14161b", "#e0e2ea"  # what the terminal shows where the program sets no colour
# xterm's sixteen
_NAMED = ["#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5",
          "#666666", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff"]  # fmt: skip
_SEQUENCE = re.compile(r"\x1b\[([\d;:]*)m|\x1b\(B|\x0f|([^\x1b\x0f]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a run of characters looks; None is the terminal's own colour."""

    ink: str | None = None
    paper: str | None = None
    bold: bool = False
    faint: bool = False
    italic: bool = False
    underlined: bool = False
    reversed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Characters of one style, from a column on."""

    column: int
    text: str
    style: Style

    @property
    def cells(self) -> int:
        """How many columns it takes."""
        return sum(_cells(character) for character in self.text)


def picture(terminal: Terminal, path: Path, *, rows: int) -> None:
    """Write the first ``rows`` of the screen, with the cursor, where PICTURES=write asks for it; else the picture has to
    be there, and has to show the same text."""
    svg = render(terminal.coloured(), rows=rows, columns=terminal.columns, cursor=terminal.cursor())
    if os.environ.get("PICTURES") == "write":
        path.write_text(svg, encoding="utf-8")
    assert texts(path.read_text(encoding="utf-8")) == texts(svg), f"PICTURES=write renews {path.name}"


def texts(svg: str) -> Sequence[str]:
    """All text of a picture."""
    return re.findall(r"<text [^>]*>([^<]*)</text>", svg)


def render(screen: str, *, rows: int, columns: int, cursor: tuple[int, int] | None = None) -> str:
    """The SVG. It names no file and no font that has to be there."""
    width, height = _CELL
    size = (round(columns * width + 16), rows * height + 16)
    body: list[str] = []
    for row, line in enumerate(_lines(screen)[:rows]):
        body += [part for run in line for part in _drawn(run, row)]
    if cursor and cursor[1] < rows:
        x, y = 8 + cursor[0] * width, 8 + cursor[1] * height
        body.append(f'<rect x="{x:.1f}" y="{y}" width="2" height="{height}" fill="{_INK}"/>')
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}"'
        ' font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="14">'
    )
    paper = f'<rect width="100%" height="100%" rx="6" fill="{_PAPER}"/>'
    return "\n".join([head, paper, *body, "</svg>", ""])


def _drawn(run: Run, row: int) -> Iterator[str]:
    width, height = _CELL
    style = run.style
    ink, paper = style.ink or _INK, style.paper
    if style.reversed:
        ink, paper = paper or _PAPER, style.ink or _INK
    x, y, length = 8 + run.column * width, 8 + row * height, run.cells * width
    if paper and paper != _PAPER:
        yield f'<rect x="{x:.1f}" y="{y}" width="{length:.1f}" height="{height}" fill="{paper}"/>'
    if not run.text.strip():
        return
    looks = [f'fill="{ink}"']
    looks += ['font-weight="bold"'] * style.bold + ['font-style="italic"'] * style.italic
    looks += ['text-decoration="underline"'] * style.underlined + ['opacity="0.6"'] * style.faint
    place = f'x="{x:.1f}" y="{y + 13}" textLength="{length:.1f}" xml:space="preserve"'
    yield f"<text {place} {' '.join(looks)}>{escape(run.text)}</text>"


def _lines(screen: str) -> Sequence[Sequence[Run]]:
    style = Style()
    lines = []
    for line in screen.split("\n"):
        runs: list[Run] = []
        column = 0
        for codes, text in _SEQUENCE.findall(line):
            if not text:
                style = _styled(style, codes) if codes is not None else style
                continue
            runs.append(Run(column=column, text=text, style=style))
            column += runs[-1].cells
        lines.append(runs)
    return lines


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Cf", "Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


_FLAGS = {1: {"bold": True}, 2: {"faint": True}, 3: {"italic": True}, 4: {"underlined": True}, 7: {"reversed": True},
          22: {"bold": False, "faint": False}, 23: {"italic": False}, 24: {"underlined": False}, 27: {"reversed": False},
          39: {"ink": None}, 49: {"paper": None}}  # fmt: skip


def _styled(style: Style, codes: str) -> Style:
    """The style after a "select graphic rendition" sequence (ECMA-48, 8.3.117); what it does not know changes nothing."""
    numbers = [int(code or 0) for code in codes.replace(":", ";").split(";")]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            style = Style()
        elif code in _FLAGS:
            style = replace(style, **_FLAGS[code])
        elif code in {38, 48}:
            style = replace(style, **{"ink" if code == 38 else "paper": _colour(numbers)})
        else:
            kind, first = next(((k, f) for k, f in _BASES if f <= code < f + 8), (None, 0))
            if kind:
                style = replace(style, **{kind: _NAMED[code - first + (8 if first >= 90 else 0)]})
    return style


_BASES = (("ink", 30), ("paper", 40), ("ink", 90), ("paper", 100))


def _colour(numbers: list[int]) -> str | None:
    """Take a colour of 256 (``5;n``) or of 16 million (``2;r;g;b``) off the front."""
    kind = numbers.pop(0) if numbers else 0
    if kind == 2 and len(numbers) >= 3:
        red, green, blue = (numbers.pop(0) for _ in range(3))
    elif kind == 5 and numbers:
        index = numbers.pop(0)
        if index < 16:
            return _NAMED[index]
        if index >= 232:
            red = green = blue = 8 + 10 * (index - 232)
        else:
            red, green, blue = (0 if not step else 55 + 40 * step for step in _cube(index - 16))
    else:
        return None
    return f"#{red:02x}{green:02x}{blue:02x}"


def _cube(index: int) -> tuple[int, int, int]:
    return index // 36, index // 6 % 6, index % 6
