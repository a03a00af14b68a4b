"""Every suggestion is drawn by VS Code, and every editor inserts it as it was meant. ``‸`` is the cursor."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from fim_lsp.lsp.completion_menu import completion_list
from fim_lsp.lsp.to_protocol import Cursor, inline_list
from fim_lsp.schedule.request import CompletionResult, Outcome
from fim_lsp.suggest.postprocess import Multiline, suggestion_from
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.positions import Encoding, to_units
from tests.marked import CURSOR, context, split
from tests.suggest.drawing import EDITORS, Part, Span, at, drawn, replaced, unescaped


def place(marked: str) -> tuple[str, int, int]:
    """Document, line and UTF-16 column of ``‸``."""
    before, _, after = marked.partition(CURSOR)
    cut = split(marked)
    return before + after, cut.line, to_units(cut.line_prefix, len(cut.line_prefix), Encoding.UTF16)


# Each row was tried in VS Code: name, document, range as (start, end) relative to the cursor or "end of line", text, drawn
TRIED = [
    ("empty range", "foo(a‸)", (0, 0), "bc", "bc"),
    ("to the end, bracket kept", "foo(a‸)", (0, 1), "bc)", "bc"),
    ("to the end, more after the bracket", "foo(a‸)", (0, 1), "bc) + 1", "bc| + 1"),
    ("to the end, a line below", "foo(a‸)", (0, 1), "bc)\nbar()", "bc|\nbar()"),
    ("to the end, bracket dropped", "foo(a‸)", (0, 1), "bc", None),
    ("bracket on the last line", "foo(a‸)", (0, 1), "bc,\n    x\n)", "bc,\n    x\n"),
    ("empty range, several lines", "foo(a‸)", (0, 0), "bc,\n    x\n", "bc,\n    x\n"),
    ("the suffix in brackets", "x = a‸foo", (0, 3), "bar(foo)", "bar(|)"),
    ("the suffix changed", "x = a‸ foo", (0, 4), "b + bar", None),
    ("the suffix in another case", "foo(a‸BAR)", (0, 4), "bc, bar)", None),
    ("range into the next line", "foo(a‸)\nzzz", "next line", "bc)\nzzz", None),
    ("from the line's start", "    foo(a‸)", (-9, 0), "    foo(abc", "bc"),
    ("changed prefix", "    foo(a‸)", (-9, 0), "    fuu(abc", None),
    ("other indentation", "  foo‸", (-5, 0), "    foobar", None),
    ("no range, no word", "fooa‸", None, "bc", None),
    ("no range, with the word", "fooa‸", None, "fooabc", "bc"),
    ("empty text", "foo(a‸)", (0, 0), "", None),
    ("empty text for the bracket", "foo(a‸)", (0, 1), "", None),
    ("line break at the end", "foo(a‸)", (0, 0), "bc\n", "bc\n"),
    ("line break at the start", "foo‸", (0, 0), "\n    bc", "\n    bc"),
    ("the same again", "foo(a‸)", (0, 1), ")", None),
]


@pytest.mark.parametrize(("marked", "span", "text", "want"), [row[1:] for row in TRIED], ids=[row[0] for row in TRIED])
def test_the_oracle_draws_what_vs_code_drew(
    marked: str, span: tuple[int, int] | str | None, text: str, want: str | None
) -> None:
    document, line, column = place(marked)
    if isinstance(span, str):
        where: Span | None = Span(start_line=line, start=column, end_line=line + 1, end=1)
    else:
        where = at(line, column + span[0], column + span[1]) if span else None
    parts = drawn(document, line, column, where, text)
    assert ("|".join(part.text for part in parts) or None) == want


@pytest.mark.parametrize(
    ("marked", "length", "text", "want"),
    [
        ("foo(‸)", 1, "a)(b)", [Part(4, "a"), Part(5, "(b)")]),
        ("😀 = f(‸)", 1, "1) + 2", [Part(7, "1"), Part(8, " + 2")]),
        ("    ‸", 0, "    pass", [Part(4, "    pass")]),
        ("x\r\n  f(‸)\r\n", 1, "1,\r\n2)", [Part(4, "1,\n2")]),
        ("a‸", 0, "x" * 5000, [Part(1, "x" * 5000)]),
        ("a‸", 0, "x" * 5001, []),
    ],
)
def test_where_the_oracle_draws_the_parts(marked: str, length: int, text: str, want: list[Part]) -> None:
    document, line, column = place(marked)
    assert drawn(document, line, column, at(line, column, column + length), text) == tuple(want)


def test_indentation_in_the_range_is_skipped() -> None:
    """Blanks of the indentation that the range covers are looked over."""
    assert drawn("    x", 0, 0, at(0, 0, 4), "    y = 1\n    ") == (Part(4, "y = 1\n    "),)
    assert drawn("    x", 0, 2, at(0, 0, 2), "  y") == (Part(2, "y"),)


def test_nothing_is_drawn_on_another_line_or_before_the_cursor() -> None:
    assert drawn("a\nb", 0, 1, at(1, 1), "c") == ()
    assert drawn("ab", 0, 2, at(0, 0, 2), "aab") == ()


def test_what_editors_insert() -> None:
    assert EDITORS["VS Code"]("a\r\nf()\r\n", at(1, 2, 3), "1,\n2)") == "a\r\nf(1,\r\n2)\r\n"
    assert EDITORS["Neovim"]("a\nf()\n", at(1, 2, 9), "1)\rx") == "a\nf(1)\nx\n"
    assert EDITORS["Helix"]("a\r\n😀()", at(1, 3), "\n") == "a\r\n😀(\n)"
    assert unescaped(r"\$a\}\\n") == "$a}\\n"
    with pytest.raises(ValueError, match="b"):
        unescaped("a$b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What a suggestion means: the document after it, and the cursor's place."""

    before: str
    after: str
    line: int
    column: int
    suggestion: Suggestion

    @property
    def whole(self) -> str:
        return self.before + self.suggestion.text + self.after[self.suggestion.replace :]

    def span(self, back: int = 0) -> Span:
        end = self.suggestion.replace
        cut = split(f"{self.before}{CURSOR}{self.after}")
        line = cut.line_prefix + cut.line_suffix
        first, last = cut.column - back, cut.column + end
        return at(self.line, to_units(line, first, Encoding.UTF16), to_units(line, last, Encoding.UTF16))

    @property
    def cursor(self) -> Cursor:
        cut = split(f"{self.before}{CURSOR}{self.after}")
        return Cursor(self.line, cut.column, cut.line_prefix + cut.line_suffix, Encoding.UTF16)


