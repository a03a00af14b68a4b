"""Where a suggestion ends. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.block_end import End, end_of, end_of_block, end_of_line, end_of_passage, with_one_line_end
from fim_lsp.suggest.cursor_context import Extent
from tests.marked import context


def before(text: str, marker: str = "¦") -> tuple[str, int]:
    """The text without ``¦``, and where that was."""
    return text.replace(marker, "", 1), text.index(marker)


@pytest.mark.parametrize(("marked", "sure"), [("a¦", False), ("a¦\n", True), ("\na¦\nb", True), ("\n¦", False)])
def test_the_end_of_a_line(marked: str, sure: bool) -> None:
    text, at = before(marked)
    assert end_of_line(text) == End(at=at, sure=sure)


@pytest.mark.parametrize(
    ("document", "marked", "sure"),
    [
        ("‸\n", "Some words,\nand more.¦\n\nAnother.", True),
        ("‸\n", "Some words¦", False),
        ("‸\n", "# A heading\n\nSome words.¦\n\nAnother.", True),
        ("‸\n", "```\na\n\nb\n```¦\n\nWords.", True),
        ("‸\nThe line below.\n", "Some words.¦\nThe line below.\n", True),
    ],
)
def test_the_end_of_a_passage(document: str, marked: str, sure: bool) -> None:
    text, at = before(marked)
    assert end_of_passage(context(document, "markdown"), text) == End(at=at, sure=sure)


@pytest.mark.parametrize(
    ("document", "marked", "sure"),
    [
        ("def f():\n    ‸\n", "a()\n    b()\n¦", False),
        ("def f():\n    ‸\n", "a()\n    b()¦\nc()\n", True),
        ("def f():\n    ‸\n", "a()\n    b()\nc()¦", False),
        ("if (a) {\n  ‸\n}\n", "b();¦\n}\n", True),
        ("if (a) {\n  ‸\n}\n", "b();\n} x¦", False),
        ("if (a) {\n  ‸\n}\n", "b();\n} else {\n  c();\n¦", False),
        ("a()\n‸\nbcd()\nefg()\n", "x()\n¦bcd()\n", False),
    ],
)
def test_the_end_of_a_block(document: str, marked: str, sure: bool) -> None:
    text, at = before(marked)
    assert end_of_block(context(document), text) == End(at=at, sure=sure)


@pytest.mark.parametrize(
    ("document", "marked", "sure"),
    [
        ("x = ‸\n", "1¦\ny = 2\n", True),
        ("x = ‸\n", "f(\n    1,\n)¦\ny = 2\n", True),
        ("x = ‸\n", "f(\n    1,\n¦", False),
        ("x = f(‸)\n", "1)¦\ny = 2\n", True),
    ],
)
def test_the_end_of_a_statement(document: str, marked: str, sure: bool) -> None:
    text, at = before(marked)
    assert end_of_block(context(document), text, statement=True) == End(at=at, sure=sure)


def test_the_last_line_of_a_complete_reply_is_complete() -> None:
    here = context("if (a) {\n  ‸\n}\n")
    assert end_of(here, "b();\n}", Extent.BLOCK, is_final=True) == End(at=4, sure=True)
    assert end_of(here, "b();", Extent.BLOCK, is_final=True) == End(at=4, sure=True)


def test_the_extent_and_the_place_decide_what_is_ended() -> None:
    reply = "a\nb\n\nc\n"
    assert end_of(context("‸"), reply, Extent.LINE, is_final=False).at == 1
    assert end_of(context("# ‸"), reply, Extent.BLOCK, is_final=False).at == 1
    assert end_of(context("‸", "markdown"), reply, Extent.BLOCK, is_final=False).at == 3


@pytest.mark.parametrize(
    ("text", "want"), [("a", "a"), ("a\n\n", "a\n"), ("a \n  \n", "a \n  "), ("a  ", "a  "), ("\n\n", "\n")]
)
def test_one_line_end_is_kept(text: str, want: str) -> None:
    assert with_one_line_end(text) == want
