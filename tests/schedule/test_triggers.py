"""What the edits of one message were together: typing, with one cursor or several, or a command's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.schedule.triggers import EditKind, LastEdit
from fim_lsp.text.document import Document, Edit
from fim_lsp.text.positions import Encoding
from fim_lsp.text.typed import moved

TEXT = "one\ntwo\nthree\n"
At = tuple[int, int]


def edits(text: str, *changes: tuple[At, At, str]) -> tuple[Document, list[Edit]]:
    document = Document(text, Encoding.UTF32)
    return document, [document.replace(*change) for change in changes]


def seen(*changes: tuple[At, At, str], text: str = TEXT, offered: str = "") -> LastEdit:
    last = LastEdit()
    last.add(edits(text, *changes)[1], offered)
    return last


def put(line: int, column: int, text: str) -> tuple[At, At, str]:
    return (line, column), (line, column), text


@pytest.mark.parametrize(
    ("changes", "cursors"),
    [
        ([put(2, 5, "x"), put(1, 3, "x"), put(0, 3, "x")], [(0, 4), (1, 4), (2, 6)]),  # VS Code: from below
        ([put(0, 3, "x"), put(1, 3, "x"), put(2, 5, "x")], [(0, 4), (1, 4), (2, 6)]),  # and from above
        ([put(0, 2, "x"), put(0, 1, "x")], [(0, 2), (0, 4)]),  # in one line
        ([put(0, 1, "x"), put(0, 3, "x")], [(0, 2), (0, 4)]),
        ([put(2, 0, "\n  "), put(1, 0, "\n  ")], [(2, 2), (4, 2)]),
        ([put(1, 1, "()"), put(0, 1, "()")], [(0, 3), (1, 3)]),
    ],
)
def test_the_same_text_at_every_cursor_is_typing(changes: list[tuple[At, At, str]], cursors: list[At]) -> None:
    last = seen(*changes)
    assert [last.kind_at(*cursor) for cursor in cursors] == [EditKind.TYPING] * len(cursors)
    assert last.kind_at(0, 0) is EditKind.NONE  # nothing was typed there


@pytest.mark.parametrize(
    "changes",
    [
        [put(2, 5, "x"), put(0, 3, "y")],
        [((2, 0), (2, 5), "name"), ((0, 0), (0, 3), "name")],  # a rename: the same, but in place of something
        [put(2, 5, "x"), ((0, 1), (0, 2), "x")],
        [put(2, 5, "x"), put(1, 3, "x"), put(0, 3, "y"), put(0, 0, "x")],
        [put(2, 5, "x"), ((0, 0), (0, 1), "")],
        [put(2, 5, "x" * 50), put(0, 3, "x" * 50)],
        [put(2, 5, "a\nb"), put(0, 3, "a\nb")],
    ],
)
def test_different_edits_and_long_ones_are_a_paste(changes: list[tuple[At, At, str]]) -> None:
    last = seen(*changes)
    assert last.kind_at(*end_of(changes)) is EditKind.PASTE


def test_what_the_editor_reports_as_accepted_is_typing() -> None:
    last = seen(put(0, 3, "x\n" * 30), offered="y")
    last.was_accepted()
    assert last.kind_at(30, 0) is EditKind.TYPING


def test_what_is_deleted_stays_a_deletion() -> None:
    last = seen(((0, 0), (0, 2), ""))
    last.was_accepted()
    assert last.kind_at(0, 0) is EditKind.DELETION


def end_of(changes: list[tuple[At, At, str]]) -> At:
    line, column = changes[-1][0]
    *above, end = changes[-1][2].split("\n")
    return line + len(above), len(end) + (0 if above else column)


def test_several_keys_in_one_notification_are_typing() -> None:
    last = seen(put(0, 3, "a"), put(0, 4, "b"), ((0, 4), (0, 5), "c"))
    assert last.kind_at(0, 5) is EditKind.TYPING
    assert last.kind_at(0, 4) is EditKind.NONE


def test_accepting_a_suggestion_at_every_cursor_is_typing() -> None:
    offered = "a long suggestion that no one types\nof two lines at least"
    assert seen(put(1, 3, offered), put(0, 3, offered), offered=offered).kind_at(1, 21) is EditKind.TYPING


PLACES = st.tuples(st.integers(0, 4), st.integers(0, 6))


@given(st.text("ab\n", max_size=20), PLACES, PLACES, PLACES, st.text("xy\n", max_size=4))
def test_a_position_moves_with_its_text(text: str, place: At, start: At, end: At, put_in: str) -> None:
    """A character that occurs nowhere else marks the position."""
    plain = Document(text, Encoding.UTF32)
    split = plain.split(*place, before=100, after=100)
    here, marked = (split.line, split.column), Document(text, Encoding.UTF32)
    start, end = sorted((one.line, one.column) for one in (plain.split(*at, before=9, after=9) for at in (start, end)))
    if start <= here <= end:
        return
    marked.replace(here, here, "|")
    edit = plain.replace(start, end, put_in)

    def with_mark(at: At) -> At:
        return (at[0], at[1] + 1) if at[0] == here[0] and at > here else at

    marked.replace(with_mark(start), with_mark(end), put_in)
    above, _, _ = "".join(marked.lines).partition("|")
    assert moved(here, edit) == (above.count("\n"), len(above) - above.rfind("\n") - 1)
