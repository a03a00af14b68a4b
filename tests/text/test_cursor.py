from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.text.cursor import Split, split_at
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding

from .reference import Reference, lines_of
from .strategies import encodings, places, texts

SMILE = "\U0001f600"
ALL = 1_000


def split(marked: str, before: int = ALL, after: int = ALL) -> Split:
    """The window round the ``‸`` in a text."""
    prefix, _, suffix = marked.partition("‸")
    *above, own = lines_of(prefix)
    return split_at(lines_of(prefix + suffix), len(above), len(own), before=before, after=after)


def check(marked: str, before: int, after: int, window: str) -> None:
    """Of the marked text, ``window`` is what ``before`` and ``after`` characters let through."""
    found = split(marked, before, after)
    assert f"{found.prefix}‸{found.suffix}" == window
    assert found.at_start == marked.startswith(window.partition("‸")[0] + "‸")
    assert found.at_end == marked.endswith("‸" + window.partition("‸")[2])


@pytest.mark.parametrize(
    ("marked", "before", "after", "window"),
    [
        ("one\ntw‸o\nthree", 99, 99, "one\ntw‸o\nthree"),
        ("one\ntw‸o\nthree", 6, 7, "one\ntw‸o\nthree"),
        ("one\ntw‸o\nthree", 5, 6, "tw‸o\n"),
        ("one\ntw‸o\nthree", 2, 2, "tw‸o\n"),
        ("one\ntw‸o\nthree", 1, 1, "w‸o"),
        ("one\ntw‸o\nthree", 0, 0, "‸"),
        ("one\ntw‸ooo\nthree", -1, -1, "‸"),
        ("one\n‸two", -1, -1, "‸"),
        ("one\r\n‸two\r\nthree", 4, 4, "‸two"),
        ("one\r\n‸two\r\nthree", 5, 5, "one\r\n‸two\r\n"),
        ("a\r\n‸\r\nb", 1, 1, "‸"),
        ("one\n‸", 4, 0, "one\n‸"),
        ("‸one\n", 0, 4, "‸one\n"),
        ("‸", 0, 0, "‸"),
        (f"{SMILE}{SMILE}‸{SMILE}{SMILE}", 1, 1, f"{SMILE}‸{SMILE}"),
        ("a\fb\n\u2028c‸", 2, 0, "\u2028c‸"),
    ],
)
def test_the_window_is_cut_between_lines_if_possible(marked: str, before: int, after: int, window: str) -> None:
    check(marked, before, after, window)


@pytest.mark.parametrize(
    ("marked", "line_prefix", "line_suffix"),
    [
        ("one\ntw‸o\nthree", "tw", "o"),
        ("one\r\ntw‸o\r\nthree", "tw", "o"),
        ("one\rtw‸o\rthree", "tw", "o"),
        ("one\n\rtw‸o\r\n", "tw", "o"),
        ("a\fb‸c\u2028d\n", "a\fb", "c\u2028d"),
        ("‸", "", ""),
        ("one\n‸\none", "", ""),
    ],
)
def test_the_line_of_the_cursor(marked: str, line_prefix: str, line_suffix: str) -> None:
    found = split(marked)
    assert (found.line_prefix, found.line_suffix) == (line_prefix, line_suffix)


def test_the_position_of_the_cursor_is_in_characters() -> None:
    found = Document(f"one\r\n{SMILE}two", Encoding.UTF16).split(1, 3, before=9, after=9)
    assert (found.line, found.column, found.line_end) == (1, 2, "\r\n")


@given(texts, places, encodings)
def test_a_large_window_is_the_whole_text(text: str, place: tuple[int, int], encoding: Encoding) -> None:
    found = Document(text, encoding).split(*place, before=len(text), after=len(text))
    cursor = Reference(text, encoding).offset(place)
    assert (found.prefix, found.suffix) == (text[:cursor], text[cursor:])
    assert found.at_start
    assert found.at_end


@given(texts, places, encodings, st.integers(0, 40), st.integers(0, 40))
def test_windows_of_any_size(text: str, place: tuple[int, int], encoding: Encoding, before: int, after: int) -> None:
    found = Document(text, encoding).split(*place, before=before, after=after)
    cursor = Reference(text, encoding).offset(place)
    start, end = cursor - len(found.prefix), cursor + len(found.suffix)
    assert (found.prefix, found.suffix) == (text[start:cursor], text[cursor:end])
    assert len(found.prefix) <= before
    assert len(found.suffix) <= after
    assert (found.at_start, found.at_end) == (start == 0, end == len(text))
    for edge in (start, end):
        assert text[edge - 1 : edge + 1] != "\r\n" or not edge

    lines = lines_of(text)
    starts = [len("".join(lines[:line])) for line in range(len(lines) + 1)]
    own = lines[found.line].rstrip("\r\n")
    assert cursor == starts[found.line] + found.column
    assert found.line_prefix == own[: found.column][-len(found.prefix) or len(own) :]
    assert found.line_suffix == own[found.column :][: len(found.suffix)]
    if start not in starts:
        assert len(found.prefix) == before < found.column
    elif start:
        above = starts[starts.index(start) - 1]
        assert cursor - above > before, "the line above would have found room"
    if end not in starts:
        assert found.suffix == own[found.column :][:after]
    elif end < len(text):
        assert starts[starts.index(end) + 1] - cursor > after, "the line below would have found room"
