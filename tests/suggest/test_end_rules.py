"""Why a block or a statement ends before a line. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.end_rules import MAX_LINES, continues_block, loop_start, waits_for_brace
from tests.marked import context
from tests.suggest.cases import BODY, NESTED, TOP, Cases, shown, shown_as_wanted

BELOW = "def f(a):\n    for x in a:\n        ‸\n        b(x)\n"

CASES: Cases = {
    "repeats_lines_below": [
        ("a()\n‸\nbcd()\nefg()\n", "x()\nbcd()\nefg()\nmore()\n", "x()"),
        ("a()\n‸\nbcd()\nefg()\n", "x()\nbcd()\nother()\n", "x()\nbcd()\nother()"),
        ("a()\n‸\nbcd()\nefg()\n", "x()\nbc", "x()\nbc"),
        ("a()\n‸\nbcd()\nefg()\n", "x()\nbcd", "x()"),
    ],
    "leaves_block": [
        (NESTED, "b()\n    c()\nd()\n", "b()\n    c()"),
        (BODY, "if a:\n        b()\n    else:\n        c()\nd()\n", "if a:\n        b()\n    else:\n        c()"),
        ("if a:\n    b()\n    ‸\n", "c()\nelse:\n    d()\ne()\n", "c()\nelse:\n    d()"),
        ("with a:\n    ‸\n", "c()\nexcept E:\n    d()\n", "c()"),
        ("void f() {\n  ‸\n}\n", "a();\n}\n\nvoid g() {\n", "a();"),
        ("if (a) {\n  ‸\n}\n", "b();\n} else {\n  c();\n", "b();\n} else {\n  c();"),
        ("x = [\n    ‸\n", "1,\n    2,\n]\ny = 1\n", "1,\n    2,\n]"),
        ("f(() => {\n  ‸\n});\n", 'a.b(/"([^"]+)/g, "");\n  c();\n});\n', 'a.b(/"([^"]+)/g, "");\n  c();'),
        (BELOW, "c(x)\n    for y in a:\n        b(x)\n", "c(x)\n    for y in a:"),
        (BELOW, "c(x)\n    for y in a:\n", "c(x)\n    for y in a:"),
        (
            "class A:\n    def f(self):\n        if a:\n            ‸\n            b()\n",
            "c()\n    def g(self):\n        if a:\n            b()\n",
            "c()\n    def g(self):\n        if a:",
        ),
    ],
    "opens_block_below": [("def f(a):\n    ‸\n        return 1\n", "if a:\n    b()\n", "if a:")],
    "starts_definition": [
        (BODY, "a()\n\n    b()\n\n\ndef g():\n    pass\n", "a()\n\n    b()"),
        (TOP, "x = 1\ny = 2\n\nz = 3\n", "x = 1\ny = 2"),
        (TOP, 'x = """\n\na\n"""\ny = 2\n', 'x = """\n\na\n"""\ny = 2'),
    ],
    "completes_statement": [
        ("x = ‸\n", "[\n    1,\n]\ny = 2\n", "[\n    1,\n]"),
        ("x = ‸\n", "a + \\\n    b\ny = 2\n", "a + \\\n    b"),
        ("if a:\n    x = ‸\n", "f(\n        1,\n    )\ny = 2\n", "f(\n        1,\n    )"),
        ("x = 1‸\n", "\nif a:\n    b()\nelse:\n    c()\nd()\n", "\nif a:\n    b()\nelse:\n    c()"),
        ("f(g(‸))\n", "a)\n) + 1\nb()\n", "a)\n) + 1"),
        ("const f = ‸\n", "() => {\n  a();\n};\ng();\n", "() => {\n  a();\n};"),
    ],
    "leaves_last_block": [("if (a) {\n  ‸", "b();\n}\nc();\n", "b();\n}")],
    "loops": [
        (BODY, "foo(a)\n" + "    foo(b)\n    bar(b)\n" * 9, "foo(a)\n    foo(b)\n    bar(b)"),
        (BODY, "abc(1)\n" + "    abc(1)\n" * 9, "abc(1)"),
    ],
}  # fmt: skip


test_what_is_shown = shown_as_wanted(CASES)


def test_no_more_lines_are_shown_than_fit_on_a_screen() -> None:
    reply = "".join(f"    call({number})\n" for number in range(2 * MAX_LINES)).lstrip()
    assert (shown(BODY, reply) or "").count("\n") == MAX_LINES - 1


@pytest.mark.parametrize(
    ("marked", "line", "columns", "continues"),
    [
        ("if a:\n    b()\n    ‸\n", "else:", 0, True),
        ("if a:\n    b()\n    ‸\n", "except E:", 0, False),
        ("try:\n    b()\n    ‸\n", "except E:", 0, True),
        ("if a:\n    b()\n    ‸\n", "c()", 0, False),
    ],
)
def test_a_line_that_continues_a_block_around_the_cursor(marked: str, line: str, columns: int, continues: bool) -> None:
    assert continues_block(context(marked), line, columns) is continues


@pytest.mark.parametrize(
    ("language", "head", "waits"),
    [
        ("csharp", "void F(int a)", True),
        ("c", "if (a)", True),
        ("c", "int a = f(b);", False),
        ("python", "if (a)", False),
        ("java", "class A extends B", True),
    ],
)
def test_a_head_whose_brace_may_be_on_the_next_line(language: str, head: str, waits: bool) -> None:
    assert waits_for_brace(context("‸", language), head) is waits


@pytest.mark.parametrize(
    ("lines", "start"),
    [
        (["abc"] * 3, None),
        (["abc"] * 4, 1),
        (["abc", "def"] * 3, 2),
        (["x", *["abc", "def"] * 3], 3),
        (["0,"] * 9, None),
        ([*(f"abc{number}" for number in range(23)), "abc22"], None),
        ([], None),
    ],
)
def test_where_a_loop_starts(lines: list[str], start: int | None) -> None:
    assert loop_start(lines) == start
