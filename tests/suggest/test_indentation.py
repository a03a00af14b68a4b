"""A reply is indented as the file is, and as the cursor's line is. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.indentation import aligned_with_cursor, with_file_indentation
from tests.marked import context
from tests.suggest.cases import BODY, NESTED, TOP, Cases, shown_as_wanted

CASES: Cases = {
    "with_file_indentation": [
        ("func f() {\n\tg()\n\t‸\n}\n", "if a {\n        b()\n    }", "if a {\n\t\tb()\n\t}"),
        (BODY, "if a:\n\t\treturn 1", "if a:\n        return 1"),
    ],
    "aligned_with_cursor": [
        (BODY, "    x = 1\n    return x", "x = 1\n    return x"),
        (BODY, "    x = 1\n        return x", "x = 1\n    return x"),
        (NESTED.replace("    return a", "        b()"), "x = 1\ny = 2\n", "x = 1\n        y = 2"),
        (NESTED, "x = 1\nfoo()\n", "x = 1"),
        (NESTED, "    x = 1\n            foo()", "x = 1\n        foo()"),
        ("def f(a):\n    if a:\n    ‸\n", "    b()\n        c()", "    b()\n        c()"),
        ("def f(a):\n    b()\n  ‸\n", "  c()\n    d()", "  c()\n    d()"),
        (NESTED, "    if a: b()\n            else: foo()", "if a: b()\n        else: foo()"),
        ("void f() {\n  ‸\n}\n", "  int a;\n    /* b */\n    b();", "int a;\n  /* b */\n  b();"),
        ("def f(a):\n  ‸\n", "  x = 1\n    return x", "x = 1\n  return x"),
        ("def f(a):\n    ‸\n            b()\n", "while a:\n    if b:", "while a:\n        if b:"),
        ('def f():\n    """Reads.\n\n    ‸\n    """\n', "    It reads.\n    And writes.", "It reads.\n    And writes."),
        ("  /**\n   * a\n  ‸\n   */\n  x();\n", " * b\n   * c", " * b\n   * c"),
        (TOP, " x = 1\ny = 2", "x = 1\ny = 2"),
    ],
}  # fmt: skip


test_what_is_shown = shown_as_wanted(CASES)


@pytest.mark.parametrize(
    ("marked", "text", "want"),
    [
        ("if a:\n    ‸\n", "if b:\n\tc()", "if b:\n    c()"),
        ("if a {\n\tb()\n\t‸\n}\n", "if b {\n\t\tc()\n\t}", "if b {\n\t\tc()\n\t}"),
        ("if a {\n\tb()\n\t‸\n}\n", "if b {\n    c()\n  }", "if b {\n\t\tc()\n\t}"),
        ("if a:\n    b()\n‸\n", "if b:\n  c()", "if b:\n    c()"),
        ("if a:\n  b()\n‸\n", "if b:\n    c()", "if b:\n  c()"),
        ("x‸\n", " = 1", " = 1"),
    ],
)
def test_lines_have_the_unit_of_the_file(marked: str, text: str, want: str) -> None:
    assert with_file_indentation(context(marked), text) == want


INDENTED = "def f(a):\n    b()\n    ‸\n"
SHIFTS = {
    "one space too many": (INDENTED, "x = 1\n     y = 2", "x = 1\n    y = 2"),
    "item of list": ("- a\n  ‸\n", "1. b\n     c", "1. b\n     c"),
    "one level deeper": (NESTED, "    x = 1\n            y = 2", "x = 1\n        y = 2"),
    "indentation repeated": (INDENTED, "    x = 1\n        y = 2", "x = 1\n    y = 2"),
    "indentation repeated, in brackets": (
        INDENTED,
        "    x = f(\n            1,\n        )",
        "x = f(\n        1,\n    )",
    ),
    "meant as it is": (INDENTED, "x = a\n        .b()", "x = a\n        .b()"),
    "block from margin": (INDENTED, "if a:\n    c()", "if a:\n        c()"),
    "deeper without reason": ("void f() {\n  ‸\n}\n", "a();\n      b();", "a();\n  b();"),
    "from margin": ("def f(a):\n    ‸\n    c()\n", "x = 1\ny = 2", "x = 1\n    y = 2"),
}


@pytest.mark.parametrize(("marked", "text", "want"), SHIFTS.values(), ids=SHIFTS)
def test_lines_are_moved_with_the_first_one(marked: str, text: str, want: str) -> None:
    assert aligned_with_cursor(context(marked, "python" if ":" in marked else ""), text) == want
