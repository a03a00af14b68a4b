"""What holds for every reply at every cursor: nothing is invented, none of the user's text is lost."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fim_lsp.suggest.cursor_context import CursorContext
from fim_lsp.suggest.overlap import drawable
from fim_lsp.suggest.postprocess import Multiline, is_complete, shaped, suggestion_from
from fim_lsp.suggest.suggestion import Suggestion
from tests.marked import context

LINES = [
    "if a:", "else:", "foo(a, b)", "foo(", ")", "}", "x = {", "} else {", "return x;", "", "def f():", "'it', \"is\"", "# it's",
    "// a", "```", "```py", "<|fim_middle|>", "+++++ a.py", "Here is the code:", '"""', "/* a", "*/", "a", "case 1:", "x,", "[",
    "<think>", "</think>", "[/THINK]", "<a b='c'>", "</a>", "<br/>", "end", "return x", "y = f(1)", "f(a); g(b);",
    "x: 'y'", "## A", "(+ a b)",
]  # fmt: skip
WHITESPACE = st.sampled_from(["", "", "    ", "        ", "\t", "  ", " "])
CODE = st.lists(st.builds(str.__add__, WHITESPACE, st.sampled_from(LINES)), max_size=9).map("\n".join)
NOISE = st.text(alphabet="ab(){}[]:\"'` \n\t.,=;#/<|>\u200b\u202e\u200d👍é", max_size=40)
TEXT = st.one_of(CODE, NOISE, st.builds(str.__add__, CODE, NOISE))
ENDS = st.sampled_from(["\n", "\r\n"])
PLACE = st.builds(lambda before, after, end: context(f"{before}‸{after}".replace("\n", end)), TEXT, TEXT, ENDS)
MULTILINE: st.SearchStrategy[Multiline] = st.sampled_from(["auto", "always", "never"])
FINISHED = st.sampled_from(["stop", "length", None])


def is_within(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(one in rest for one in part)


def bare(text: str) -> str:
    r"""Without indentation, and with line ends as ``\n``."""
    return re.sub(r"(?m)^[ \t]+", "", re.sub(r"\r\n?", "\n", text))


@settings(max_examples=500, deadline=None)
@given(PLACE, TEXT, MULTILINE, FINISHED)
def test_no_character_is_invented(place: CursorContext, text: str, multiline: Multiline, finished: str | None) -> None:
    suggestion = suggestion_from(place, text, finished=finished, multiline=multiline)
    if suggestion is not None:
        assert is_within(bare(suggestion.text), text)
        assert suggestion.text.strip()
        assert set(re.findall(r"\r\n|\r|\n", suggestion.text)) <= {place.split.line_end}
        if multiline == "never":
            assert place.split.line_end not in suggestion.text.lstrip("\r\n").rstrip(" \t").removesuffix(
                place.split.line_end
            )


@settings(max_examples=500, deadline=None)
@given(PLACE, TEXT, MULTILINE, FINISHED)
def test_no_character_of_the_user_is_lost(
    place: CursorContext, text: str, multiline: Multiline, finished: str | None
) -> None:
    suggestion = suggestion_from(place, text, finished=finished, multiline=multiline)
    if suggestion is not None:
        assert 0 <= suggestion.replace <= len(place.split.line_suffix)
        gone = place.split.line_suffix[: suggestion.replace]
        assert is_within(gone, suggestion.text)
        assert drawable(gone, suggestion.text)
        assert suggestion.text != gone


@settings(max_examples=500, deadline=None)
@given(PLACE, TEXT, TEXT, MULTILINE, FINISHED)
@example(context(":‸if a:\n    else:"), "if a:\ncase 1:\nif a:\nif a:", "", "always", "stop")
def test_more_text_changes_nothing_once_a_suggestion_is_complete(
    place: CursorContext, text: str, more: str, multiline: Multiline, finished: str | None
) -> None:
    if is_complete(place, text, multiline):
        assert is_complete(place, text + more, multiline)
        shown = suggestion_from(place, text, finished=None, multiline=multiline)
        assert suggestion_from(place, text + more, finished=finished, multiline=multiline) == shown


@settings(max_examples=300, deadline=None)
@given(PLACE, TEXT, MULTILINE)
def test_typing_the_beginning_of_a_suggestion_leaves_the_rest_of_it(
    place: CursorContext, text: str, multiline: Multiline
) -> None:
    shown = suggestion_from(place, text, finished="stop", multiline=multiline)
    if shown is not None:
        for length in range(1, len(shown.text)):
            rest = shown.after(shown.text[:length])
            assert rest == Suggestion(text=shown.text[length:], replace=shown.replace)


@settings(max_examples=1000, deadline=None)
@given(PLACE, TEXT, MULTILINE, FINISHED)
def test_what_is_left_out_has_a_reason(
    place: CursorContext, text: str, multiline: Multiline, finished: str | None
) -> None:
    """The end of a suggestion is a reason too. Whitespace needs none, nor what is still arriving."""
    result = shaped(place, text, finished=finished, multiline=multiline)
    shown = result.suggestion.text if result.suggestion else ""
    if not result.cut_by:
        assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", text)
