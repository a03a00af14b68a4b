"""The header of the base protocol: LSP's fields pass, split anywhere; anything else ends at its first invalid byte."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fim_lsp.lsp.framing import Framing, FramingError
from tests.lsp.foreign_streams import BODY, FOREIGN_STREAMS, LENGTH, TYPE


def decode(*pieces: bytes) -> list[bytes]:
    framing = Framing()
    return [body for piece in pieces for body in framing.feed(piece)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


HEADERS = [
    [LENGTH],
    [LENGTH, TYPE],
    [TYPE, LENGTH],
    [b"content-length:%d" % len(BODY)],
    [b"CONTENT-LENGTH:\t %d \t" % len(BODY), b"CoNtEnT-tYpE:application/vscode-jsonrpc;charset=utf8"],
    [LENGTH, LENGTH],
    [b"Content-Length: 000%d" % len(BODY)],
    [LENGTH, b"Content-Type: "],
    [b"fim-lsp-token: a-made-up-token", LENGTH],
]


@pytest.mark.parametrize("lines", HEADERS)
@given(places=st.lists(st.integers(0, 10_000), max_size=6))
def test_headers_of_lsp_pass_cut_anywhere(lines: list[bytes], places: list[int]) -> None:
    message = b"\r\n".join(lines) + b"\r\n\r\n" + BODY
    assert decode(*cut(message * 3, places)) == [BODY] * 3


@pytest.mark.parametrize("lines", HEADERS)
def test_headers_of_lsp_pass_byte_by_byte(lines: list[bytes]) -> None:
    message = b"\r\n".join(lines) + b"\r\n\r\n" + BODY
    assert decode(*(bytes([byte]) for byte in message * 2)) == [BODY] * 2


@pytest.mark.parametrize("stream", FOREIGN_STREAMS.values(), ids=FOREIGN_STREAMS)
@given(places=st.lists(st.integers(0, 10_000), max_size=6))
@example(places=[])
@example(places=list(range(200)))
def test_what_is_not_lsp_ends_the_stream_before_anything_is_passed_on(stream: bytes, places: list[int]) -> None:
    framing, handed = Framing(), list[bytes]()

    def feed_all() -> None:
        for piece in cut(stream, places):
            handed.extend(framing.feed(piece))

    with pytest.raises(FramingError) as caught:
        feed_all()
    assert handed == []
    for word in ("evil", "hello", "initialize", "aaaa", "HTTP"):
        assert word not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in FOREIGN_STREAMS if name not in {"an empty length", "no length"}])
def test_a_foreign_stream_ends_with_its_first_odd_byte_after_a_message_too(name: str) -> None:
    framing = Framing()
    assert list(framing.feed(LENGTH + b"\r\n\r\n" + BODY)) == [BODY]
    with pytest.raises(FramingError):
        list(framing.feed(FOREIGN_STREAMS[name]))


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_where_the_stream_is_cut_changes_nothing(data: bytes, places: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> tuple[list[bytes], bool]:
        framing, bodies = Framing(), []
        try:
            for piece in pieces:
                bodies += framing.feed(piece)
        except FramingError:
            return bodies, True
        return bodies, False

    for start in (b"", b"Content-Length: 3\r\n\r\nabc", b"Content-Length: 3\r\nContent-Type: "):
        assert outcome(cut(start + data, places)) == outcome([start + data])


def test_http_and_tls_are_rejected_at_the_first_byte() -> None:
    for first in (b"G", b"P", b"O", b"H", b"D", b"\x16", b"\x80", b"{", b" ", b"\n"):
        with pytest.raises(FramingError):
            decode(first)


def test_the_longest_message_is_a_parameter_and_counts_before_the_body_comes() -> None:
    framing = Framing(max_body=10)
    assert list(framing.feed(b"Content-Length: 10\r\n\r\n0123456789")) == [b"0123456789"]
    with pytest.raises(FramingError):
        list(framing.feed(b"Content-Length: 11\r\n\r\n"))


def test_the_token_is_the_last_headers() -> None:
    framing = Framing()
    assert framing.token is None
    assert list(framing.feed(b"FIM-LSP-TOKEN:  a-token \r\nContent-Length: 1\r\n\r\nx")) == [b"x"]
    assert framing.token == b"a-token"
    assert list(framing.feed(b"Content-Length: 1\r\n\r\nx")) == [b"x"]
    assert framing.token is None
