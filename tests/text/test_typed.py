"""What was typed between two looks at a document. ``‸`` is the cursor."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.text.typed import advance, typed_since
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
    ("another text behind", "ab‸c", "abx‸d", None),
    ("a bracket that the editor pairs", "f‸\n", "f(‸)\n", "("),
    ("brackets and quotes", "f‸", 'f(["a‸"])', '(["a'),
    ("a pair that is closed again", "f‸;", "f(a)‸;", "(a)"),
    ("a bracket that stood there", "f‸)", "f(‸)", "("),
    ("a bracket that nobody typed", "f‸", "fx‸)", None),
    ("a line above", "ab‸c", "new\nab‸c", None),
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
