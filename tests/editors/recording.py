"""The animated picture on top of the README: ``python -m tests.editors.recording`` types in a real Neovim and records it.

The server is the real one; what the model writes comes from the fake Codestral. The times in the picture are a person's: a
script's would be too quick to follow.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from tests.editors.neovim import PLUGIN, Neovim
from tests.editors.picture import render
from tests.editors.sandbox import Sandbox, writes
from tests.fakes.codestral import FakeCodestral

PICTURE = PLUGIN.parent / "typing.svg"
ROWS, COLUMNS = 13, 64
KEY, LOOK, END = 0.11, 1.2, 3.0  # seconds: from key to key, to look at a suggestion, before it begins again

BEFORE = "import math\n\n\nclass Circle:\n    def __init__(self, radius):\n        self.radius = radius\n\n    \n"
TYPED = "def area(self):"
BODY = "\n        return math.pi * self.radius ** 2"
THEN = "\n\n    def scaled(self, factor):\n        return Circle(self.radius * factor)"


async def main() -> None:
    """Record, and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        async with FakeCodestral(writes(TYPED + BODY + THEN)) as codestral:
            sandbox = Sandbox(Path(folder), codestral, columns=COLUMNS, rows=16)
            try:
                frames = await _session(Neovim(sandbox))
            finally:
                sandbox.terminal.close()
    PICTURE.write_text(animated(frames), encoding="utf-8")


async def _session(neovim: Neovim) -> list[tuple[str, float]]:
    """Each picture with the seconds that it stays."""
    frames: list[tuple[str, float]] = []
    terminal = neovim.terminal

    def shoot(seconds: float) -> None:
        cursor = terminal.cursor()
        frames.append((render(terminal.coloured(), rows=ROWS, columns=COLUMNS, cursor=cursor), seconds))

    await neovim.open(neovim.sandbox.file("shapes.py", BEFORE), line=8)
    shoot(LOOK)
    for number in range(1, len(TYPED) + 1):
        terminal.type(TYPED[number - 1])
        await terminal.wait_for(lambda _, end=number: terminal.cursor()[0] == 4 + end)
        if number in (6, len(TYPED)):
            await terminal.wait_for("return math.pi" if number > 6 else "area(self)")
        shoot(LOOK if number == len(TYPED) else KEY)
    for row, further in ((8, "return Circle"), (11, "")):
        terminal.keys("Tab")
        await terminal.wait_for(lambda _, at=row: terminal.cursor()[1] == at)
        await terminal.wait_for(further)
        shoot(LOOK if further else END)
    return frames


def animated(frames: list[tuple[str, float]]) -> str:
    """One SVG that shows the frames in turn, for ever: each is visible for its part of the whole."""
    head = re.match(r"<svg[^>]*>", frames[0][0])
    assert head
    whole = sum(seconds for _, seconds in frames)
    parts, start = [head[0]], 0.0
    for svg, seconds in frames:
        inner = svg[svg.index(">") + 1 : svg.rindex("</svg>")].strip()
        begin, end = start / whole, min((start + seconds) / whole, 1.0)
        times = f"0;{begin:.4f};{end:.4f};1" if begin else f"0;{end:.4f};1"
        values = "hidden;visible;hidden;hidden" if begin else "visible;hidden;hidden"
        timing = f'attributeName="visibility" calcMode="discrete" dur="{whole:.1f}s" repeatCount="indefinite"'
        parts.append(f'<g visibility="hidden"><animate {timing} keyTimes="{times}" values="{values}"/>{inner}</g>')
        start += seconds
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    asyncio.run(main())
