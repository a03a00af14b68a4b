"""The work of a keystroke doesn't grow with the document: steps are counted, nothing is timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding, to_column, to_units
from tests.interpreter_steps import steps

SMILE = "\U0001f600"
SIZES = (1_000, 100_000)


class Counted:
    """A list of lines that counts the lines it hands out and takes; whoever walks through it is counted, too."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.read, self.written, self.shifts = lines, 0, 0, 0

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, key: int | slice) -> Any:
        found = self.lines[key]
        self.read += len(found) if isinstance(key, slice) else 1
        return found

    def __setitem__(self, key: int | slice, new: Any) -> None:
        size = len(self.lines)
        self.lines[key] = new
        self.written += len(new) if isinstance(key, slice) else 1
        self.shifts += len(self.lines) != size


def work(size: int, act: Callable[[Document], object]) -> tuple[int, int, int, int]:
    """Steps taken, lines read, lines written and times that the list was shifted, in a document of ``size`` lines."""
    text = size * f"    {SMILE} = f(x)\n"
    act(Document(text, Encoding.UTF16))  # the first use of a codec imports it, which takes steps
    document = Document(text, Encoding.UTF16)
    counted = document._lines = Counted(list(document.lines))  # type: ignore[assignment]
    return steps(lambda: act(document)), counted.read, counted.written, counted.shifts


def test_the_counters_see_a_walk_through_text_or_lines() -> None:
    assert steps(lambda: sum(ord(character) for character in 1_000 * SMILE)) > 1_000
    assert work(1_000, lambda document: "".join(document.lines))[1] > 1_000


@pytest.mark.parametrize(
    ("act", "shifts"),
    [
        (lambda document: document.replace((500, 6), (500, 6), "a"), 0),
        (lambda document: document.replace((500, 6), (502, 6), "a\nb\n"), 0),
        (lambda document: document.replace((500, 6), (500, 6), "\n"), 1),
        (lambda document: document.replace((500, 0), (501, 0), ""), 1),
        (lambda document: document.split(500, 6, before=4_000, after=2_000), 0),
    ],
    ids=["a character", "lines for lines", "a new line", "a line less", "a window"],
)
def test_work_is_the_same_in_a_hundred_times_the_lines(act: Callable[[Document], object], shifts: int) -> None:
    small, large = (work(size, act) for size in SIZES)
    assert small == large
    assert small[1] < 4_000
    assert small[3] == shifts


@pytest.mark.parametrize("encoding", Encoding)
def test_a_long_line_is_not_walked_through(encoding: Encoding) -> None:
    line = 100_000 * SMILE + "\n"
    units = to_units(line, 77_777, encoding)
    assert to_column(line, units, encoding) == 77_777
    assert steps(lambda: to_column(line, units, encoding)) < 300
    assert steps(lambda: to_units(line, 77_777, encoding)) < 50
    document = Document(line, encoding)
    assert steps(lambda: document.replace((0, units), (0, units), "a")) < 600
    assert steps(lambda: document.split(0, units, before=8_000, after=4_000)) < 600
