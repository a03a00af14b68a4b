"""Lines of JSON, cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.errors import BadReply
from fim_lsp.http.ndjson import Lines
from tests.backends.helpers import cut

LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))


@given(lines=st.lists(LINE, max_size=6), places=st.lists(st.integers(min_value=0), max_size=8), ended=st.booleans())
def test_cut_anywhere(lines: list[str], places: list[int], ended: bool) -> None:
    data = "\n".join(lines).encode() + (b"\n" if ended and lines else b"")
    decoder = Lines()
    got = [line for piece in cut(data, places) for line in decoder.feed(piece)] + decoder.finish()
    assert [line for line in got if line] == [line for line in lines if line]


def test_a_line_that_never_ends() -> None:
    decoder = Lines(limit=100)
    decoder.feed(b"x" * 100)
    with pytest.raises(BadReply, match="does not end"):
        decoder.feed(b"x")
