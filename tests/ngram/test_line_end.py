"""Nothing is offered at complete lines; open brackets and strings indicate that a line isn't complete."""

import pytest

from fim_lsp.ngram.line_end import OpenBrackets, probability_of_end
from tests.ngram.marked import CURSOR, ask, text_of

CALLS = """\
first = check(parts(settings))
second = check(parts(settings))
if tokens and not spaced: bool = 1
if tokens and not space: bool = 1
from lines import origin_of, Edit
from lines import origin_of, Edit
size: int = 5_000_000
size: int = 5_000_000
other = parts(settings)
third = parts(settings)
from words import origin_of
from parts import origin_of
"""


@pytest.mark.parametrize(
    "line",
    [
        "return self.made_from == parts(settings)‸",
        "from x import origin_of‸",
        "files: int = 5_000‸",
        "other = parts(settings)‸",
        "third = parts(settings)‸\n\nnothing_known_here()",
    ],
)
def test_nothing_is_offered_after_a_complete_line(line: str) -> None:
    offered = text_of(ask(CALLS + line + "\n"))
    assert not offered or offered.startswith("\n")


def test_open_brackets_are_closed() -> None:
    assert text_of(ask(CALLS + "fourth = check(parts(settings‸\n", lines=1)) == "))"


@pytest.mark.parametrize(
    ("text", "balanced", "quoted"),
    [
        ("f(a)", True, False),
        ("f(a", False, False),
        ("f(a[1])", True, False),
        ('f("(")', True, False),
        ('x = "abc', False, True),
        (r'x = "a\"b', False, True),
        (r'x = "a\\"', True, False),
        ("# they don't", True, False),
        ("x = b'y", False, True),
        ('"""Text', True, False),
        (")", True, False),
    ],
)
def test_open_brackets_and_quotes(text: str, balanced: bool, quoted: bool) -> None:
    brackets = OpenBrackets()
    brackets.read(text)
    assert (brackets.balanced, brackets.quoted) == (balanced, quoted)


def test_brackets_of_lines_above_may_be_closed() -> None:
    brackets = OpenBrackets(["f(", "  a,"])
    brackets.read("  b")
    assert brackets.balanced
    assert not brackets.unopened(")")
    assert brackets.unopened("]")
    brackets.read(")")
    assert brackets.balanced
    assert brackets.unopened(")")


def test_the_end_is_likelier_where_nothing_is_open() -> None:
    chances = []
    for text in ("f(a)", "f(a", 'f("a'):
        brackets = OpenBrackets()
        brackets.read(text)
        values = [probability_of_end(step / 20, brackets) for step in range(21)]
        assert values == sorted(values)
        chances.append(values[10])
    assert chances == sorted(chances, reverse=True)


KEYWORDS = "".join(f'    from {name} import {name}_{name}\n    def {name}():\n        """\n' for name in "abcdefghij")


@pytest.mark.parametrize("line", ["‸", "    ‸", "        ‸"])
def test_an_empty_line_gets_no_lone_keyword(line: str) -> None:
    offered = text_of(ask(KEYWORDS + line + "\n")).strip()
    assert not offered or (len(offered) >= 8 and not offered.isalnum())


def test_an_empty_line_gets_a_whole_line() -> None:
    block = "    value = compute(first)\n    return value\n\n"
    assert text_of(ask(block * 6 + f"    value = compute(first)\n    {CURSOR}\n", lines=1)) == "return value"
