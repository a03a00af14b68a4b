"""Long random sessions of editing, compared after every edit with the slow and obvious document."""

from __future__ import annotations

import random

import pytest

from fim_lsp.text.document import Document, Edit, split_lines
from fim_lsp.text.positions import Encoding

from .reference import Reference, lines_of
from .strategies import LINE_ENDS, PIECES

EDITS = 8_500  # in each of six sessions: 51,000 edits
SIZE = 80  # characters that a session's document has about


def some_text(dice: random.Random, pieces: int) -> str:
    return "".join(dice.choices(PIECES + 2 * LINE_ENDS, k=dice.randint(0, pieces)))


def some_place(dice: random.Random, document: Document) -> tuple[int, int]:
    line = dice.randint(0, len(document.lines) + 1)
    width = len(document.lines[line]) if line < len(document.lines) else 0
    return line, dice.choice([0, width, dice.randint(0, 2 * width + 3), dice.randint(0, width)])


def some_edit(dice: random.Random, document: Document, size: int) -> tuple[tuple[int, int], tuple[int, int], str]:
    start = some_place(dice, document)
    if dice.random() < 0.5:
        return start, start, some_text(dice, 3)
    return start, some_place(dice, document), some_text(dice, 0 if size > SIZE else 20)


def assert_true(edit: Edit, before: str, after: str) -> None:
    """Whether ``edit`` tells what happened, in characters and in lines."""
    old, new = lines_of(before), lines_of(after)
    at = len("".join(old[: edit.line])) + edit.column
    assert before[at : at + len(edit.removed)] == edit.removed
    assert before[:at] + edit.inserted + before[at + len(edit.removed) :] == after
    first = edit.first_line
    old[first : first + edit.old_lines] = new[first : first + edit.new_lines]
    assert old == new


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("encoding", Encoding)
def test_any_edits_agree_with_the_reference(encoding: Encoding, seed: int) -> None:
    dice = random.Random(f"{encoding} {seed}")
    text = some_text(dice, SIZE)
    document, reference = Document(text, encoding), Reference(text, encoding)
    for _ in range(EDITS):
        before = reference.text
        start, end, inserted = some_edit(dice, document, len(before))
        reference.replace(start, end, inserted)
        edit = document.replace(start, end, inserted)
        assert "".join(document.lines) == reference.text, (before, start, end, inserted)
        assert list(document.lines) == split_lines(reference.text) == lines_of(reference.text)
        assert_true(edit, before, reference.text)
