"""How a reply meets the line before the cursor. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.prefix_join import (
    without_blank_lines,
    without_glue,
    without_last_word,
)
from tests.marked import context
from tests.suggest.cases import BODY, Cases, shown_as_wanted

CASES: Cases = {
    "without_first_break": [
        (BODY, "\nreturn 1", "return 1"),
        (BODY, "\n    return 1", "return 1"),
        ("x = ‸\n", "\n1", "1"),
        ("f(a, ‸)\n", "\n    b", "b"),
        ("x = 1‸\n", "\ny = 2", "\ny = 2"),
        ("a = 1\n\n‸", "\nb = 2", "b = 2"),
    ],
    "without_first_space": [
        ("x = ‸\n", " 1", "1"),
        ("x =‸\n", " 1", " 1"),
        ("foo‸\n", " = 1", " = 1"),
        (BODY, " return 1", "return 1"),
    ],
}  # fmt: skip


test_what_is_shown = shown_as_wanted(CASES)


def test_blank_lines_at_the_beginning_are_left_out() -> None:
    assert without_blank_lines("\n  \n    a\n\nb") == "    a\n\nb"
    assert without_blank_lines("  a") == "  a"


@pytest.mark.parametrize(
    ("marked", "text", "want"),
    [
        ("ret‸\n", "return 1", "urn 1"),
        ("return‸\n", "return 1", " 1"),
        ("return ‸\n", "return 1", "1"),
        ("return ‸\n", "returned", "returned"),
        ("i‸\n", "if a:", "if a:"),
        ("if‸\n", "iffy()", "iffy()"),
        ("# the ret‸\n", "return value", "urn value"),
        ("long ‸\n", "long a;", "long a;"),
    ],
)
def test_the_last_word_is_not_repeated(marked: str, text: str, want: str) -> None:
    assert without_last_word(context(marked, "python"), text) == want


@pytest.mark.parametrize(
    ("marked", "text", "want"),
    [
        ("f(x)‸\n", "return 1", ""),
        ("f(x)‸\n", "\nreturn 1", "\nreturn 1"),
        ("x = y‸\n", " + 1", " + 1"),
        ("f(x);‸\n", "g(y);", ""),
        ("f(‸\n", "import_name", "import_name"),
        ("# A sentence.‸\n", "import os", ""),
        ("# A sentence.‸\n", " Another one.", " Another one."),
    ],
)
def test_a_statement_is_not_glued_to_the_end_of_a_line(marked: str, text: str, want: str) -> None:
    assert without_glue(context(marked), text) == want
