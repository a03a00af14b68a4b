"""How a reply and the rest of the line fit together. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.postprocess import suggestion_from
from fim_lsp.suggest.suffix_join import covers, joined_to_suffix
from tests.marked import context


@pytest.mark.parametrize(
    ("marked", "reply", "want", "replaced"),
    [
        ("f(‸)\n", "a) + 1", "a) + 1", 1),
        ("f(‸)\n", "a)", "a", 0),
        ("f(‸)\n", "g(a)", "g(a)", 0),
        ("f(‸)\n", "a", "a", 0),
        ("f([‸])\n", "a]) + 1", "a]) + 1", 2),
        ("f(‸, c)\n", "a, b, c) + 1", "a, b, c) + 1", 4),
        ("g((a‸)\n", "b) + 1", "b) + 1", 0),
        ("f(‸, b)\n", "a) + 1", "a", 0),
        ("f = {‸};\n", "\n  a: 1\n};", "\n  a: 1\n", 0),
    ],
)
def test_which_characters_after_the_cursor_are_replaced(marked: str, reply: str, want: str, replaced: int) -> None:
    suggestion = suggestion_from(context(marked), reply, finished="stop", multiline="auto")
    assert suggestion is not None
    assert (suggestion.text, suggestion.replace) == (want, replaced)


JOINED = {
    "nothing after the cursor": ("f(‸\n", "a)", ("a)", 0)),
    "a bracket that a later line closes": ("f(‸\n\nb)\n", "a)", ("a", 0)),
    "nothing left": ("f(‸)\n", ")", ("", 0)),
    "a bracket that is there, before more of the line": ("f(‸, a)\n", ")", ("", 0)),
    "a string after the one that the cursor is in": ('print("‸")\n', 'a", "b"', ('a", "b', 0)),
    "a string that goes on": ('print("‸")\n', "a", ("a", 0)),
    "the arguments of a call that has some": ("x = f‸(a)\n", "oo(b)", ("oo", 0)),
    "the suffix with something before it": ("x = ‸foo\n", "a + foo", ("a + ", 0)),
}


@pytest.mark.parametrize(("marked", "text", "want"), JOINED.values(), ids=JOINED)
def test_what_is_inserted_and_replaced(marked: str, text: str, want: tuple[str, int]) -> None:
    assert joined_to_suffix(context(marked), text) == want


@pytest.mark.parametrize(
    ("marked", "text", "want"),
    [
        ("<div ‸></div>\n", 'class="a">', ('class="a"', 0)),
        ("<input ‸>\n", 'class="a">Hello', ('class="a">Hello', 1)),
        ("<a ‸>b</a>\n", 'href="c"', ('href="c"', 0)),
        ('<input ‸type="b">\n', 'class="a" type="b" id="c">', ('class="a" type="b" id="c">', 9)),
        ("<p ‸>Hello</p>\n", 'class="a">Bye', ('class="a"', 0)),
        ("<p>‸</p>\n", "Hello</p>", ("Hello", 0)),
        ("<p>‸</p>\n", "<b>Hello</b></p>", ("<b>Hello</b>", 0)),
    ],
)
def test_a_tag_is_closed_once(marked: str, text: str, want: tuple[str, int]) -> None:
    assert joined_to_suffix(context(marked, "html"), text) == want


@pytest.mark.parametrize(
    ("suffix", "text", "all_of_it"),
    [("(a, b)", "(a, c, b)", True), ("(a, b)", "(a)", False), ("a b", "a c b", False), ("(a)", "", False)],
)
def test_whether_a_text_contains_the_whole_suffix(suffix: str, text: str, all_of_it: bool) -> None:
    assert covers(suffix, text) is all_of_it
