from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.text.positions import Encoding, content, line_end, to_column, to_units, utf16_length

from .reference import column_of, units_of
from .strategies import encodings, lines

SMILE = "\U0001f600"


@pytest.mark.parametrize(
    ("line", "units", "encoding", "column"),
    [
        ("abc\n", 2, "utf-16", 2),
        ("abc\n", 9, "utf-16", 3),
        ("abc\r\n", 4, "utf-8", 3),
        ("abc\r", 4, "utf-32", 3),
        ("abc", -1, "utf-16", 0),
        ("", 5, "utf-16", 0),
        ("\n", 1, "utf-16", 0),
        ("é漢x", 2, "utf-8", 1),
        ("é漢x", 4, "utf-8", 1),
        ("é漢x", 5, "utf-8", 2),
        ("é漢x", 2, "utf-16", 2),
        (f"{SMILE}x", 1, "utf-16", 0),
        (f"{SMILE}x", 2, "utf-16", 1),
        (f"{SMILE}x", 3, "utf-8", 0),
        (f"{SMILE}x", 4, "utf-8", 1),
        (f"{SMILE}x", 1, "utf-32", 1),
        (f"{SMILE}x\r\n", 2**31 - 1, "utf-16", 2),
        ("\ud83dx", 1, "utf-16", 1),
        ("\ud83d\ude00x", 1, "utf-16", 1),
        ("\ud83dx", 3, "utf-8", 1),
    ],
)
def test_the_column_of_code_units(line: str, units: int, encoding: str, column: int) -> None:
    assert to_column(line, units, Encoding(encoding)) == column


@given(lines, st.integers(-2, 200), encodings)
def test_to_column_agrees_with_the_reference(line: str, units: int, encoding: Encoding) -> None:
    assert to_column(line, units, encoding) == column_of(line, units, encoding)


@given(lines, st.integers(-2, 60), encodings)
def test_columns_survive_the_conversion_to_units_and_back(line: str, column: int, encoding: Encoding) -> None:
    inside = min(max(column, 0), len(content(line)))
    units = to_units(line, column, encoding)
    assert units == units_of(line[:inside], encoding)
    assert to_column(line, units, encoding) == inside


@pytest.mark.parametrize(
    ("line", "column", "encoding", "units"),
    [
        (f"é{SMILE}x\r\n", 2, "utf-8", 6),
        (f"é{SMILE}x\r\n", 2, "utf-16", 3),
        (f"é{SMILE}x\r\n", 2, "utf-32", 2),
        (f"é{SMILE}x\r\n", 9, "utf-16", 4),
    ],
)
def test_the_code_units_of_a_column(line: str, column: int, encoding: str, units: int) -> None:
    assert to_units(line, column, Encoding(encoding)) == units


@given(lines)
def test_a_line_is_its_content_and_its_line_end(line: str) -> None:
    assert content(line) + line_end(line) == line
    assert line_end(line) in ("", "\n", "\r\n", "\r")


@pytest.mark.parametrize(("text", "length"), [("", 0), ("abc", 3), ("a\r\nb\n", 5), ("é漢😀", 4), ("\ud83d", 1)])
def test_the_length_in_utf_16(text: str, length: int) -> None:
    assert utf16_length(text) == length
