"""Messages come out whole, wherever the bytes were cut."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.errors import BadReply
from fim_lsp.http.stream_decoders import EVENT_LIMIT, LINE_LIMIT, LineDecoder, SseDecoder
from tests.fakes.replies import cut

EVENTS = {
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


@pytest.mark.parametrize("case", EVENTS)
@given(places=st.lists(st.integers(min_value=0, max_value=200), max_size=8))
def test_events_may_be_cut_anywhere(case: str, places: list[int]) -> None:
    data, payloads = EVENTS[case]
    decoder = SseDecoder()
    found = [payload for piece in cut(data, places) for payload in decoder.feed(piece)]
    assert found + decoder.finish() == payloads
    assert decoder.done == (b"[DONE]" in data)


@given(
    texts=st.lists(st.text().filter(lambda text: text.strip() not in ("", "[DONE]"))),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    places=st.lists(st.integers(min_value=0), max_size=20),
)
def test_any_text_may_be_in_events(texts: list[str], end: str, places: list[int]) -> None:
    texts = [text.replace("\r", "\n") for text in texts]
    data = "".join("".join(f"data: {line}{end}" for line in text.split("\n")) + end for text in texts)
    decoder = SseDecoder()
    assert [payload for piece in cut(data.encode(), places) for payload in decoder.feed(piece)] == texts


@pytest.mark.parametrize("piece", [b"x" * 100, b"data: " + b"x" * 100 + b"\n"], ids=["line", "event"])
def test_an_event_that_never_ends_is_refused(piece: bytes) -> None:
    decoder = SseDecoder(limit=1050)
    assert [payload for _ in range(10) for payload in decoder.feed(piece)] == []
    with pytest.raises(BadReply):
        decoder.feed(piece)


LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))


@given(lines=st.lists(LINE, max_size=6), places=st.lists(st.integers(min_value=0), max_size=8), ended=st.booleans())
def test_lines_may_be_cut_anywhere(lines: list[str], places: list[int], ended: bool) -> None:
    data = "\n".join(lines).encode() + (b"\n" if ended and lines else b"")
    decoder = LineDecoder()
    got = [line for piece in cut(data, places) for line in decoder.feed(piece)] + decoder.finish()
    assert [line for line in got if line] == [line for line in lines if line]


def test_a_line_that_never_ends_is_refused() -> None:
    decoder = LineDecoder(limit=100)
    decoder.feed(b"x" * 100)
    with pytest.raises(BadReply, match="does not end"):
        decoder.feed(b"x")


@pytest.mark.parametrize("make", [SseDecoder, LineDecoder])
def test_a_partial_line_is_joined_only_once(make: Callable[[], SseDecoder | LineDecoder]) -> None:
    """However many pieces it comes in: each is kept as it is, and not searched again."""
    decoder = make()
    pieces = [b"data: "] + [b"x" * 100] * 1000
    for piece in pieces:
        assert decoder.feed(piece) == []
        assert decoder._partial_line[-1] is piece
    assert [payload.removeprefix("data: ") for payload in decoder.feed(b"\n\n") if payload] == ["x" * 100_000]


@pytest.mark.parametrize(("decoder", "limit"), [(SseDecoder(), EVENT_LIMIT), (LineDecoder(), LINE_LIMIT)])
def test_the_default_limits_apply(decoder: SseDecoder | LineDecoder, limit: int) -> None:
    decoder.feed(b"a" * limit)
    with pytest.raises(BadReply):
        decoder.feed(b"a")


def test_empty_data_lines_count_towards_the_limit() -> None:
    decoder = SseDecoder(limit=100)
    decoder.feed(b"data\n" * 100)
    with pytest.raises(BadReply):
        decoder.feed(b"data\n")
