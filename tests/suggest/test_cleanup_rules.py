"""Each habit of models, and what is shown in spite of it. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.overlap import drawable
from fim_lsp.suggest.postprocess import is_complete, suggestion_from
from tests.marked import context

BODY = "def f(a):\n    ‸\n"
NESTED = "def f(a):\n    if a:\n        ‸\n    return a\n"
TOP = "import os\n\n‸\n"

CASES = {
    "ends_at_tokens": [
        (BODY, "return 1<|endoftext|>import x", "return 1"),
        (BODY, "return 1</s>", "return 1"),
        (BODY, "<fim_middle>return 1<fim_suffix>", "return 1"),
        (BODY, "return 1<｜fim▁end｜>", "return 1"),
        (BODY, "return 1 <EOT>", "return 1"),
        ('x = "</s>"\ny = ‸\n', '"</s>"', '"</s>"'),
        (BODY, "[PREFIX]", None),
    ],
    "ends_at_headers": [
        (BODY, "return 1\n+++++ src/b.py\nimport os", "return 1"),
        (TOP, "+++++ src/b.py\nx = 1", "x = 1"),
    ],
    "without_invisibles": [
        (BODY, "return 1 # \u200bx\ufeff", "return 1 # x"),
        (BODY, "return '👩\u200d👧'", "return '👩\u200d👧'"),
        ("# \u200b\nx = ‸\n", "'\u200b'", "'\u200b'"),
        (BODY, "return\0 \x1b[31m1\x1b[0m", "return 1"),
    ],
    "before_garbled": [
        (BODY, "a = 1\n    return a \u202e# \u2066b", "a = 1"),
        (BODY, "return '\u202e'", None),
        (BODY, "return 'caf\ufffd'", None),
        ("# \u2066a\u2069\nx = ‸\n", "'\u2066b\u2069'", "'\u2066b\u2069'"),
    ],
    "without_talk": [
        (BODY, "Here is the missing code:\n\n```python\nreturn 1\n```\nIt returns 1.", "return 1"),
        (BODY, "Sure! Here you go:\n", None),
        ('def f():\n    """\n    ‸\n    """\n', "Here is the text:\n\n```\nReads.\n```", "Reads."),
        (BODY, "I\u2019m sorry, but I can\u2019t do that.", None),
        ("x = f(1);\n‸\n", "I = eye(3)", "I = eye(3)"),
        ("enum A {\n  ‸\n};\n", "Okay(u8),", "Okay(u8),"),
        ("x = 1;\n// ‸\n", "This function reads a file.", "This function reads a file."),
        ("Some words.\n\n‸\n", "Here is a list:\n", "Here is a list:"),
    ],
    "without_fence": [
        (BODY, "```python\nreturn 1\n```\n", "return 1"),
        (BODY, "return 1\n```\nThat's it.", "return 1"),
        (BODY, "```py", None),
        ("```sh\nls\n```\n\n‸\n", "```sh\ncd\n```", "```sh\ncd\n```"),
    ],
    "without_schema": [
        ("{\n  ‸\n}\n", '"$schema": "https://a.example/s.json",\n  "a": 1', '"a": 1'),
        ("{\n  ‸\n}\n", '"a": 1,\n  "$schema": "https://a.example/s.json"', '"a": 1,'),
        ('{\n  "$schema": "‸"\n}\n', "https://a.example/s.json", None),
        ("‸\n", "# yaml-language-server: $schema=https://a.example/s\na: 1\n", "a: 1"),
        ('{\n  "b": "https://a.example/s",\n  ‸\n}\n', '"$schema": "https://a.example/s"', '"$schema": "https://a.example/s"'),
    ],
    "without_echo": [
        ("def f(a):\n    total = sum(‸\n", "total = sum(a)", "a)"),
        (BODY, "def f(a):\n    return a", "return a"),
        ("x = load(1)\n‸\n", "x = load(1)", None),
        ("    }\n    ‸\n}\n", "}", None),
        ("a = ‸\n", "a", "a"),
        ("def f(a):\n    bc = a\n    ‸\n", "def f(a):\n    bc = a\n    return bc", "return bc"),
        ("def f(a):\n    bc = a\n    ‸\n", "bc = a\n    bc = a\n    return bc", "return bc"),
        ("if (a) {\n} else {\n  ‸\n}\n", "} else {\n  bc();", "bc();"),
        ("load(1)\nx = ‸\n", "load(1)\nx = 2", "2"),
        ("if a\n  if b\n    c\n  end\n  ‸\n", "end\nend", "end\nend"),
    ],
    "without_first_break": [
        (BODY, "\nreturn 1", "return 1"),
        (BODY, "\n    return 1", "return 1"),
        ("x = ‸\n", "\n1", "1"),
        ("f(a, ‸)\n", "\n    b", "b"),
        ("x = 1‸\n", "\ny = 2", "\ny = 2"),
        ("a = 1\n\n‸", "\nb = 2", "b = 2"),
    ],
    "without_first_blank": [
        ("x = ‸\n", " 1", "1"),
        ("x =‸\n", " 1", " 1"),
        ("foo‸\n", " = 1", " = 1"),
        (BODY, " return 1", "return 1"),
    ],
    "with_own_indentation": [
        ("func f() {\n\tg()\n\t‸\n}\n", "if a {\n        b()\n    }", "if a {\n\t\tb()\n\t}"),
        (BODY, "if a:\n\t\treturn 1", "if a:\n        return 1"),
    ],
    "at_the_cursor": [
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
    ],
    "reaches_suffix": [
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
    ],
    "hands_over": [("def f(a):\n    ‸\n        return 1\n", "if a:\n    b()\n", "if a:")],
    "starts_anew": [
        (BODY, "a()\n\n    b()\n\n\ndef g():\n    pass\n", "a()\n\n    b()"),
        (TOP, "x = 1\ny = 2\n\nz = 3\n", "x = 1\ny = 2"),
        (TOP, 'x = """\n\na\n"""\ny = 2\n', 'x = """\n\na\n"""\ny = 2'),
    ],
    "repeats": [
        (BODY, "foo(a)\n" + "    foo(b)\n    bar(b)\n" * 9, "foo(a)\n    foo(b)\n    bar(b)"),
        (BODY, "abc(1)\n" + "    abc(1)\n" * 9, "abc(1)"),
        ("x = ‸\n", "foo, " + "bar baz, " * 20, "foo, bar baz"),
        ("x = ‸\n", "[" + "0, " * 19 + "0]", "[" + "0, " * 19 + "0]"),
        ("x = [\n    ‸\n", "0x00, " * 15 + "0x00,", "0x00, " * 15 + "0x00,"),
        ("# ‸\n", "=" * 70, "=" * 70),
        ("# ‸\n", "=" * 700, None),
    ],
    "repeated": [
        ("a()‸\nb()\n", "\nb()", None),
        ("a()‸\n\nb()\n", "\n\nb()", None),
        ("if (a) {\n  b();‸\n}\n", "\n}", None),
        ("if (a) {\n  if (b) {\n    c();\n  ‸\n}\n", "}", "}"),
    ],
    "without_overlap": [
        ("foo(‸, c)\n", "a, b, c)", "a, b"),
        ("foo(‸, c)\n", "a, b", "a, b"),
        ("foo(‸)\n", "g(a)", "g(a)"),
        ('print("‸")\n', 'hi")', "hi"),
        ("va‸e\n", "lue", "lu"),
        ("char gr‸];\n", "oup[8];", "oup[8"),
        ("x = [a, ‸];\n", "b];", "b"),
        ("if (a) ‸ {\n", "&& b {", "&& b"),
        ("{\n  x: '‸',\n}\n", "a',", "a"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("marked", "reply", "want"),
    [pytest.param(*case, id=f"{rule}-{number}") for rule, cases in CASES.items() for number, case in enumerate(cases)],
)
def test_what_is_shown(marked: str, reply: str, want: str | None) -> None:
    suggestion = suggestion_from(context(marked), reply, finished="stop", multiline="auto")
    assert (suggestion.text if suggestion else None) == want


@pytest.mark.parametrize(
    ("marked", "reply", "want"),
    [pytest.param(*case, id=f"{rule}-{number}") for rule, cases in CASES.items() for number, case in enumerate(cases)],
)
def test_a_stream_comes_to_the_same(marked: str, reply: str, want: str | None) -> None:
    place = context(marked)
    for end in range(len(reply)):
        if is_complete(place, reply[:end], "auto"):
            suggestion = suggestion_from(place, reply[:end], finished=None, multiline="auto")
            assert (suggestion.text if suggestion else None) == want
            return


@pytest.mark.parametrize(
    ("marked", "reply", "want", "replaced"),
    [
        ("f(‸)\n", "a) + 1", "a) + 1", 1),
        ("f([‸])\n", "a]) + 1", "a]) + 1", 2),
        ("f(‸, c)\n", "a, b, c) + 1", "a, b, c) + 1", 4),
        ("g((a‸)\n", "b) + 1", "b) + 1", 0),
        ("f(‸, b)\n", "a) + 1", "a", 0),
        ("f = {‸};\n", "\n  a: 1\n};", "\n  a: 1\n", 0),
    ],
)
def test_what_gives_way(marked: str, reply: str, want: str, replaced: int) -> None:
    suggestion = suggestion_from(context(marked), reply, finished="stop", multiline="auto")
    assert suggestion is not None
    assert (suggestion.text, suggestion.replace) == (want, replaced)


@pytest.mark.parametrize(
    ("behind", "text", "can"),
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
def test_what_editors_can_draw(behind: str, text: str, can: bool) -> None:
    assert drawable(behind, text) is can


@pytest.mark.parametrize(
    ("reply", "finished", "want"),
    [
        ("a()\n    b()\n    incompl", "length", "a()\n    b()"),
        ("a()\n    b()\n    incompl", None, "a()\n    b()"),
        ("a()\n    b()\n    all", "stop", "a()\n    b()\n    all"),
        ("incompl", "length", "incompl"),
    ],
)
def test_whole_lines_of_what_was_cut(reply: str, finished: str | None, want: str) -> None:
    suggestion = suggestion_from(context(BODY), reply, finished=finished, multiline="auto")
    assert suggestion is not None
    assert suggestion.text == want


def test_after_an_accept_the_rest_is_the_next_piece() -> None:
    reply = "x = 1\ny = 2\n\nz = 3\n"
    first = suggestion_from(context(TOP), reply, finished="stop", multiline="auto")
    assert first is not None
    place = context(TOP.replace("‸", first.text + "‸"))
    second = suggestion_from(place, reply[len(first.text) :], finished="stop", multiline="auto")
    assert second is not None
    assert second.text == "\n\nz = 3"
