"""From what a model wrote to what is shown. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.postprocess import Multiline, is_complete, suggestion_from, wants_lines
from tests.marked import context, split


def shown(marked: str, text: str, *, finished: str | None = "stop", multiline: Multiline = "auto") -> str | None:
    suggestion = suggestion_from(context(marked), text, finished=finished, multiline=multiline)
    return suggestion.text if suggestion else None


CASES = [
    ("one line where code goes on", "x = f(‸)\n", "a, b)\ny = 2", "a, b"),
    ("no bracket twice", "foo(‸)", "bar)", "bar"),
    ("no quote twice", 'print("‸")', 'hi")', "hi"),
    ("what follows is not said twice", "a = ‸ + c\n", "b + c", "b"),
    ("a block on an empty line", "def f():\n    ‸\n", "x = 1\n    return x\n", "x = 1\n    return x"),
    ("a block ends at a blank line", "def f():\n    ‸\n", "return 1\n\n\ndef g():\n    pass", "return 1"),
    ("after an opener", "if x:‸\n", "\n    return\n", "\n    return"),
    ("a new line where the line is complete", "x = 1‸\n", "\ny = 2\nz = 3", "\ny = 2"),
    ("blanks are nothing", "x = 1‸\n", "  \n  ", None),
    ("nothing is nothing", "x = 1‸\n", "", None),
    ("the document's line ends", "if x:\r\n    ‸\r\n", "a()\n    b()", "a()\r\n    b()"),
    ("control tokens end the text", "x = ‸\n", "1[PREFIX]junk", "1"),
    ("the next line is not offered", "a()\n‸\nb()\n", "b()", None),
    ("trailing blanks go", "x = ‸\n", "1   ", "1"),
]


@pytest.mark.parametrize(("marked", "text", "want"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_shape(marked: str, text: str, want: str | None) -> None:
    assert shown(marked, text) == want


def test_a_line_cut_by_the_length_is_left_out() -> None:
    assert shown("def f():\n    ‸\n", "a()\n    b()\n    incompl", finished="length") == "a()\n    b()"
    assert shown("def f():\n    ‸\n", "incompl", finished="length") == "incompl"


@pytest.mark.parametrize(
    ("marked", "several"),
    [
        ("    ‸\n", True),
        ("if x:‸\n", True),
        ("x = 1‸\n", False),
        ("foo(‸)\n", False),
        ("f = {‸}\n", True),
        ("foo(‸\n", True),
        ("foo(‸, b)\n", False),
        ("‸", True),
    ],
)
def test_where_several_lines_are_wanted(marked: str, several: bool) -> None:
    assert wants_lines(split(marked), "auto") is several
    assert wants_lines(split(marked), "always")
    assert not wants_lines(split(marked), "never")


@pytest.mark.parametrize(
    ("marked", "text", "is_enough"),
    [
        ("x = ‸ + 1\n", "a", False),
        ("x = ‸ + 1\n", "a\n", True),
        ("x = 1‸\n", "\n", False),
        ("x = 1‸\n", "\ny\n", True),
        ("def f():\n    ‸\n", "a()\n", False),
        ("def f():\n    ‸\n", "a()\n\n", False),
        ("def f():\n    ‸\n", "a()\n\ndef g():", False),
        ("def f():\n    ‸\n", "a()\n\ndef g():\n", True),
        ("def f():\n    ‸\n", "a()\n\n    b()\n", False),
        ("def f():\n    if a:\n        b()\n    ‸\n", "else:\n        c()\nd()\n", True),
        ("f = {‸}\n", "\n  a: [1, 2],\n}\n", True),
        ("f = {‸}\n", "\n  a: '}',\n", False),
        ("x = ‸\n", "1<|endoftext|>", True),
        ("x = ‸\n", "```python\n1\n```", True),
        ("a()\n‸\nbcd()\nefg()\n", "x()\nbcd()\n", False),
        ("a()\n‸\nbcd()\nefg()\n", "x()\nbcd()\nefg()\n", True),
        ("a()\n‸\nbcd()\nefg()\n", "x()\nbcd()\nhij()\n", False),
    ],
)
def test_when_enough_has_come(marked: str, text: str, is_enough: bool) -> None:
    assert is_complete(context(marked), text, "auto") is is_enough


@pytest.mark.parametrize(
    ("marked", "text", "want", "replaced"),
    [
        ("f(‸)\n", "a) + 1", "a) + 1", 1),
        ("f(‸)\n", "a)", "a", 0),
        ("f(‸)\n", "g(a)", "g(a)", 0),
        ("f([‸])\n", "a]) + 1", "a]) + 1", 2),
        ("f(‸)\n", "a", "a", 0),
        ("f(‸, b)\n", "a) + 1", "a", 0),
    ],
)
def test_brackets_after_the_cursor_are_not_doubled(marked: str, text: str, want: str, replaced: int) -> None:
    suggestion = suggestion_from(context(marked), text, finished="stop", multiline="auto")
    assert suggestion is not None
    assert (suggestion.text, suggestion.replace) == (want, replaced)


def test_the_indentation_of_a_single_line_does_not_depend_on_further_lines() -> None:
    place = context("‸")
    assert is_complete(place, "\tx\n", "never")
    first = suggestion_from(place, "\tx\n", finished=None, multiline="never")
    assert suggestion_from(place, "\tx\ny", finished="stop", multiline="never") == first
