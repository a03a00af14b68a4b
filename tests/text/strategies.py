"""Text with everything in it that is hard about lines and columns."""

from __future__ import annotations

from hypothesis import strategies as st

from fim_lsp.text.positions import Encoding

LINE_ENDS = ["\n", "\r\n", "\r"]
NO_LINE_ENDS = ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
WIDE = ["é", "漢", "e\u0301", "\ufeff", "\U0001f600", "\U0001f469\u200d\U0001f467", "\ud83d", "\ude00"]
PIECES = ["a", "b", "(", " ", "\t", *LINE_ENDS, *NO_LINE_ENDS, *WIDE]

encodings = st.sampled_from(Encoding)
texts = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
places = st.tuples(st.integers(-1, 20), st.integers(-2, 40))
lines = st.tuples(
    st.lists(st.sampled_from([piece for piece in PIECES if piece not in LINE_ENDS]), max_size=40).map("".join),
    st.sampled_from(["", *LINE_ENDS]),
).map("".join)
