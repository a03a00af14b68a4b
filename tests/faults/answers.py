"""The answers of a host that misbehaves, by kind of fault."""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tests.fakes.http import Request, head, reset, response
from tests.faults.host import Misbehave
from tests.faults.stage import PLAIN, Stage

Begin = Callable[[Stage], Awaitable[None]]

SSE: Final = "text/event-stream"
EVENT: Final = b'data: {"choices":[{"index":0,"delta":{"content":"a = b\\n"}}]}\n\n'
LAST: Final = b'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
PAGE: Final = b"<!doctype html><html><head><title>Error</title></head><body><h1>Error</h1></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``way``: how the host is reached. ``is_variant``: of another one, so that only a long run needs it."""

    begin: Begin
    way: str = PLAIN
    is_variant: bool = False


def answers(misbehave: Misbehave) -> Begin:
    """The host misbehaves in answering."""

    async def begin(stage: Stage) -> None:
        stage.host.misbehave = misbehave

    return begin


def sends(*pieces: bytes, again: bytes = b"", gap: float = 0.0, then: str = "close") -> Begin:
    """The host sends bytes ``gap`` seconds apart, and ``again`` until it is healed; ``then`` it closes, hangs, resets or keeps.

    A server that was silent still is so in the same connection when it answers others again.
    """

    async def begin(stage: Stage) -> None:
        async def misbehave(_request: Request, writer: asyncio.StreamWriter) -> bool:
            async def send(data: bytes) -> None:
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(gap)

            for piece in pieces:
                await send(piece)
            while again and stage.host.misbehave is misbehave:
                await send(again)
            if then == "hang":
                await asyncio.Event().wait()
            elif then == "reset":
                reset(writer)
            return then == "keep"

        stage.host.misbehave = misbehave

    return begin


def replies(status: int, body: object = b"", content_type: str = "application/json", **headers: str) -> Begin:
    """The host sends a whole response."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return sends(response(status, raw, named, content_type), then="keep")


def streams(*pieces: bytes, again: bytes = b"", gap: float = 0.0, then: str = "close") -> Begin:
    """The host begins a stream of events and sends pieces."""
    return sends(head(200, {}, SSE), *pieces, again=again, gap=gap, then=then)


def message(status: int) -> dict[str, object]:
    """An error of the API's own."""
    return {
        "object": "error",
        "message": "no",
        "type": "some_error",
        "param": None,
        "code": None,
        "raw_status_code": status,
    }


# -- answers that are none

_CHUNKED = {"Transfer-Encoding": "chunked"}
_SURROGATE = b'data: {"choices":[{"index":0,"delta":{"content":"\\ud800x = \\udfff"}}]}\n\n'

ANSWERS: Final = {
    "an event cut short": Fault(begin=streams(EVENT[:40])),
    "a stream without its end": Fault(begin=streams(EVENT)),
    "a chunk cut short": Fault(begin=sends(head(200, _CHUNKED, SSE), b"ff\r\n" + EVENT)),
    "chunks of no number": Fault(begin=sends(head(200, _CHUNKED, SSE), b"zz\r\n" + EVENT)),
    "events that are no JSON": Fault(begin=streams(b"data: {choices: [1}\n\n" * 9 + b"data: [DONE]\n\n")),
    "events of the wrong types": Fault(
        begin=streams(
            b'data: {"choices":{"index":[]}}\n\ndata: 7\n\ndata: null\n\ndata: {"choices":[[1],null]}\n\n' + LAST
        )
    ),
    "an error in the stream": Fault(begin=streams(EVENT, b'data: {"error":{"message":"no","code":500}}\n\n' + LAST)),
    "an empty body": Fault(begin=replies(200, b"", SSE)),
    "204": Fault(begin=sends(b"HTTP/1.1 204 No Content\r\n\r\n")),
    "JSON cut short": Fault(begin=replies(200, b'{"choices":[{"message":{"content":"a = ')),
    "fewer bytes than announced": Fault(begin=sends(head(200, {"Content-Length": "4000"}), b'{"choices":[')),
    "more bytes than announced": Fault(begin=sends(response(200, b"{}", {}) + b"HTTP/1.1 200 OK\r\n\r\n", then="keep")),
    "JSON nested deeply": Fault(begin=replies(200, b'{"choices":' + b"[" * 200_000)),
    "JSON of another kind": Fault(begin=replies(200, ["a", {"b": 1}])),
    "a page": Fault(begin=replies(200, PAGE, "text/html")),
    "a page that calls itself a stream": Fault(begin=replies(200, PAGE, SSE)),
    "an image": Fault(begin=replies(200, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "image/png")),
    "a completion that calls itself a page": Fault(begin=replies(200, EVENT + LAST, "text/html")),
    "invalid UTF-8": Fault(begin=streams(EVENT.replace(b"a =", b"a\xff\xc0\x80\xed\xa0\x80 ="), LAST)),
    "U+2028 and U+2029": Fault(begin=streams(EVENT.replace(b"a =", "a\u2028\u2029\x85 =".encode()), LAST)),
    "lone surrogates": Fault(begin=streams(_SURROGATE, LAST)),
    "no HTTP": Fault(begin=sends(b"SSH-2.0-OpenSSH_9.9\r\n")),
    "NULs": Fault(begin=sends(bytes(5000))),
}

