"""From what a model wrote to what is shown. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.postprocess import has_head, is_complete, shaped, suggestion_from
from tests.marked import context
from tests.suggest.cases import BODY, TOP, Cases, shown, shown_as_wanted

FORMS = [
    ("one line where code goes on", "x = f(‸)\n", "a, b)\ny = 2", "a, b"),
    ("no bracket twice", "foo(‸)", "bar)", "bar"),
    ("no quote twice", 'print("‸")', 'hi")', "hi"),
    ("what follows is not repeated", "a = ‸ + c\n", "b + c", "b"),
    ("a block on an empty line", "def f():\n    ‸\n", "x = 1\n    return x\n", "x = 1\n    return x"),
    ("a block ends at a blank line", "def f():\n    ‸\n", "return 1\n\n\ndef g():\n    pass", "return 1"),
    ("after an opener", "if x:‸\n", "\n    return\n", "\n    return"),
    ("a new line where the line is complete", "x = 1‸\n", "\ny = 2\nz = 3", "\ny = 2"),
    ("whitespace is nothing", "x = 1‸\n", "  \n  ", None),
    ("nothing is nothing", "x = 1‸\n", "", None),
    ("the document's line ends", "if x:\r\n    ‸\r\n", "a()\n    b()", "a()\r\n    b()"),
    ("control tokens end the text", "x = ‸\n", "1[PREFIX]junk", "1"),
    ("the next line is not offered", "a()\n‸\nb()\n", "b()", None),
    ("trailing whitespace is removed", "x = ‸\n", "1   ", "1"),
]


@pytest.mark.parametrize(("marked", "text", "want"), [case[1:] for case in FORMS], ids=[case[0] for case in FORMS])
def test_the_form_of_a_suggestion(marked: str, text: str, want: str | None) -> None:
    assert shown(marked, text) == want


@pytest.mark.parametrize(
    ("marked", "text", "complete"),
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
        ("foo(1)\nbar(2)\nx = ‸ + 1\n", "foo(1)\n", False),
        ("foo(1)\nbar(2)\nx = ‸ + 1\n", "foo(1)\nbar(2)\nx = a\n", True),
        ("a()\n‸\nbcd()\nefg()\n", "x()\nbcd()\n", False),
        ("a()\n‸\nbcd()\nefg()\n", "x()\nbcd()\nefg()\n", True),
        ("a()\n‸\nbcd()\nefg()\n", "x()\nbcd()\nhij()\n", False),
    ],
)
def test_when_no_more_text_is_needed(marked: str, text: str, complete: bool) -> None:
    assert is_complete(context(marked), text, "auto") is complete


@pytest.mark.parametrize(
    ("marked", "text", "head"),
    [
        ("x = ‸\n", "f(\n", True),
        ("x = ‸\n", "f(\r", True),
        ("x = ‸\n", "f(", False),
        ("x = ‸\n", "1\n", False),
        ("x = ‸ + 1\n", "f(\n", False),
        ("def f():\n    ‸\n", "if a:\n", False),
    ],
)
def test_the_first_line_of_a_block_is_shown_while_the_rest_is_still_arriving(
    marked: str, text: str, head: bool
) -> None:
    """Not what is complete as it is, or what is no more than a line."""
    assert has_head(context(marked), text, "auto") is head


def test_the_indentation_of_a_single_line_does_not_depend_on_further_lines() -> None:
    place = context("‸")
    assert is_complete(place, "\tx\n", "never")
    first = suggestion_from(place, "\tx\n", finished=None, multiline="never")
    assert suggestion_from(place, "\tx\ny", finished="stop", multiline="never") == first


CASES: Cases = {
    "without_stutter": [
        ("x = ‸\n", "foo, " + "bar baz, " * 20, "foo, bar baz"),
        ("x = ‸\n", "[" + "0, " * 19 + "0]", "[" + "0, " * 19 + "0]"),
        ("x = [\n    ‸\n", "0x00, " * 15 + "0x00,", "0x00, " * 15 + "0x00,"),
        ("x = [\n    ‸\n", "1,\n    2." + "3" * 40, "1,"),
        ("# ‸\n", "=" * 70, "=" * 70),
        ("# ‸\n", "=" * 700, None),
    ],
    "repeats_lines_below": [
        ("a()‸\nb()\n", "\nb()", None),
        ("a()‸\n\nb()\n", "\n\nb()", None),
        ("if (a) {\n  b();‸\n}\n", "\n}", None),
        ("if (a) {\n  if (b) {\n    c();\n  ‸\n}\n", "}", "}"),
    ],
}  # fmt: skip


test_what_is_shown = shown_as_wanted(CASES)


@pytest.mark.parametrize(
    ("reply", "finished", "want"),
    [
        ("a()\n    b()\n    incompl", "length", "a()\n    b()"),
        ("a()\n    b()\n    incompl", None, "a()\n    b()"),
        ("a()\n    b()\n    all", "stop", "a()\n    b()\n    all"),
        ("incompl", "length", "incompl"),
    ],
)
def test_whole_lines_of_a_reply_that_was_cut_off(reply: str, finished: str | None, want: str) -> None:
    assert shown(BODY, reply, finished=finished) == want


def test_after_accepting_the_rest_of_the_reply_comes_next() -> None:
    reply = "x = 1\ny = 2\n\nz = 3\n"
    first = suggestion_from(context(TOP), reply, finished="stop", multiline="auto")
    assert first is not None
    place = context(TOP.replace("‸", first.text + "‸"))
    second = suggestion_from(place, reply[len(first.text) :], finished="stop", multiline="auto")
    assert second is not None
    assert second.text == "\n\nz = 3"


@pytest.mark.parametrize(
    ("marked", "reply", "finished", "reasons"),
    [
        ("x = ‸\n", "1", "stop", []),
        ("x = 1‸\n", "  \n ", "stop", []),
        ("x = ‸\n", "1   ", "stop", []),
        ("a()\n‸\nb()\n", "b()", "stop", ["repeats the lines below"]),
        ("a = ‸ + c\n", "b + c", "stop", ["repeats the rest of the line"]),
        ("foo(‸)", "bar)", "stop", ["closes what is closed already"]),
        ("if (a) {\n    ‸\n}\n", "b();\n}\nint c;", "stop", ["closes what is closed already"]),
        ("def f():\n    ‸\n", "return 1\n\n\ndef g():", "stop", ["goes on after the block"]),
        ("def f():\n    ‸\n", "\n\ndef g():", "stop", ["belongs to an outer block"]),
        ("def f():\n    ‸\n", "a()\n    b(", "length", ["ends in the middle of a line"]),
        ("# ‸\n", "=" * 700, "stop", ["goes round in a loop"]),
        ("x = ‸\n", "1[PREFIX]y", "stop", ["contains control tokens"]),
        ("x = ‸\n", "<think>hm</think>1", "stop", ["begins with the model's thoughts"]),
        ("x = ‸\n", "```python\n1\n```", "stop", ["is in a Markdown fence"]),
        ("def f(a):\n    total = sum(‸\n", "total = sum(a)", "stop", ["repeats what is before the cursor"]),
        ("x = f(‸)\n", "a)\ny", "stop", ["goes on after the block", "closes what is closed already"]),
    ],
)
def test_what_is_wrong_with_a_reply_that_is_not_shown_as_a_whole(
    marked: str, reply: str, finished: str, reasons: list[str]
) -> None:
    assert list(shaped(context(marked), reply, finished=finished, multiline="auto").cut_by) == reasons
