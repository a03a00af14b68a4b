"""Editing line by line comes to the same as opening the text anew."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.predict import Offer, predict
from fim_lsp.ngram.token_store import ORDERS, SHAPE, SHAPE_ORDER, TokenStore
from tests.ngram.marked import URI

LINE = st.sampled_from(
    [
        "\n",
        "  \n",
        "a = b\n",
        "    a = c\n",
        "    return a\n",
        "\tx(a, b)\n",
        "if a:\r\n",
        "        self.a = a\n",
        "}\n",
    ]
)
LINES = st.lists(LINE, max_size=12)
EDIT = st.tuples(st.integers(0, 14), st.integers(0, 4), st.lists(LINE, max_size=4))


def tokens(store: TokenStore, first: int) -> list[tuple[str, int]]:
    spelling = store.vocabulary.text
    return [(spelling[store.core[p]] or str(store.core[p]), store.lead[p]) for p in store.walk(first)]


def chains_hold_every_position(store: TokenStore, positions: Sequence[int]) -> bool:
    shape = store.vocabulary.shape
    for position in positions:
        context = []
        place = position
        for _ in range(max(*ORDERS, SHAPE_ORDER)):
            place = store.before[place]
            context.append(store.core[place])
        for chain in range(SHAPE + 1):
            at = store.newest(chain, [shape[number] for number in context] if chain == SHAPE else context)
            while at != position:
                if not at:
                    return False
                at = store.older[chain][at]
    return True


def rounded(offer: Offer | None) -> tuple[str, bool, float] | None:
    """Without the last digits, which depend on the order of a sum."""
    return (offer.text, offer.whole, round(offer.confidence, 9)) if offer is not None else None


@settings(deadline=None)
@given(LINES, st.lists(EDIT, max_size=6))
def test_any_edits_come_to_the_text_opened_anew(lines: list[str], edits: list[tuple[int, int, list[str]]]) -> None:
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
    other.last_changed = one.last_changed  # tells which of several places that look alike the cursor is at
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
def test_a_file_in_slices_is_the_file_at_once(one: list[str], other: list[str]) -> None:
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


def test_a_muted_file_counts_for_nothing() -> None:
    model = NgramModel(index_bits=8)
    model.add_lines("f", ["total = compute(first, second)\n"] * 3, folder="")
    assert predict(model, "u", "total = comp", "") is not None
    assert model.hide_file("f")
    assert predict(model, "u", "total = ", "") is None
