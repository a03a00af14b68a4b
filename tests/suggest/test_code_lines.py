"""What a single line of code looks like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fim_lsp.suggest.code_lines import (
    begins_worded_block,
    closes,
    closes_block_of,
    comment_at,
    defines,
    indentation,
    opens,
    width,
)


@pytest.mark.parametrize(
    ("line", "whitespace", "columns"),
    [("x", "", 0), ("    x", "    ", 4), ("\tx", "\t", 4), ("  \tx", "  \t", 4), ("\t  x", "\t  ", 6), ("  ", "  ", 2)],
)
def test_how_far_a_line_is_indented(line: str, whitespace: str, columns: int) -> None:
    assert indentation(line) == whitespace
    assert width(line) == columns


YES_AND_NO: list[tuple[Callable[[str], bool], str, str]] = [
    (opens, "if a:|f(|x = {|() =>|loop do|if a:  # why|else", "f()|x = 1|a: b|undo"),
    (closes, ")|  }|]);|end|  fi|done", "f()|ending|x }"),
    (
        defines,
        "def f():|  class A|pub fn f()|@decorated|import os|export const a|#include <a>",
        "f()|x = 1|define(a)|imported",
    ),
]


@pytest.mark.parametrize(("rule", "yes", "no"), YES_AND_NO, ids=[row[0].__name__ for row in YES_AND_NO])
def test_what_a_line_does(rule: Callable[[str], bool], yes: str, no: str) -> None:
    assert [line for line in yes.split("|") if not rule(line)] == []
    assert [line for line in no.split("|") if rule(line)] == []


@pytest.mark.parametrize(
    ("line", "at"),
    [("x = 1  # a", 6), ("# a", 0), ("f(); // a", 4), ("x = '#'", None), ("x = 1", None), ("#[derive(A)]", None)],
)
def test_where_a_comment_begins(line: str, at: int | None) -> None:
    assert comment_at(line) == at


def test_blocks_that_a_word_ends() -> None:
    assert begins_worded_block("ruby", "  if a")
    assert not begins_worded_block("ruby", "if a then b end")
    assert not begins_worded_block("python", "if a")


@pytest.mark.parametrize(
    ("lines", "end", "closed"),
    [
        (["if a", "  b"], "end", True),
        (["if a", "  b", "end"], "end", False),
        (["a = 1"], "end", False),
        (["<p>", "  a"], "</p>", True),
        (["<p>a</p>"], "</p>", False),
        (["  if a", "    b"], "end", False),
    ],
)
def test_whether_an_end_belongs_to_one_of_the_lines_above(lines: list[str], end: str, closed: bool) -> None:
    assert closes_block_of(lines, end) is closed