def lsp_range(span: Span) -> types.Range:
    return types.Range(types.Position(span.start_line, span.start), types.Position(span.end_line, span.end))


def check(meant: Meant) -> None:
    """One suggestion in every editor, as ghost text and from the menu."""
    document, span = meant.before + meant.after, meant.span()
    assert span.end - span.start <= len(meant.after.encode("utf-16-le")) // 2
    result = CompletionResult(outcome=Outcome.CALL, suggestion=meant.suggestion)
    items = inline_list(result, meant.cursor).items
    assert [item.range for item in items] == [lsp_range(span)]
    text = items[0].insert_text
    assert isinstance(text, str)
    assert drawn(document, meant.line, meant.column, span, text)
    for name, insert in EDITORS.items():
        assert insert(document, span, text) == meant.whole, name
    _check_menu(meant, document)


def _check_menu(meant: Meant, document: str) -> None:
    item = completion_list(meant.suggestion, meant.cursor, first_line=True).items[0]
    assert isinstance(item.text_edit, types.TextEdit)
    assert item.insert_text_format is types.InsertTextFormat.PlainText
    edited = item.text_edit.range
    where = at(meant.line, edited.start.character, edited.end.character)
    assert replaced(document, where, item.text_edit.new_text) == meant.whole


LINE = st.text(alphabet="abfX(){}[]<>\"'`\t ,:;=.é😀", max_size=14)
PIECES = (
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "\n",
    "\r\n",
    "\n\n",
    "    ",
    "\t",
    " ",
    "a",
    "bX",
    "f(",
    "😀",
    "é",
    ",",
    ";",
)


@st.composite
def places(draw: st.DrawFn) -> tuple[str, str]:
    """A document cut at a cursor, in lines of one kind, some of them alike."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    above = draw(st.lists(LINE, max_size=3))
    below = draw(st.lists(LINE, max_size=3))
    before, after = draw(LINE), draw(st.one_of(st.sampled_from(["", ")", "])", '")', "'", "});", " ", "}"]), LINE))
    return end.join([*above, before]), end.join([after, *below])


@st.composite
def replies(draw: st.DrawFn, before: str, after: str) -> str:
    """What a model might write: bits of code, and of the text around the cursor."""
    here, _, below = after.partition("\n")
    pieces = st.sampled_from([*PIECES, here, here.strip(), below, before.rpartition("\n")[2], after])
    return "".join(draw(st.lists(pieces, max_size=12)))


@pytest.mark.parametrize(
    ("marked", "reply"),
    [
        ("‸])", "])]"),
        (":‸)", "))"),
        ("f(‸)", ")) + (1"),
        ("f([‸])", "])"),
        ("a‸ b", "c b d"),
        ("x = f(‸)\r\ny\r\n", "1,\n2)"),
        ("    ‸)", "\n    )"),
        ("😀(‸)", "😁)\n😀"),
    ],
)
@pytest.mark.parametrize("multiline", ["auto", "always", "never"])
def test_cases_that_were_not_drawn(marked: str, reply: str, multiline: Multiline) -> None:
    before, _, after = marked.partition(CURSOR)
    suggestion = suggestion_from(context(marked), reply, finished="stop", multiline=multiline)
    if suggestion is not None:
        _, line, column = place(marked)
        check(Meant(before=before, after=after, line=line, column=column, suggestion=suggestion))


@given(st.data(), st.sampled_from(["auto", "always", "never"]), st.sampled_from(["stop", "length", None]))
@settings(max_examples=600, deadline=None)
def test_every_suggestion_is_drawn_and_inserted_as_meant(
    data: st.DataObject, multiline: Multiline, finished: str | None
) -> None:
    before, after = data.draw(places(), label="place")
    reply = data.draw(replies(before, after), label="reply")
    marked = f"{before}{CURSOR}{after}"
    suggestion = suggestion_from(context(marked), reply, finished=finished, multiline=multiline)
    if suggestion is not None:
        _, line, column = place(marked)
        check(Meant(before=before, after=after, line=line, column=column, suggestion=suggestion))
