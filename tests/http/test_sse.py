"""Events come out whole, wherever the bytes were cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.errors import BadReply
from fim_lsp.http.sse import Decoder
from tests.backends.helpers import cut

CASES = {
    "plain": (b"data: a\n\ndata: b\n\n", ["a", "b"]),
    "no space": (b"data:a\n\n", ["a"]),
    "only the first space goes": (b"data:  a\n\n", [" a"]),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
    "cr": (b"data: a\r\rdata: b\r\r", ["a", "b"]),
    "mixed ends": (b"data: a\r\n\ndata: b\n\r\n", ["a", "b"]),
    "several lines": (b"data: a\ndata: b\n\n", ["a\nb"]),
    "comment": (b": ping\n\n: ping\ndata: a\n: ping\n\n", ["a"]),
    "other fields": (b"event: x\nid: 7\nretry: 9\ndata: a\nunknown\n\n", ["a"]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    "unicode line ends are text": ("data: a\u2028b\x0bc\x85d\u2029\n\n".encode(), ["a\u2028b\x0bc\x85d\u2029"]),
    "several bytes a character": ("data: 😀é\n\n".encode(), ["😀é"]),
    "nothing after the end": (b"data: a\n\ndata: [DONE]\n\ndata: b\n\n", ["a"]),
    "no blank line at the end": (b"data: a\n\ndata: b", ["a", "b"]),
    "no data": (b"event: x\n\n\n\n", []),
}


@pytest.mark.parametrize("case", CASES)
@given(places=st.lists(st.integers(min_value=0, max_value=200), max_size=8))
def test_cut_anywhere(case: str, places: list[int]) -> None:
    data, payloads = CASES[case]
    decoder = Decoder()
    found = [payload for piece in cut(data, places) for payload in decoder.feed(piece)]
    assert found + decoder.finish() == payloads
    assert decoder.done == (b"[DONE]" in data)


@given(
    texts=st.lists(st.text().filter(lambda text: text.strip() not in ("", "[DONE]"))),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    places=st.lists(st.integers(min_value=0), max_size=20),
)
def test_any_text(texts: list[str], end: str, places: list[int]) -> None:
    texts = [text.replace("\r", "\n") for text in texts]
    data = "".join("".join(f"data: {line}{end}" for line in text.split("\n")) + end for text in texts)
    decoder = Decoder()
    assert [payload for piece in cut(data.encode(), places) for payload in decoder.feed(piece)] == texts


@pytest.mark.parametrize("piece", [b"x" * 100, b"data: " + b"x" * 100 + b"\n"], ids=["line", "event"])
def test_what_never_ends_is_refused(piece: bytes) -> None:
    decoder = Decoder(limit=1050)
    assert [payload for _ in range(10) for payload in decoder.feed(piece)] == []
    with pytest.raises(BadReply):
        decoder.feed(piece)