# -- too much

_BIG = b"a" * 65_536
_MANY = b"".join(b"X-%d: y\r\n" % number for number in range(3000))
_BOMB = gzip.compress(b'{"choices":[{"message":{"content":"') + gzip.compress(b" " * (1 << 20)) * 64


def _announced(coding: str, status: int = 200) -> Fault:
    return Fault(begin=replies(status, _BOMB, SSE, Content_Encoding=coding), is_variant="," in coding)


TOO_MUCH: Final = {
    "a gigabyte in one string": Fault(
        begin=sends(head(200, {"Content-Length": str(1 << 30)}), b'{"choices":[{"message":{"content":"', again=_BIG)
    ),
    "a gigabyte of an error": Fault(
        begin=sends(head(500, {"Content-Length": str(1 << 30)}), b'{"message":"', again=_BIG)
    ),
    "an event without end": Fault(begin=streams(b"data: ", again=_BIG)),
    "events without end": Fault(begin=streams(again=EVENT)),
    "empty lines without end": Fault(begin=streams(again=b'data: {"choices":[{"delta":{"content":"\\n"}}]}\n\n')),
    "comments without end": Fault(begin=streams(again=b": still there\n\n" * 1000)),
    "keep-alives, a second apart": Fault(begin=streams(again=b": still there\n\n", gap=1.0)),
    "chunk extensions without end": Fault(begin=sends(head(200, _CHUNKED, SSE), b"5;", again=_BIG)),
    "100 without end": Fault(begin=sends(again=b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)),
    "a header without end": Fault(begin=sends(b"HTTP/1.1 200 OK\r\nX: ", again=_BIG)),
    "headers without end": Fault(begin=sends(b"HTTP/1.1 200 OK\r\n", again=b"X: y\r\n" * 1000)),
    "3,000 headers": Fault(begin=sends(b"HTTP/1.1 200 OK\r\n" + _MANY + b"\r\n")),
    "90 kB in a header": Fault(begin=sends(head(500, {"X": "y" * 90_000}))),
    "a bomb (gzip)": _announced("gzip"),
    "a bomb (br)": _announced("br"),
    "a bomb (zstd)": _announced("zstd"),
    "a bomb (deflate, gzip)": _announced("deflate, gzip"),
    "a bomb in an error": _announced("gzip", 503),
    "a bomb, not announced": Fault(begin=replies(200, _BOMB, SSE)),
}

# -- statuses

STATUSES: Final = {
    f"{status}{', a page' if page else ''}": Fault(
        begin=replies(status, PAGE, "text/html") if page else replies(status, message(status)),
        is_variant=page and status not in (401, 404, 429, 502),
    )
    for status in (401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 529)
    for page in (False, True)
}

# -- a number, a date, or nonsense


def _http_date(seconds: float = 0.0) -> str:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return email.utils.format_datetime(moment, usegmt=True)


def retry_after(status: int, seconds: float | str) -> Begin:
    """The header is written when the request comes, as dates are relative to that."""

    async def misbehave(request: Request, writer: asyncio.StreamWriter) -> bool:
        value = _http_date(seconds) if isinstance(seconds, float) else seconds
        headers = {"Retry-After": value, "Date": _http_date()}
        writer.write(response(status, json.dumps(message(status)).encode(), headers))
        await writer.drain()
        return True

    return answers(misbehave)


RETRY_AFTER: Final = {
    f"{status}, Retry-After: {name}": Fault(
        begin=retry_after(status, value), is_variant=status == 503 and name not in ("a day", "soon")
    )
    for status in (429, 503)
    for name, value in (
        ("0", "0"),
        ("1", "1"),
        ("-60", "-60"),
        ("soon", "soon"),
        ("1e400", "1e400"),
        ("milliseconds since 1970", "1790000000000"),
        ("a date that has passed", -3600.0),
        ("a date in two seconds", 2.0),
        ("no date", "Mon, 99 Foo 9999 99:99:99 GMT"),
        ("a day", "86400"),
    )
    if (status, name) != (429, "a day")  # ten minutes are waited then, or until somebody asks
}

# -- redirects and interim responses


def _redirect(status: int, location: str = "") -> Begin:
    async def begin(stage: Stage) -> None:
        where = location or f"{stage.elsewhere.url}/v1/fim/completions"
        await replies(status, b"", Location=where)(stage)

    return begin


REDIRECTS: Final = {
    **{
        f"{status} to another host": Fault(begin=_redirect(status), is_variant=status in (302, 303))
        for status in (301, 302, 303, 307, 308)
    },
    "302 to nonsense": Fault(begin=_redirect(302, "http://[::1:99999/\x01")),
    "307 to itself": Fault(begin=_redirect(307, "/v1/fim/completions")),
    "300 without a word": Fault(begin=replies(300)),
    "100, then nothing": Fault(begin=sends(b"HTTP/1.1 100 Continue\r\n\r\n", then="hang")),
    "101": Fault(
        begin=sends(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", then="hang")
    ),
    "103 a thousand times, then an answer": Fault(
        begin=sends(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000, head(200, {}, SSE), EVENT, LAST)
    ),
}
