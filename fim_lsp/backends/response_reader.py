"""Completions: streamed as events, as lines, or whole, all read the same way; first of all as Mistral writes them.

What was asked for is not trusted: gateways answer a streaming request with one JSON body, and the other way round.
So the body's first byte decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.backends.error_body import parse_json
from fim_lsp.errors import BackendError, BadReply
from fim_lsp.http.ndjson import Lines
from fim_lsp.http.sse import Decoder

BODY_LIMIT: Final = 1 << 20
"""Bytes that a whole JSON answer may have."""

_BLANK: Final = b"\xef\xbb\xbf \t\r\n"  # a byte order mark and white space, in any order
_ERROR_KEYS: Final = ("error", "detail", "message")
_HEAD: Final = 1024  # bytes of an answer that show whether it is a page, which may begin with a sentence
_PAGE: Final = re.compile(rb"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_EVENTS: Final = re.compile(
    rb"[\xef\xbb\xbf\s]*(?:data|event|id|retry)?:", re.IGNORECASE
)  # a field of a stream of events
_OWN: Final = (0, "0", None)  # the index of the choice that was asked for; some leave it out


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFormat:
    """How one kind of server writes a message: the field that each has, its type, and what the message means.

    ``lines``: it streams a line of JSON a message, not events.
    """

    carrier: str
    kind: type[object]
    chunk_of: Callable[[dict[str, object]], Chunk]
    lines: bool = False


class ResponseReader:
    """Reads one answer. ``complain`` makes an error of a message that is one.

    Messages of a stream that are no part of a completion (keep-alives, notes of a gateway, null) are passed over; that
    nothing else came is an error.
    """

    appended = False  # see fim_lsp.backends.profile.Reader; for servers that are not sent a suffix to append

    def __init__(self, complain: Callable[[object], BackendError], shape: ResponseFormat | None = None) -> None:
        self._complain = complain
        self._shape = shape or CHOICES
        self._head = b""  # the beginning of the answer
        self._size = 0  # bytes that have come
        self._body: bytearray | None = None  # a whole JSON answer
        self._events: Decoder | Lines | None = None  # or a streamed one
        self._passed_over = self._useful = self._ended = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """See :class:`~fim_lsp.backends.profile.Reader`."""
        self._size += len(data)
        if self._body is None and self._events is None:
            data = self._head = data.lstrip(_BLANK)  # all before it was blank
            self._decide()
        elif len(self._head) < _HEAD and not self._useful:
            self._head += data
        if self._events is not None:
            yield from self._chunks(self._events.feed(data))
        elif self._body is not None:
            self._body += data
        if self._events is None and self._size > BODY_LIMIT:
            raise BadReply("the server's answer does not end")

    def _decide(self) -> None:
        """See by its first byte what kind of answer this is."""
        first = self._head[:1]
        if first == b"<":  # neither JSON nor events begin so
            raise _page()
        if self._shape.lines:
            self._events = Lines() if first else None
        elif first in (b"{", b"["):
            self._body = bytearray()
        elif first:
            self._events = Decoder()

    def finish(self) -> Iterator[Chunk]:
        """See :class:`~fim_lsp.backends.profile.Reader`."""
        if self._events is None:
            yield self._whole(bytes(self._body or b""))
            return
        yield from self._chunks(self._events.finish())
        if not self._useful and (self._passed_over or not _EVENTS.match(self._head)):
            raise _page() if _PAGE.search(self._head) else _no_completion()
        if not (self._ended or self._events.done):
            raise BadReply("the answer broke off before its end")

    def _chunks(self, payloads: Iterable[str]) -> Iterator[Chunk]:
        for payload in payloads:
            if not payload.strip():
                continue
            chunk = self._chunk(parse_json(payload))
            if chunk is None:
                self._passed_over = True
            else:
                self._useful = True
                self._ended = self._ended or chunk.finish is not None
                yield chunk

    def _whole(self, body: bytes) -> Chunk:
        message = parse_json(body)
        chunk = self._chunk(message)
        if chunk is None or not (isinstance(message, dict) and self._carries(message)):
            raise _no_completion()
        return chunk

    def _chunk(self, message: object) -> Chunk | None:
        """What a message says; None if it is no part of a completion. Nothing that follows the end can undo it."""
        if not isinstance(message, dict):
            return None
        carries = self._carries(message)
        wrong = bool(message.get("error")) or (not carries and any(message.get(key) for key in _ERROR_KEYS))
        chunk = self._shape.chunk_of(message)
        if (wrong or chunk.finish == "error") and not self._ended:
            error = self._complain(message) if wrong else BadReply("the model stopped with an error")
            error.invalidates_output = True
            raise error
        says = carries or chunk.finish is not None or chunk.usage is not None
        return None if wrong or not says else chunk

    def _carries(self, message: dict[str, object]) -> bool:
        return isinstance(message.get(self._shape.carrier), self._shape.kind)


def _page() -> BadReply:
    return BadReply(
        "the server answered with a web page instead of a completion: a proxy or a sign-in page stands in between, "
        "or the setting base_url is another site's"
    )


def _no_completion() -> BadReply:
    return BadReply("the server answered with something else than a completion")


def chunk_of(message: dict[str, object]) -> Chunk:
    """One message, whole or streamed, as a chunk; what is missing or of another type counts as absent."""
    choices = message.get("choices")
    own = (
        (it for it in choices if isinstance(it, dict) and it.get("index") in _OWN) if isinstance(choices, list) else ()
    )
    choice = next(iter(own), {})
    finish = choice.get("finish_reason")
    return Chunk(
        text=_choice_text(choice),
        finish=finish if isinstance(finish, str) and finish else None,
        usage=_usage(message.get("usage")),
    )


CHOICES: Final = ResponseFormat(carrier="choices", kind=list, chunk_of=chunk_of)
"""Mistral's, and OpenAI's."""


def _choice_text(choice: dict[str, object]) -> str:
    """The text of a choice: in ``message`` or ``delta``, else in ``messages``, else in ``text``."""
    messages = choice.get("messages")
    for holders in ([choice.get("delta"), choice.get("message")], messages if isinstance(messages, list) else []):
        found = "".join(_content_text(holder.get("content")) for holder in holders if isinstance(holder, dict))
        if found:
            return found
    return _content_text(choice.get("text"))


def _content_text(content: object) -> str:
    """``content``: a string, a list of typed parts (https://docs.mistral.ai/api/endpoint/fim), or null."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type", "text") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    details = value.get("prompt_tokens_details")
    return Usage(
        prompt_tokens=count_of(value.get("prompt_tokens")),
        completion_tokens=count_of(value.get("completion_tokens")),
        cached_tokens=count_of(details.get("cached_tokens")) if isinstance(details, dict) else 0,
    )


_MOST_COUNTED = 1 << 40


def count_of(value: object) -> int:
    """``value`` if it is a number of things that there may be, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_COUNTED else 0
