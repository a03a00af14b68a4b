"""Lines, brackets, strings and comments of a text."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.bracket_scan import comments_with_hashes, open_quote_of, reopened, scan, without_case_patterns


@pytest.mark.parametrize(
    ("text", "hash_comments", "closers", "openers"),
    [
        ("f(a)", True, (), ()),
        ("f(a", True, (), (1,)),
        ("a) + {", True, (1,), (5,)),
        ("'(' + \"[\"", True, (), ()),
        ("a # (\n(", True, (), (6,)),
        ("a // (\n(", False, (), (7,)),
        ("/* ( */ (", False, (), (8,)),
        ("x = /[(]/; (", False, (), (11,)),
        ("it\\'s (", False, (), (6,)),
        ('"""(\n(""" (', True, (), (10,)),
    ],
)
def test_brackets_that_nothing_matches(
    text: str, hash_comments: bool, closers: tuple[int, ...], openers: tuple[int, ...]
) -> None:
    for by_line in (True, False):
        found = scan(text, hash_comments=hash_comments, by_line=by_line)
        assert (found.closers, found.openers) == (closers, openers)


def test_lines() -> None:
    lines = scan('f(\n  "a"\n)\n"""\nb"""', hash_comments=True).lines
    assert [(line.start, line.end, line.within, line.in_literal) for line in lines] == [
        (0, 2, "", False),
        (3, 8, "(", False),
        (9, 10, "(", False),
        (11, 14, "", False),
        (15, 19, "", True),
    ]


def test_a_text_may_start_in_a_string() -> None:
    assert scan(')" + (', hash_comments=True, open_quote='"').openers == (5,)
    assert scan(")", hash_comments=True, open_quote='"').closers == ()


def test_a_bracket_that_is_closed_and_opened_again() -> None:
    text = "} else {\n}"
    assert reopened(text, 0) == 7
    assert reopened("} else", 0) == -1
    assert scan(text, hash_comments=False).closers == (0,)
    assert scan(text, hash_comments=False, reopening=True).closers == (9,)


def test_the_bracket_of_a_case_pattern_closes_nothing() -> None:
    assert without_case_patterns("  a|b) c ;;\n", "bash") == "  a|b  c ;;\n"
    assert without_case_patterns("  a|b) c ;;\n", "python") == "  a|b) c ;;\n"


@pytest.mark.parametrize(
    ("text", "hashes"),
    [("# a\n", True), ("if a:\n", True), ("import os\n", True), ("if (a) {\n", False), ("#include <a>\n", False)],
)
def test_how_comments_begin(text: str, hashes: bool) -> None:
    assert comments_with_hashes(text) is hashes


@pytest.mark.parametrize(
    ("line", "quote"),
    [
        ("f('", "'"),
        ("f('a')", ""),
        ('f("it', '"'),
        ("it's a", ""),
        ('"""a', '"""'),
        ('f("\\"', '"'),
        ("&'a str", ""),
        ('"\'" + a', ""),
    ],
)
def test_the_quote_that_is_open_at_the_end_of_a_line(line: str, quote: str) -> None:
    assert open_quote_of(line) == quote
