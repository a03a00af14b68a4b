from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.text.document import Document, Edit, common_prefix_length, split_lines
from fim_lsp.text.positions import Encoding

from .reference import lines_of
from .strategies import NO_LINE_ENDS, texts

SMILE = "\U0001f600"

Place = tuple[int, int]


def check(text: str, start: Place, end: Place, inserted: str, then: str, touched: tuple[int, int, int]) -> None:
    """An edit with UTF-16 places makes ``then`` of ``text``; ``touched`` is first line, old lines, new lines."""
    document = Document(text, Encoding.UTF16)
    edit = document.replace(start, end, inserted)
    assert "".join(document.lines) == then
    assert list(document.lines) == split_lines(then)
    assert (edit.first_line, edit.old_lines, edit.new_lines) == touched


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a\n", ""]),
        ("\r\n\r\r\n\n", ["\r\n", "\r", "\r\n", "\n", ""]),
        ("a\fb\u2028c\nd", ["a\fb\u2028c\n", "d"]),
        *((f"a{character}", [f"a{character}"]) for character in NO_LINE_ENDS),
    ],
)
def test_lines_end_where_lsp_says(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines


@given(texts)
def test_split_lines_agrees_with_the_reference(text: str) -> None:
    assert split_lines(text) == lines_of(text)


def test_an_edit_inside_a_line() -> None:
    check("one\ntwo\n", (1, 1), (1, 2), "xyz", "one\ntxyzo\n", (1, 1, 1))


def test_an_edit_that_splits_a_line() -> None:
    check("one\ntwo\n", (1, 1), (1, 1), "\n", "one\nt\nwo\n", (1, 1, 2))


def test_an_edit_that_joins_lines() -> None:
    check("one\ntwo\nthree", (0, 3), (2, 0), "", "onethree", (0, 3, 1))


def test_an_edit_that_deletes_the_last_line() -> None:
    check("one\ntwo", (0, 3), (1, 3), "", "one", (0, 2, 1))


def test_start_and_end_may_be_swapped() -> None:
    check("one\ntwo", (1, 1), (0, 1), "-", "o-wo", (0, 2, 1))


@pytest.mark.parametrize(
    ("text", "place", "then", "touched"),
    [
        ("ab", (0, 9), "abZ", (0, 1, 1)),
        ("ab\ncd\n", (0, 3), "abZ\ncd\n", (0, 1, 1)),
        ("ab\r\ncd", (0, 3), "abZ\r\ncd", (0, 1, 1)),
        ("ab\ncd\n", (2, 0), "ab\ncd\nZ", (2, 1, 1)),
        ("ab\ncd", (7, 0), "ab\ncdZ", (1, 1, 1)),
        ("", (3, 3), "Z", (0, 1, 1)),
        ("ab", (-1, 1), "Zab", (0, 1, 1)),
        ("a\fb\nsecond\n", (1, 0), "a\fb\nZsecond\n", (1, 1, 1)),
        (f"{SMILE}b", (0, 1), f"Z{SMILE}b", (0, 1, 1)),
        (f"{SMILE}b", (0, 2), f"{SMILE}Zb", (0, 1, 1)),
    ],
)
def test_a_place_outside_of_the_text_is_clamped(
    text: str, place: Place, then: str, touched: tuple[int, int, int]
) -> None:
    check(text, place, place, "Z", then, touched)


def test_a_line_feed_after_a_lone_carriage_return_joins_it() -> None:
    check("a\rb", (1, 0), (1, 0), "\n", "a\r\nb", (0, 2, 2))


def test_deleting_the_text_between_carriage_return_and_line_feed_joins_them() -> None:
    check("a\rb\nc", (1, 0), (1, 1), "", "a\r\nc", (0, 2, 1))
    check("a\rb\nc\n\nd", (1, 0), (3, 0), "", "a\r\nd", (0, 4, 1))


def test_a_carriage_return_before_a_line_feed_joins_it() -> None:
    check("a\nb", (0, 1), (0, 1), "\r", "a\r\nb", (0, 1, 1))


def test_no_edit_falls_between_carriage_return_and_line_feed() -> None:
    check("a\r\nb", (0, 2), (1, 0), "", "ab", (0, 2, 1))


def test_an_edit_reports_what_was_replaced_and_where() -> None:
    document = Document(f"{SMILE}one\r\ntwo", Encoding.UTF16)
    assert document.replace((1, 1), (0, 3), "-\n") == Edit(
        first_line=0, old_lines=2, new_lines=2, removed="ne\r\nt", inserted="-\n", line=0, column=2
    )


def test_a_text_with_nothing_in_common_with_the_old_one() -> None:
    document = Document("one\ntwo", Encoding.UTF8)
    assert document.set_text("a\rb\r") == Edit(
        first_line=0, old_lines=2, new_lines=3, removed="one\ntwo", inserted="a\rb\r", line=0, column=0
    )
    assert list(document.lines) == ["a\r", "b\r", ""]
    assert document.encoding is Encoding.UTF8


@pytest.mark.parametrize(
    ("text", "line_end"),
    [("", "\n"), ("one", "\n"), ("one\n", "\n"), ("one\r\ntwo\n", "\r\n"), ("\rone\n", "\r"), ("a\fb\r\n", "\r\n")],
)
def test_the_first_line_decides_the_line_end(text: str, line_end: str) -> None:
    document = Document(text, Encoding.UTF16)
    assert document.split(0, 0, before=0, after=0).line_end == line_end


TEXTS = st.text(alphabet="ab\r\n😀", max_size=12)


@given(TEXTS, TEXTS)
def test_a_full_text_change_is_the_edit_that_was_made(before: str, after: str) -> None:
    document, mirror = Document(before, Encoding.UTF16), Document(before, Encoding.UTF32)
    edit = document.set_text(after)
    assert "".join(document.lines) == after
    lines = list(mirror.lines)
    lines[edit.first_line : edit.first_line + edit.old_lines] = document.lines[
        edit.first_line : edit.first_line + edit.new_lines
    ]
    assert lines == list(document.lines)
    above = "".join(mirror.lines[: edit.line])
    start = len(above) + edit.column
    assert before[start : start + len(edit.removed)] == edit.removed
    assert before[:start] + edit.inserted + before[start + len(edit.removed) :] == after


def test_typing_in_an_editor_that_sends_whole_documents() -> None:
    document = Document("one\ntwo\nthree\n", Encoding.UTF16)
    edit = document.set_text("one\ntwo!\nthree\n")
    assert (edit.removed, edit.inserted, edit.line, edit.column) == ("", "!", 1, 3)
    edit = document.set_text("one\ntwo\nthree\n")
    assert (edit.removed, edit.inserted, edit.line, edit.column) == ("!", "", 1, 3)


@given(st.text("ab", max_size=9), st.text("ab", max_size=9))
def test_the_common_prefix_of_strings_and_lists(one: str, other: str) -> None:
    length = common_prefix_length(one, other)
    assert one[:length] == other[:length]
    assert one[length : length + 1] != other[length : length + 1] or one == other
    assert common_prefix_length([*one], [*other]) == length
