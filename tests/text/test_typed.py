"""What was typed between two looks at a document. ``‸`` is the cursor."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from fim_lsp.text.typed import (
    ClosersFrom,
    advance,
    moved,
    paired_closers,
    suffixes_before,
    typed_at_others,
    typed_elsewhere,
    typed_since,
)
from tests.marked import split

CASES = [
    ("nothing", "ab‸c", "ab‸c", ""),
    ("a character", "ab‸c", "abx‸c", "x"),
    ("a line", "ab‸c", "ab\nx‸c", "\nx"),
    ("lines of CRLF", "ab‸\r\nc", "ab\r\n  x‸\r\nc", "\r\n  x"),
    ("carriage returns", "ab‸\rc", "ab\r\rx‸\rc", "\r\rx"),
    ("a deletion", "ab‸c", "a‸c", None),
    ("a jump back", "ab‸c", "a‸bc", None),
    ("a jump on", "a‸bc", "ab‸c", None),
    ("another text before", "ab‸c", "xbx‸c", None),
    ("another text after", "ab‸c", "abx‸d", None),
    ("a bracket that the editor pairs", "f‸\n", "f(‸)\n", "("),
    ("brackets and quotes", "f‸", 'f(["a‸"])', '(["a'),
    ("a pair that is closed again", "f‸;", "f(a)‸;", "(a)"),
    ("a bracket that was there before", "f‸)", "f(‸)", "("),
    ("a bracket that nobody typed", "f‸", "fx‸)", None),
    ("at a cursor below too", "(‸\na = b\n", "(x‸\nxa = b\n", "x"),
    ("at two cursors below", "‸ 1\n 2\n 3", "ab‸ 1\nab 2\nab 3", "ab"),
    ("at a cursor above too", "1;\n2;‸", "1a;\n2;a‸", "a"),
    ("a bracket at each cursor, paired", "f‸\ng\n", "f(‸)\ng()\n", "("),
    ("another text at the other cursor", "‸ 1\n 2", "ab‸ 1\nac 2", None),
    ("less at the other cursor", "‸ 1\n 2", "ab‸ 1\na 2", None),
    ("a line above", "ab‸c", "new\nab‸c", None),
    ("a jump to the line above", "ab\n‸c", "ab‸\nc", None),
    ("nothing, while the text before changed", "ab‸c", "xb‸c", None),
    ("nothing, while the text after changed", "ab‸c", "ab‸d", None),
]


@pytest.mark.parametrize(("earlier", "now", "typed"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_typed_since(earlier: str, now: str, typed: str | None) -> None:
    assert typed_since(split(earlier), split(now)) == typed


TEXT = st.text(alphabet="ab \n\r", max_size=30)


@given(TEXT, TEXT, TEXT)
def test_whatever_is_typed_is_found(before: str, typed: str, after: str) -> None:
    pieces = [before, typed, after] if typed else [before, after]
    if any(one.endswith("\r") and two.startswith("\n") for one, two in pairwise([before, after, *pieces])):
        return  # the cursor can't stand inside a line end
    if before.endswith("\r") and after.startswith("\n"):
        return
    earlier, now = split(f"{before}‸{after}"), split(f"{before}{typed}‸{after}")
    assert typed_since(earlier, now) == typed
    assert advance(earlier.line, earlier.column, typed) == (now.line, now.column)


def test_a_line_longer_than_the_window() -> None:
    earlier = split("x" * 5000 + "‸", window=1000)
    assert typed_since(earlier, split("x" * 5000 + "yz‸", window=1000)) == "yz"
    assert typed_since(earlier, split("x" * 4998 + "‸", window=1000)) is None


def test_more_lines_than_the_window_contains_are_not_taken_for_typing() -> None:
    earlier = split("ab‸", window=1000)
    assert typed_since(earlier, split("ab\n" + "x\n" * 20 + "‸", window=1000)) == "\n" + "x\n" * 20
    assert typed_since(earlier, split("ab\n" + "x\n" * 20 + "‸", window=20)) is None


def spread(before: str, text: str, at: set[int]) -> str:
    return "".join((text if place in at else "") + before[place : place + 1] for place in range(len(before) + 1))


@given(st.text("ab\n", max_size=25), st.text("ab(", min_size=1, max_size=3), st.sets(st.integers(0, 25), max_size=5))
def test_the_same_text_typed_at_other_cursors_is_recognized(before: str, text: str, at: set[int]) -> None:
    after = spread(before, text, at)
    assert typed_elsewhere(before, after, text, whole=True)
    assert typed_elsewhere(before, after + "zz", text, whole=False)
    assert not typed_elsewhere(before, after + "z", text, whole=True)
    assert typed_since(split(f"‸\n{before}"), split(f"{text}‸\n{after}")) == text


@given(st.text("ab", max_size=9), st.text("ab", max_size=14), st.text("ab", min_size=1, max_size=2))
def test_no_other_change_is_taken_for_typing_at_other_cursors(before: str, after: str, text: str) -> None:
    """Every way of putting it in is tried."""

    def made(start: str, end: str) -> bool:
        if start == end:
            return True
        put_in = end.startswith(text) and made(start, end[len(text) :])
        return put_in or bool(start and end and start[0] == end[0] and made(start[1:], end[1:]))

    assert typed_elsewhere(before, after, text, whole=True) == made(before, after)


def test_other_cursors_may_have_the_brackets_that_the_editor_paired() -> None:
    assert typed_at_others("f(a, [", "])") == ("f(a, [", "f(a, [])")
    assert typed_at_others("f(a)", "") == ("f(a)",)


def test_brackets_that_the_editor_paired_were_not_in_the_suffix() -> None:
    assert suffixes_before(") + 1", ")") == (") + 1", " + 1")
    assert suffixes_before(" + 1", ")") == (" + 1",)
    assert suffixes_before(") + 1", "") == (") + 1",)


@pytest.mark.parametrize(
    ("typed", "closers"),
    [("f(a, [", "])"), ("f(a)", ""), ("('(", ")')"), ("(]", ")"), ("a'(b'", "')'"), ('"""', '"'), (")(", ")")],
)
def test_what_an_editor_pairs(typed: str, closers: str) -> None:
    assert paired_closers(typed) == closers


def test_a_quote_that_ends_is_not_closed_again_by_a_longer_end() -> None:
    closers = ClosersFrom('f("a"[b')
    assert [closers[length] for length in range(8)] == ["", "", "]", ']"', ']"', "]", "])", "])"]


@given(st.text("()[{\"'`a", max_size=40), st.data())
def test_the_closers_of_each_end_of_a_text(text: str, data: st.DataObject) -> None:
    closers = ClosersFrom(text)
    asked = data.draw(st.lists(st.integers(0, len(text)), max_size=3))
    for length in (*asked, *range(len(text) + 1)):
        assert closers[length] == paired_closers(text[len(text) - length :])


@pytest.mark.parametrize(
    ("place", "then"),
    [((0, 1), (0, 1)), ((0, 3), (2, 1)), ((1, 0), (2, 1)), ((1, 1), (2, 1)), ((1, 3), (2, 3)), ((2, 1), (3, 1))],
)
def test_where_a_place_is_after_an_edit(place: tuple[int, int], then: tuple[int, int]) -> None:
    edit = Document("abcd\nefgh\nijkl", Encoding.UTF32).replace((0, 2), (1, 1), "X\nY\nZ")
    assert moved(place, edit) == then
