"""What a reply repeats of the line after the cursor. ``‸`` is the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.suggest.overlap import common_lengths, drawable, unclosed, unopened
from tests.suggest.cases import Cases, shown_as_wanted

CASES: Cases = {
    "without_overlap": [
        ("foo(‸, c)\n", "a, b, c)", "a, b"),
        ("foo(‸, c)\n", "a, b", "a, b"),
        ("foo(‸)\n", "g(a)", "g(a)"),
        ('print("‸")\n', 'hi")', "hi"),
        ("va‸e\n", "lue", "lu"),
        ("char gr‸];\n", "oup[8];", "oup[8"),
        ("x = [a, ‸];\n", "b];", "b"),
        ("if (a) ‸ {\n", "&& b {", "&& b"),
        ("x = ‸/b\n", "a/", "a/"),
        ("f(‸a, c)\n", "x, a", "x, "),
        ("x = ‸ foo bar\n", "yfoo", "yfoo"),
        ("{\n  x: '‸',\n}\n", "a',", "a"),
    ],
}  # fmt: skip


test_what_is_shown = shown_as_wanted(CASES)


@pytest.mark.parametrize(
    ("suffix", "text", "can"),
    [
        (")", "a) + 1", True),
        (")", "g(a)) + 1", True),
        ("))", "a", False),
        ("foo", "bar(foo)", True),
        ("(a)", "b(a)", True),
        ("(a)", "((a))", True),
        ("BAR)", "bc, bar)", False),
    ],
)
def test_what_editors_can_draw(suffix: str, text: str, can: bool) -> None:
    assert drawable(suffix, text) is can


@pytest.mark.parametrize(
    ("text", "closed", "opened"),
    [("", 0, 0), ("(a)", 0, 0), ("a)]", 2, 0), ("f({", 0, 2), (")(", 1, 1), ("(a))(", 1, 1)],
)
def test_brackets_that_nothing_in_the_text_matches(text: str, closed: int, opened: int) -> None:
    assert (unopened(text), unclosed(text)) == (closed, opened)


@given(st.text(alphabet="ab", max_size=12), st.text(alphabet="ab", max_size=12))
def test_common_lengths_are_all_that_there_are(text: str, suffix: str) -> None:
    lengths = range(min(len(text), len(suffix)), 0, -1)
    assert list(common_lengths(text, suffix)) == [length for length in lengths if text.endswith(suffix[:length])]
