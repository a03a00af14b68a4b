"""Completions as Mistral, and those who answer like it, write them: streamed as events or whole, read the same way.

What was asked for is not trusted: gateways answer a streaming request with one JSON body, and the other way round.
So the body's first byte decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from fim_lsp.backends.base import Chunk, Usage
from fim_lsp.backends.complaint import parse_json
from fim_lsp.backends.sse import Decoder
from fim_lsp.errors import BackendError, BadReply

BODY_LIMIT: Final = 4 << 20
"""Bytes that a whole JSON answer may have."""

_BLANK: Final = b"\xef\xbb\xbf \t\r\n"  # a byte order mark and white space, in any order
_ERROR_KEYS: Final = frozenset({"error", "detail", "message"})


class CompletionReader:
    """Reads one answer. ``complain`` makes an error of a message that is one."""

    def __init__(self, complain: Callable[[object], BackendError]) -> None:
        self._complain = complain
        self._head = b""  # what came before the kind of answer was known
        self._body: bytearray | None = None  # a whole JSON answer
        self._events: Decoder | None = None  # or a streamed one
        self._ended = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """See :class:`~fim_lsp.backends.wire.Reader`."""
        if self._body is None and self._events is None:
            self._head += data
            first = self._head.lstrip(_BLANK)[:1]
            if first in (b"{", b"["):
                self._body = bytearray()
            elif first:
                self._events = Decoder()
            data = self._head
        if self._events is not None:
            yield from self._chunks(self._events.feed(data))
        elif self._body is not None:
            self._body += data
        if len(self._body or self._head) > BODY_LIMIT:
            raise BadReply("the server's answer does not end")

    def finish(self) -> Iterator[Chunk]:
        """See :class:`~fim_lsp.backends.wire.Reader`."""
        if self._events is not None:
            yield from self._chunks(self._events.finish())
            if not (self._ended or self._events.done):
                raise BadReply("the answer broke off before its end")
        else:
            yield self._chunk(bytes(self._body or b""), whole=True)

    def _chunks(self, payloads: Iterable[str]) -> Iterator[Chunk]:
        for payload in payloads:
            if payload.strip():
                chunk = self._chunk(payload)
                self._ended = self._ended or chunk.finish is not None
                yield chunk

    def _chunk(self, text: str | bytes, *, whole: bool = False) -> Chunk:
        message = parse_json(text)
        if isinstance(message, dict) and "choices" not in message and not _ERROR_KEYS.isdisjoint(message):
            raise self._complain(message)
        if not isinstance(message, dict) or (whole and not isinstance(message.get("choices"), list)):
            raise BadReply("the server answered with something else than a completion")
        chunk = chunk_of(message)
        if chunk.finish == "error":
            raise BadReply("the model stopped with an error")
        return chunk


def chunk_of(message: dict[str, object]) -> Chunk:
    """One message, whole or streamed, as a chunk; what is missing or of another type counts as absent."""
    choices = message.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    choice = first if isinstance(first, dict) else {}
    finish = choice.get("finish_reason")
    return Chunk(
        text=_choice_text(choice),
        finish=finish if isinstance(finish, str) and finish else None,
        usage=_usage(message.get("usage")),
    )


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
        prompt_tokens=_count(value.get("prompt_tokens")),
        completion_tokens=_count(value.get("completion_tokens")),
        cached_tokens=_count(details.get("cached_tokens")) if isinstance(details, dict) else 0,
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
