"""What is left of a piece of text after later edits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.text.document import Change, Document
from fim_lsp.text.followed_text import FollowedText
from fim_lsp.text.positions import Encoding
from fim_lsp.text.typed import advance
from tests.text.reference import Reference

PIECES = ["a", "b", "(", " ", "😀", "\n", "\r\n"]
texts = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)
places = st.tuples(st.integers(0, 8), st.integers(0, 20))
edits = st.tuples(places, places, texts)


@pytest.mark.parametrize(
    ("between", "text", "left"),
    [
        (((0, 0), (0, 0)), "abc", 11),  # before it
        (((0, 0), (0, 0)), "\n", 11),
        (((1, 6), (2, 1)), "", 11),  # after it
        (((0, 4), (0, 4)), "y", 11),  # right before and right after it
        (((1, 6), (1, 6)), "y", 11),
        (((0, 6), (0, 6)), "xyz", 11),  # inside it
        (((0, 6), (0, 6)), "\n\n", 11),
        (((0, 4), (1, 6)), "", 0),  # all of it is undone
        (((0, 0), (2, 0)), "x = f(a,\n    b)\n", 0),  # replaced by the same text
        (((0, 5), (0, 6)), "", 10),
        (((0, 6), (1, 4)), "", 4),
        (((0, 0), (0, 6)), "", 9),  # its beginning
        (((1, 4), (2, 0)), "", 9),  # its end
    ],
)
def test_edits_around_and_inside(between: tuple[tuple[int, int], tuple[int, int]], text: str, left: int) -> None:
    inserted = "f(a,\n    b)"
    document = Document(f"x = {inserted}\ny\n", Encoding.UTF32)
    followed = FollowedText()
    followed.add((0, 4), inserted)
    assert followed.size == len(inserted)
    followed.apply(document.apply(Change(text, between)))
    assert followed.size == left


def test_pieces_are_followed_together() -> None:
    document = Document("x = \n", Encoding.UTF32)
    followed = FollowedText()
    for text in ("return", " value"):
        at = (0, len(document.lines[0]) - 1)
        document.replace(at, at, text)
        followed.add(at, text)
    assert followed.size == 12
    followed.apply(document.replace((0, 8), (0, 12), ""))
    assert followed.size == 8


def test_an_edit_between_two_pieces_leaves_the_first_where_it_is() -> None:
    document = Document("f(ab, cd)\n", Encoding.UTF32)
    followed = FollowedText()
    for at in (2, 6):
        followed.add((0, at), document.lines[0][at : at + 2])
    followed.add((0, 9), "")  # a suggestion that only replaces text adds nothing to follow
    followed.apply(document.replace((0, 4), (0, 5), " ,\n"))
    assert document.lines == ["f(ab ,\n", " cd)\n", ""]
    followed.apply(document.replace((0, 3), (1, 2), ""))
    assert followed.size == 2


@given(
    before=texts,
    inserted=texts.filter(bool),
    after=texts,
    changes=st.lists(edits, max_size=8),
    encoding=st.sampled_from(Encoding),
)
def test_as_many_characters_are_left_as_if_each_were_marked(
    before: str,
    inserted: str,
    after: str,
    changes: list[tuple[tuple[int, int], tuple[int, int], str]],
    encoding: Encoding,
) -> None:
    document = Document(before + inserted + after, encoding)
    reference = Reference(before + inserted + after, encoding.value)
    marks = [False] * len(before) + [True] * len(inserted) + [False] * len(after)
    followed = FollowedText()
    followed.add(advance(0, 0, before), inserted)
    for start, end, text in changes:
        first, last = sorted((reference.offset(start), reference.offset(end)))
        marks[first:last] = [False] * len(text)
        reference.replace(start, end, text)
        followed.apply(document.replace(start, end, text))
        assert followed.size == sum(marks)


@given(before=texts, inserted=texts.filter(bool), after=texts, versions=st.lists(texts, max_size=4))
def test_whole_documents_are_followed_by_their_differences(
    before: str, inserted: str, after: str, versions: list[str]
) -> None:
    """An editor that sends the whole document: what differs counts as removed."""
    document = Document(before + inserted + after, Encoding.UTF32)
    followed = FollowedText()
    followed.add(advance(0, 0, before), inserted)
    for version in versions:
        followed.apply(document.set_text(version))
        assert 0 <= followed.size <= min(len(inserted), len(version))
