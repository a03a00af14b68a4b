"""The base protocol's header: LSP's fields pass, cut anywhere; whatever is not LSP ends at its first odd byte."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fim_lsp.lsp.framing import Framing, FramingError

BODY = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}).encode()
LENGTH = b"Content-Length: %d" % len(BODY)
TYPE = b"Content-Type: application/vscode-jsonrpc; charset=utf-8"


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


def http(line: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([line, *fields, LENGTH]) + b"\r\n\r\n" + BODY


FOREIGN = {
    "post": http(b"POST / HTTP/1.1", b"Host: 127.0.0.1:9257", b"Content-Type: text/plain"),
    "post, absolute": http(b"POST http://127.0.0.1:9257/ HTTP/1.1"),
    "post, with our fields only": http(b"POST / HTTP/1.1", TYPE),
    "post, a path that looks like a field": http(b"POST Content-Length: 5 HTTP/1.1"),
    "put": http(b"PUT /content-length: HTTP/1.1"),
    "get": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "get, 0.9": b"GET /\r\n",
    "options": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "connect": b"CONNECT 127.0.0.1:9257 HTTP/1.1\r\n\r\n",
    "content, as a method": http(b"CONTENT / HTTP/1.1"),
    "content-length, as a method": http(b"Content-Length / HTTP/1.1"),
    "fim-lsp-token, as a method": http(b"Fim-Lsp-Token / HTTP/1.1"),
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "tls": bytes.fromhex("160301020001") + b"\0" * 60,
    "ssh": b"SSH-2.0-OpenSSH_9.7\r\n",
    "websocket": b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    "smtp": b"EHLO x\r\n",
    "proxy": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "socks": b"\x05\x01\x00",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "json alone": BODY + b"\n",
    "another field before": b"Host: x\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "another field after": LENGTH + b"\r\nOrigin: http://evil\r\n\r\n" + BODY,
    "a field whose name goes on": LENGTH + b"\r\nContent-Types: x\r\n\r\n" + BODY,
    "an encoding": LENGTH + b"\r\nContent-Encoding: gzip\r\n\r\n" + BODY,
    "a transfer encoding": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "no colon": LENGTH + b"\r\nhello\r\n\r\n" + BODY,
    "no name": b": 5\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "a blank before the colon": b"Content-Length : %d\r\n\r\n" % len(BODY) + BODY,
    "a blank before the name": b" " + LENGTH + b"\r\n\r\n" + BODY,
    "a folded line": LENGTH + b"\r\n 0\r\n\r\n" + BODY,
    "an empty line first": b"\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "nothing but an empty line": b"\r\n\r\n",
    "line feeds alone": LENGTH + b"\n\n" + BODY,
    "a line feed inside": LENGTH + b"\nHost: x\r\n\r\n" + BODY,
    "a return inside": LENGTH + b"\rHost: x\r\n\r\n" + BODY,
    "two lengths": LENGTH + b"\r\nContent-Length: 1\r\n\r\n" + BODY,
    "two types": LENGTH + b"\r\n" + TYPE + b"\r\nContent-Type: x\r\n\r\n" + BODY,
    "two tokens": b"Fim-Lsp-Token: aaaaaaaa\r\nFim-Lsp-Token: bbbbbbbb\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "no length": TYPE + b"\r\n\r\n" + BODY,
    "an empty length": b"Content-Length: \r\n\r\n" + BODY,
    "a sign": b"Content-Length: +5\r\n\r\nhello",
    "a negative length": b"Content-Length: -5\r\n\r\nhello",
    "hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "an underscore": b"Content-Length: 1_0\r\n\r\nhellohello",
    "a list": b"Content-Length: 5, 5\r\n\r\nhello",
    "a fraction": b"Content-Length: 5.0\r\n\r\nhello",
    "other digits": "Content-Length: ٥\r\n\r\nhello".encode(),
    "a length beyond all documents": b"Content-Length: 99999999999\r\n\r\n",
    "thousands of digits": b"Content-Length: " + b"0" * 3000 + b"5\r\n\r\nhello",
    "control characters": LENGTH + b"\r\nContent-Type: a\0b\r\n\r\n" + BODY,
    "a header without end": b"Content-Type: " + b"x" * 5000,
}


@pytest.mark.parametrize("stream", FOREIGN.values(), ids=FOREIGN)
@given(places=st.lists(st.integers(0, 10_000), max_size=6))
@example(places=[])
@example(places=list(range(200)))
def test_what_is_not_lsp_ends_the_stream_before_anything_in_it_is_handed_on(stream: bytes, places: list[int]) -> None:
    framing, handed = Framing(), list[bytes]()

    def feed_all() -> None:
        for piece in cut(stream, places):
            handed.extend(framing.feed(piece))

    with pytest.raises(FramingError) as caught:
        feed_all()
    assert handed == []
    for word in ("evil", "hello", "initialize", "aaaa", "HTTP"):
        assert word not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in FOREIGN if name not in {"an empty length", "no length"}])
def test_a_foreign_stream_ends_with_its_first_odd_byte_after_a_message_too(name: str) -> None:
    framing = Framing()
    assert list(framing.feed(LENGTH + b"\r\n\r\n" + BODY)) == [BODY]
    with pytest.raises(FramingError):
        list(framing.feed(FOREIGN[name]))


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


def test_a_first_byte_tells_http_and_tls_apart_from_lsp() -> None:
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
