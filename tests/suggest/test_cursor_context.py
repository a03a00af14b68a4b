"""What the text around the cursor shows. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.cursor_context import Extent, extent_of, wants_lines
from tests.marked import context, split


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
    ("marked", "language", "extent"),
    [
        ("    ‸\n", "", Extent.BLOCK),
        ("if x:‸\n", "", Extent.BLOCK),
        ("x = 1‸\n", "", Extent.STATEMENT),
        ("f(‸)\n", "", Extent.STATEMENT),
        ("f(‸, b)\n", "", Extent.LINE),
        ("    ‸x = 1\n", "", Extent.LINE),
        ("‸x = 1\n", "", Extent.BLOCK),
        ("Some words‸\n", "markdown", Extent.LINE),
    ],
)
def test_how_much_may_be_shown(marked: str, language: str, extent: Extent) -> None:
    assert extent_of(split(marked), "auto", language) is extent


def test_the_lines_around_the_cursor_are_those_that_are_not_blank() -> None:
    here = context("class A:\n    def f(self):\n\n        ‸\n\n    def g(self):\n")
    assert here.lines_above == ("class A:", "    def f(self):")
    assert here.enclosing_lines == ("    def f(self):", "class A:")
    assert here.lines_below == ("    def g(self):",)
    assert context("a\n    ‸b\nc\n").lines_below == ("    b", "c")


@pytest.mark.parametrize(
    ("marked", "missing_closers", "missing_openers", "closed_by_suffix"),
    [
        ("f(‸", 1, 0, 0),
        ("f(‸)", 0, 0, 1),
        ("f(‸))", 0, 1, 2),
        ("f({‸)", 1, 1, 1),
        ("if (a) {\n  ‸\n}\n", 0, 0, 0),
        ("if (a) {\n  if (b) {\n    ‸\n}\n", 1, 0, 0),
        ('f(")‸")', 0, 0, 1),
    ],
)
def test_how_brackets_match(marked: str, missing_closers: int, missing_openers: int, closed_by_suffix: int) -> None:
    found = context(marked).brackets
    assert (found.missing_closers, found.missing_openers) == (missing_closers, missing_openers)
    assert found.closed_by_suffix == closed_by_suffix
    assert found.any


@pytest.mark.parametrize(
    ("text", "unit", "is_measured"),
    [
        ("if a:\n  b\n", "  ", True),
        ("if a:\n    b\n", "    ", True),
        ("if a {\n\tb\n}\n", "\t", True),
        ("a\n  b\n", "  ", False),
        ("a\n", "    ", False),
    ],
)
def test_the_indentation_of_the_file(text: str, unit: str, is_measured: bool) -> None:
    found = context(text + "‸").indent
    assert (found.unit, found.is_measured) == (unit, is_measured)


@pytest.mark.parametrize(
    ("marked", "quote"),
    [("f('‸", "'"), ('f("a‸")', '"'), ("x = 1‸", ""), ('"""\n‸\n"""', '"""'), ("# it's ‸", "")],
)
def test_the_quote_that_is_open(marked: str, quote: str) -> None:
    assert context(marked).open_quote == quote


def test_a_long_string_that_nothing_ends() -> None:
    assert context('"""\n‸\n').string_runs_on
    assert not context('"""\n‸\n"""\n').string_runs_on


@pytest.mark.parametrize(
    ("marked", "in_prose"),
    [("# ‸", True), ("x = 1  # ‸", True), ("f('‸')", True), ("x = ‸", False), ("// ‸", True)],
)
def test_where_sentences_may_follow(marked: str, in_prose: bool) -> None:
    assert context(marked).in_prose is in_prose


def test_what_the_language_says() -> None:
    assert context("‸", "markdown").is_text_document
    assert context("‸", "html").may_have_tags
    assert not context("‸", "python").may_have_tags
    assert context("‸", "python").hash_comments
    assert not context("‸", "go").hash_comments


def test_the_line_before_the_cursor_opens_a_block() -> None:
    assert context("if a:\n    ‸").follows_opener
    assert context("if a:‸").follows_opener
    assert not context("a\n‸").follows_opener
