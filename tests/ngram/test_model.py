"""Editing line by line gives the same model as opening the resulting text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.predict import Offer, predict
from tests.ngram.marked import LINE, URI, chains_hold_every_position, tokens

LINES = st.lists(LINE, max_size=12)
EDIT = st.tuples(st.integers(0, 14), st.integers(0, 4), st.lists(LINE, max_size=4))


def rounded(offer: Offer | None) -> tuple[str, bool, float] | None:
    """Without the last digits, which depend on the order of a sum."""
    return (offer.text, offer.whole, round(offer.confidence, 9)) if offer is not None else None


@settings(deadline=None)
@given(LINES, st.lists(EDIT, max_size=6))
def test_any_edits_give_the_same_model_as_the_resulting_text(
    lines: list[str], edits: list[tuple[int, int, list[str]]]
) -> None:
    edited, fresh = NgramModel(index_bits=8), NgramModel(index_bits=8)
    edited.open(URI, lines, folder="")
    for first, old, new in edits:
        edited.change(URI, first, old, new)
        first = min(first, len(lines))
        lines = lines[:first] + new + lines[first + old :]
    fresh.open(URI, lines, folder="")
    one, other = edited.documents[URI], fresh.documents[URI]
    assert one.lines == other.lines == lines
    assert one.indents == other.indents
    assert len(edited) == len(fresh)
    assert len(edited.vocabulary) == len(fresh.vocabulary)
    if lines:
        store = edited.open_store
        assert tokens(store, one.starts[0]) == tokens(fresh.open_store, other.starts[0])
        assert [tokens(store, at)[0] for at in one.starts] == [tokens(fresh.open_store, at)[0] for at in other.starts]
        assert chains_hold_every_position(store, list(store.walk(one.starts[0])))
    other.last_changed = one.last_changed  # decides at which of several similar places the cursor is
    for index in range(len(lines) + 1):
        prefix, suffix = "".join(lines[:index]), "".join(lines[index:])
        assert rounded(predict(edited, URI, prefix, suffix)) == rounded(predict(fresh, URI, prefix, suffix))


@settings(deadline=None)
@given(LINES, st.lists(EDIT, max_size=4))
def test_a_closed_document_leaves_nothing(lines: list[str], edits: list[tuple[int, int, list[str]]]) -> None:
    model = NgramModel(index_bits=8)
    model.open(URI, lines, folder="")
    for edit in edits:
        model.change(URI, *edit)
    model.close(URI)
    assert len(model) == 0
    assert len(model.vocabulary) == 0
    assert not model.documents
    assert not model.folders


@given(LINES, LINES)
def test_a_file_added_in_slices_is_the_same_as_at_once(one: list[str], other: list[str]) -> None:
    slices, whole = NgramModel(index_bits=8), NgramModel(index_bits=8)
    slices.add_lines("f", one, folder="")
    slices.add_lines("f", other, folder="")
    whole.add_lines("f", one + other, folder="")
    assert len(slices) == len(whole)
    if len(whole):
        assert tokens(slices.file_store, 1) == tokens(whole.file_store, 1)
    while not slices.remove_file("f", max_tokens=3):
        pass
    assert len(slices) == len(slices.vocabulary) == 0


def test_a_hidden_file_counts_for_nothing() -> None:
    model = NgramModel(index_bits=8)
    model.add_lines("f", ["total = compute(first, second)\n"] * 3, folder="")
    assert predict(model, "u", "total = comp", "") is not None
    assert model.hide_file("f")
    assert predict(model, "u", "total = ", "") is None
