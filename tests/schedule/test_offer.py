"""Which edits take a suggestion or its beginning, in every form in which editors send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.schedule.events import Acceptance
from fim_lsp.schedule.offer import Offer
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.document import Change, Document, split_lines
from fim_lsp.text.positions import Encoding
from fim_lsp.text.typed import advance
from tests.marked import split

Between = tuple[tuple[int, int], tuple[int, int]]


def an_offer(marked: str, text: str, replace: int = 0) -> tuple[Offer, Document]:
    """A suggestion that was just sent for the cursor in ``marked``, and the document."""
    at = split(marked)
    offer = Offer(text="", replace=0, split=at)
    offer.send(at, Suggestion(text=text, replace=replace))
    return offer, Document(marked.replace("‸", ""), Encoding.UTF32)


def taken(marked: str, text: str, *changes: tuple[Between | None, str], replace: int = 0) -> list[str]:
    """What the changes of one notification take."""
    offer, document = an_offer(marked, text, replace)
    found = [offer.apply(document.apply(Change(inserted, between))) for between, inserted in changes]
    return [text[part.start : part.end] for part in found if part is not None]


def at(line: int, start: int, end: int | None = None) -> Between:
    """The columns from ``start`` to ``end`` of a line."""
    return (line, start), (line, start if end is None else end)


WHOLE = {
    "an insertion": ("x = ‸", "compute()", 0, [(at(0, 4), "compute()")]),
    "several lines": ("if x:‸\ny", "\n    return\n", 0, [(at(0, 5), "\n    return\n")]),
    "with the characters that it replaces": ("f(a‸)", ", b)", 1, [(at(0, 3, 4), ", b)")]),
    "as the smallest difference": ("f(a‸)", ", b)", 1, [(at(0, 3), ", b")]),
    "without replacing them, against the range": ("f(a‸)", ", b)", 1, [(at(0, 3), ", b)")]),
    "removed first": ("f(a‸)", ", b)", 1, [(at(0, 3, 4), ""), (at(0, 3), ", b)")]),
    "removed afterwards": ("f(a‸)", ", b)", 1, [(at(0, 3), ", b)"), (at(0, 7, 8), "")]),
    "with the word before it": ("x = com‸", "pute()", 0, [(at(0, 4, 7), "compute()")]),
    "with the word and what it replaces": ("x = f(com‸)", "pute())", 1, [(at(0, 6, 10), "compute())")]),
    "the whole document": ("x = ‸\n", "compute()", 0, [(None, "x = compute()\n")]),
    "the whole document, where the text repeats what follows": ("x = ‸aa\n", "aab", 0, [(None, "x = aabaa\n")]),
    "a line lower, before the same line end": ("if x:‸\ny", "\n    z", 0, [(((1, 0), (1, 0)), "    z\n")]),
    "keys of the same notification, then the rest": ("x = ‸", "abcdef", 0, [(at(0, 4), "a"), (at(0, 5), "bcdef")]),
    "an import above in the same notification": ("x = ‸", "abc", 0, [(at(0, 0), "import y\n"), (at(1, 4), "abc")]),
    "with Windows' line ends": ("if x:‸\r\ny", "\r\n    z", 0, [(at(0, 5), "\r\n    z")]),
    "in two steps": ("x = ‸", "compute(a)", 0, [(at(0, 4), "compute"), (at(0, 11), "(a)")]),
}


@pytest.mark.parametrize(("marked", "text", "replace", "changes"), WHOLE.values(), ids=WHOLE)
def test_all_of_it_is_taken(marked: str, text: str, replace: int, changes: list[tuple[Between | None, str]]) -> None:
    found = taken(marked, text, *changes, replace=replace)
    assert "".join(found) == text[len(text) - len("".join(found)) :]
    assert text.removesuffix("".join(found)) in ("", "a")  # what was typed before


PARTS = {
    "a word": ("x = ‸", "compute(a)", [(at(0, 4), "compute")], ["compute"]),
    "a word that opens a bracket": ("x = ‸", "compute(a)", [(at(0, 4), "compute()")], ["compute("]),
    "a word before text": ("x = ‸ + 1", "value of", [(at(0, 4), "value")], ["value"]),
    "two words": ("x = ‸", "one two three", [(at(0, 4), "one"), (at(0, 7), " two")], ["one", " two"]),
    "a line": ("if x:‸\n", "\n    a\n    b", [(at(0, 5), "\n    a")], ["\n    a"]),
    "the whole document": ("x = ‸\ny", "compute(a)", [(None, "x = compute\ny")], ["compute"]),
}


@pytest.mark.parametrize(("marked", "text", "changes", "parts"), PARTS.values(), ids=PARTS)
def test_a_part_is_taken(marked: str, text: str, changes: list[tuple[Between | None, str]], parts: list[str]) -> None:
    assert taken(marked, text, *changes) == parts


NOTHING = {
    "one key": ("x = ‸", "compute()", [(at(0, 4), "c")]),
    "all keys": ("x = ‸", "abc", [(at(0, 4), "a"), (at(0, 5), "b"), (at(0, 6), "c")]),
    "a suggestion of one character": ("f(a‸", ")", [(at(0, 3), ")")]),
    "a pair of brackets": ("x = f‸", "()", [(at(0, 5), "()")]),
    "a bracket that the editor closes": ("x = f‸", "(a)", [(at(0, 5), "("), (at(0, 6), ")")]),
    "a new line with its indentation": ("if x:‸", "\n    return", [(at(0, 5), "\n    ")]),
    "the Tab key": ("‸", "    return", [(at(0, 0), "    ")]),
    "something else": ("x = ‸", "compute()", [(at(0, 4), "comp1")]),
    "more than it": ("x = ‸", "compute()", [(at(0, 4), "compute() + 1")]),
    "the same text elsewhere": ("x = ‸\ny = ", "compute()", [(at(1, 4), "compute()")]),
    "the same text in place of other text": ("x = ‸abc", "compute()", [(at(0, 4, 7), "compute()")]),
    "the word of a menu's entry": ("x = com‸", "pute(a)", [(at(0, 4, 7), "compute")]),
    "the same text far below": ("x = ‸" + "\n" * 3000, "compute()", [(at(2900, 0), "compute()")]),
    "the same text a hundred lines below": ("x = ‸" + "abc\n" * 900, "compute()", [(at(300, 0), "compute()")]),
    "the same text far along the line": ("x = ‸" + "y" * 3000, "compute()", [(at(0, 2900), "compute()")]),
    "a deletion": ("x = y‸", "z", [(at(0, 4, 5), "")]),
    "the whole document without a change": ("x = ‸", "abc", [(None, "x = ")]),
}


@pytest.mark.parametrize(("marked", "text", "changes"), NOTHING.values(), ids=NOTHING)
def test_nothing_is_taken(marked: str, text: str, changes: list[tuple[Between | None, str]]) -> None:
    assert taken(marked, text, *changes) == []


def test_what_was_taken_and_undone_can_be_taken_again() -> None:
    offer, document = an_offer("x = com‸)", "pute())", 1)
    for _ in range(2):
        assert offer.apply(document.replace((0, 4), (0, 8), "compute())"))
        assert offer.rest == ""
        assert offer.apply(document.replace((0, 4), (0, 14), "com)")) is None
        assert offer.rest == "pute())"


@pytest.mark.parametrize(
    ("start", "end", "how"),
    [
        (0, 15, Acceptance.WHOLE),
        (7, 15, Acceptance.WHOLE),
        (0, 3, Acceptance.WORD),
        (3, 4, Acceptance.WORD),
        (0, 10, Acceptance.LINE),
        (0, 11, Acceptance.LINE),
        (0, 6, Acceptance.PART),
    ],
)
def test_the_kind_of_part(start: int, end: int, how: Acceptance) -> None:
    offer, _ = an_offer("‸", "foo(bar, 1\nreturn")
    offer.text = "foo(bar, 1\nretu"
    assert offer.how(start, end) is how


words = st.lists(st.sampled_from(["a", "ab", "(", ")", " ", "\n", "😀"]), max_size=8).map("".join)


@given(before=words, after=words, text=words.filter(bool), replace=st.integers(0, 2), typed=st.integers(0, 4))
def test_taking_the_rest_by_its_range_is_always_noticed(
    before: str, after: str, text: str, replace: int, typed: int
) -> None:
    """Whatever surrounds it, and however much was typed before: unless it looks like a key."""
    replace = min(replace, len(split_lines(after)[0].rstrip("\r\n")))
    offer, document = an_offer(f"{before}‸{after}", text, replace)
    position = advance(0, 0, before)
    for key in text[:typed]:
        assert offer.apply(document.replace(position, position, key)) is None
        position = advance(*position, key)
    rest = text[typed:]
    assert offer.rest == rest
    found = offer.apply(document.replace(position, (position[0], position[1] + replace), rest))
    if found is not None:
        assert (found.start, found.end, found.position) == (len(text) - len(rest), len(text), position)
    elif len(rest) > 1 and not rest.isspace() and rest not in ("()", "[]", "{}"):
        assert rest == after[:replace]  # then nothing changed


@given(before=words, after=words, text=words.filter(bool), change=words, place=st.tuples(*[st.integers(0, 6)] * 4))
def test_whatever_is_taken_is_in_the_document(
    before: str, after: str, text: str, change: str, place: tuple[int, int, int, int]
) -> None:
    offer, document = an_offer(f"{before}‸{after}", text)
    found = offer.apply(document.replace(place[:2], place[2:], change))
    if found is not None:
        document_text = "".join(document.lines)
        line, column = found.position
        index = sum(map(len, document.lines[:line])) + column
        assert document_text[index:].startswith(text[found.start : found.end])
        assert found.end - found.start > 1
