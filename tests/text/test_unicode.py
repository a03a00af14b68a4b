"""No channel carries a character that nobody sees, but for those that writing needs."""

from __future__ import annotations

import itertools
import re
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fim_lsp.lsp.completion_menu import completion_list
from fim_lsp.lsp.to_protocol import Cursor
from fim_lsp.suggest.postprocess import suggestion_from
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.positions import Encoding
from fim_lsp.text.unicode import HIDDEN, REVERSING, for_message, is_visible, on_one_line, visible, without_hidden
from tests.marked import context

IN_TABLE = {code for first, last in HIDDEN for code in range(first, last + 1)}
# DerivedCoreProperties.txt of Unicode 16.0.0, Default_Ignorable_Code_Point
IGNORABLE = """
00AD 034F 061C 115F-1160 17B4-17B5 180B-180D 180E 180F 200B-200F 202A-202E 2060-2064 2065 2066-206F 3164 FE00-FE0F FEFF
FFA0 FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000 E0001 E0002-E001F E0020-E007F E0080-E00FF E0100-E01EF E01F0-E0FFF
"""
# PropList.txt of Unicode 16.0.0, Bidi_Control
BIDI = "061C 200E-200F 202A-202E 2066-2069"
NEWER = "0890-0891 180F 13430-1343F"  # of categories that older Pythons do not know of yet
STAY = {0x09, 0x0A, 0x0D}
ALLOWED = [
    "👩\u200d💻", "👨\u200d👩\u200d👧\u200d👦", "👩🏽\u200d🚀", "❤\ufe0f\u200d🔥", "❤\ufe0f", "☎\ufe0e",
    "1\ufe0f\u20e3", "#\ufe0f\u20e3", "🏳\ufe0f\u200d🌈",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "می\u200cخواهم", "क्\u200dष",
    "ක්\u200dෂ", "‼\ufe0f", "↔\ufe0f", "©\ufe0f",
]  # fmt: skip
REFUSED = [
    "a\u200db", "é\u200cé", "\u200d", "👩\u200d", "\u200d👩", "a\ufe0f", "1\ufe0f", "x\U000e0100",
    "\u3164", "\uffa0", "\u115f", "\u2800\u3164", "漢\U000e0101", "🏴\U000e0061\U000e0062\U000e007f",
    "🏴\U000e0067", "\U000e0041", "\ufeff", "\u00ad", "a\u200bb", "\u2060", "\u061c", "\u200e",
    "\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\ud800", "\ue000",
    "\uf8ff", "\U0010fffd", "\ufdd0", "\U0001fffe", "\U0010ffff", "❤\ufe0f\ufe0f", "👩\u200d\u200d💻",
    "ا\u200c", "\u200cا", "a\u200cا", "\u034f", "\u17b4", "\u180e", "\ufff9a\ufffb", "\u206a",
    "\u2065", "\ufff0", "\U000e0fff", "\U0001d173",
]  # fmt: skip


def codes(table: str) -> set[int]:
    edges = [(int(row.split("-")[0], 16), int(row.split("-")[-1], 16)) for row in table.split()]
    return {code for first, last in edges for code in range(first, last + 1)}


def hidden_in(text: str) -> str:
    """The characters of the table that are in a text and not in one of the sequences above."""
    for sequence in ALLOWED:
        text = text.replace(sequence, "")
    return "".join(one for one in text if ord(one) in IN_TABLE)


def test_the_table_is_that_of_unicode() -> None:
    """Against the two property files by value, and against Python's own categories for all that it has assigned."""
    assert codes(IGNORABLE) <= IN_TABLE
    assert codes(BIDI) <= IN_TABLE
    categories = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    by_category = {code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in categories}
    assert by_category - STAY <= IN_TABLE
    nonchars = {
        *range(0xFDD0, 0xFDF0),
        *(plane + end for plane in range(0, 0x110000, 0x10000) for end in (0xFFFE, 0xFFFF)),
    }
    assert (by_category - STAY) | codes(IGNORABLE) | nonchars | codes(NEWER) == IN_TABLE
    assert set(map(ord, REVERSING)) <= codes(BIDI)
    assert not IN_TABLE & set(range(0x20, 0x7F))


def test_the_rows_of_the_table_are_sorted_and_do_not_touch() -> None:
    edges = [edge for row in HIDDEN for edge in row]
    assert edges == sorted(edges)
    assert all(last + 1 < first for (_, last), (first, _) in itertools.pairwise(HIDDEN))


