"""What models repeat or should not write, and what is shown in spite of it. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.cleanup_rules import has_ended, may_be_echo, unless_outdented
from tests.marked import context
from tests.suggest.cases import BODY, NESTED, TOP, Cases, shown_as_wanted

CASES: Cases = {
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
}  # fmt: skip


test_what_is_shown = shown_as_wanted(CASES)


@pytest.mark.parametrize(
    ("marked", "text", "want"),
    [
        (NESTED, "\n    b()", ""),
        (NESTED, "\n        b()", "\n        b()"),
        (NESTED, "b()", "b()"),
        ("if a:\n    ‸\n", "\nelse:\n    b()", ""),
        ("if a:\n    ‸\n", "\ndef g():", ""),
        ("if (a) {\n  ‸\n", "\n}", "\n}"),
    ],
)
def test_nothing_is_shown_that_belongs_to_an_outer_block(marked: str, text: str, want: str) -> None:
    assert unless_outdented(context(marked), text) == want


@pytest.mark.parametrize(
    ("text", "may_be"),
    [("import os", True), ("imp", True), ("import sys", False), ("import os\nx", False), ("", False)],
)
def test_what_may_become_an_echo_of_the_lines_above(text: str, may_be: bool) -> None:
    assert may_be_echo(context(TOP), text) is may_be


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("return 1<|endoftext|>", True),
        ("```python\nreturn 1\n```", True),
        ("return 1\n+++++ b.py\n", True),
        ("return 1\n", False),
        ("```python\nreturn 1", False),
    ],
)
def test_when_further_text_does_not_belong_to_a_reply(text: str, ended: bool) -> None:
    assert has_ended(context(BODY), text) is ended