@pytest.mark.parametrize("text", ALLOWED, ids=ascii)
def test_joiners_that_scripts_and_emoji_need_are_kept(text: str) -> None:
    assert without_hidden(f'"{text}"') == visible(f'"{text}"') == on_one_line(f'"{text}"') == f'"{text}"'
    shown = suggestion_from(context("x = ‸\n"), f'"{text}"\n', finished="stop", multiline="auto")
    assert shown is not None
    assert shown.text == f'"{text}"'


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_hidden_characters_are_removed(text: str) -> None:
    left = without_hidden(f'"{text}"')
    assert hidden_in(left) == ""
    assert left != f'"{text}"'
    assert hidden_in(visible(text)) == ""
    assert not is_visible(text)


def test_hidden_characters_of_the_document_are_kept() -> None:
    assert without_hidden("a\u200bb\ufeff", known="\u200b") == "a\u200bb"


def test_plain_text_is_shown_and_named_as_it_is() -> None:
    text = "def f(a): return a[0]  # ~"
    assert without_hidden(text) == visible(text) == text


def test_hidden_characters_are_escaped_in_messages() -> None:
    assert visible("a\x1b[31m\u202e\U000e0041\x00\r\n\tb") == "a\\x1b[31m\\u202e\\U000e0041\\x00\\r\n\tb"


ANY = st.text(
    st.one_of(
        st.sampled_from([chr(edge) for row in HIDDEN for edge in row]),
        st.sampled_from("ab\"'\n\t #*1é漢اक👩💻❤🏴\u20e3"),
        st.sampled_from("".join(ALLOWED)),
    ),
    max_size=40,
)


def rest_after_allowed(text: str) -> str:
    """The table's characters in a text that stand nowhere where they are needed, told in another way than the product does."""
    left = []
    for at, one in enumerate(text):
        before, after = text[at - 1] if at else "", text[at + 1 : at + 2]
        if ord(one) not in IN_TABLE:
            continue
        joins = one in "\u200c\u200d" and before > "\x7f" and after > "\x7f" and ord(after) not in IN_TABLE
        varies = one in "\ufe0e\ufe0f" and (before > "\x7f" or (before in "#*1" and after == "\u20e3"))
        tags = one >= "\U000e0020" and "🏴" in text[max(0, at - 7) : at]
        if not (joins or varies or tags):
            left.append(one)
    return "".join(left)


@given(ANY)
@example("".join(REFUSED))
@example("x\x1b]0;title\x07\x9b31my")
def test_no_suggestion_contains_a_hidden_character(text: str) -> None:
    for place in ("x = ‸\n", "def f():\n    ‸\n", 'x = "‸"'):
        shown = suggestion_from(context(place), text, finished="stop", multiline="auto")
        if shown is not None:
            assert rest_after_allowed(shown.text) == ""


@given(ANY)
@example("".join(REFUSED))
def test_no_label_and_no_message_contains_a_hidden_character(text: str) -> None:
    cursor = Cursor(0, 1, "w", Encoding.UTF16)
    for entry in completion_list(Suggestion(text=text or "x"), cursor, first_line=True).items:
        assert rest_after_allowed(entry.label) == ""
        assert not re.search(r"[\n\r\t]", entry.label)
    assert rest_after_allowed(visible(text)) == ""
    assert "\r" not in visible(text)


@given(ANY)
@example("a\u3164b")
@example("a\ufe0fb")
def test_a_name_with_a_hidden_character_is_not_visible(text: str) -> None:
    if is_visible(text):
        assert not any(ord(one) in IN_TABLE for one in text)
        assert not re.search(r"\s", text.replace(" ", ""))


def test_a_name_in_a_message_can_not_look_like_a_message_or_a_link() -> None:
    assert for_message("a\n[b](command:x)\u202e") == "a\\n[b] (command:x)\\u202e"


LINK = re.compile(r"\[([^\]]+)\]\(((?:https?://|command:|file:)[^)\s]+)(?: ([\"'])(.+?)(\3))?\)", re.IGNORECASE)
"""What VS Code makes a link of, which runs a command without a question (src/vs/base/common/linkedText.ts)."""


@given(
    st.text(alphabet='[](): a"\u200b\r\n\u2028\x85') | st.just(""),
    st.sampled_from(["command:x", "https://evil.example", "file:///x"]),
)
def test_no_message_has_a_link_of_vs_code(text: str, target: str) -> None:
    for one in (text, f"[a{text}]({target})", f"{text}[a](\u200b{target}) {text}", f"[a]\u200b({target} 'b'){text}"):
        assert not LINK.search(for_message(one))
        assert len(for_message(one).splitlines()) <= 1
