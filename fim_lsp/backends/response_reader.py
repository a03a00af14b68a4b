"""Reads completions in the same way whether they are streamed as events or lines, or sent as one message.

The form does not depend on the request: gateways respond to a streaming request with one JSON body, and vice versa. So
the body's first byte decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.errors import BackendError, BadReply
from fim_lsp.http.request import parse_json
from fim_lsp.http.stream_decoders import LineDecoder, SseDecoder

MESSAGE_LIMIT: Final = 1 << 20
"""Bytes in a response that is one message."""

_MAX_COUNT: Final = 1 << 40  # tokens
_HEAD_SIZE: Final = 1024  # bytes that show whether the response is a web page, which may begin with plain text
_IGNORED: Final = b"\xef\xbb\xbf \t\r\n"  # before a response: a byte order mark and whitespace, in any order
_WEB_PAGE: Final = re.compile(rb"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_SSE_FIELD: Final = re.compile(rb"[\xef\xbb\xbf\s]*(?:data|event|id|retry)?:", re.IGNORECASE)
_ERROR_KEYS: Final = ("error", "detail", "message")
_REQUESTED_INDEX: Final = (0, "0", None)  # of the one choice that was asked for; some servers leave it out


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFormat:
    """How one kind of server writes a message of a completion: the field that every message has, its type and meaning.

    ``streams_lines``: it streams lines of JSON, not events.
    """

    field: str
    field_type: type[object]
    to_chunk: Callable[[dict[str, object]], Chunk]
    streams_lines: bool = False

    def is_completion(self, message: dict[str, object]) -> bool:
        """Whether a message has the field."""
        return isinstance(message.get(self.field), self.field_type)


class ResponseReader:
    """A :class:`~fim_lsp.backends.profile.Reader` of one response. ``to_error`` converts an error message to an error.

    Streamed messages that are not part of a completion (keep-alives, a gateway's notes, null) are skipped. If there are no
    others, that is an error.
    """

    suffix_appended = False  # StopFilter checks that where it may happen

    def __init__(
        self, to_error: Callable[[object], BackendError], response_format: ResponseFormat | None = None
    ) -> None:
        self._to_error = to_error
        self._format = response_format or CHOICES
        self._head = b""
        self._size = 0
        self._message: bytearray | None = None  # a response that is one message
        self._decoder: SseDecoder | LineDecoder | None = None  # or a streamed one
        self._has_skipped = False
        self._has_chunks = False
        self._is_finished = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        self._size += len(data)
        if self._message is None and self._decoder is None:
            data = self._head = data.lstrip(_IGNORED)
            self._choose_decoder()
        elif len(self._head) < _HEAD_SIZE and not self._has_chunks:
            self._head += data
        if self._decoder is not None:
            yield from self._read_stream(self._decoder.feed(data))
        elif self._message is not None:
            self._message += data
        if self._decoder is None and self._size > MESSAGE_LIMIT:
            raise BadReply("the server's response does not end")

    def finish(self) -> Iterator[Chunk]:
        if self._decoder is None:
            yield self._read_whole(bytes(self._message or b""))
            return
        yield from self._read_stream(self._decoder.finish())
        if not self._has_chunks and (self._has_skipped or not _SSE_FIELD.match(self._head)):
            raise _web_page() if _WEB_PAGE.search(self._head) else _no_completion()
        if not (self._is_finished or self._decoder.done):
            raise BadReply("the response broke off before its end")

    def _choose_decoder(self) -> None:
        first = self._head[:1]
        if first == b"<":  # neither JSON nor an event begins with it
            raise _web_page()
        if self._format.streams_lines:
            self._decoder = LineDecoder() if first else None
        elif first in (b"{", b"["):
            self._message = bytearray()
        elif first:
            self._decoder = SseDecoder()

    def _read_stream(self, messages: Iterable[str]) -> Iterator[Chunk]:
        for message in messages:
            if not message.strip():
                continue
            chunk = self._read(parse_json(message))
            if chunk is None:
                self._has_skipped = True
            else:
                self._has_chunks = True
                self._is_finished = self._is_finished or chunk.finish is not None
                yield chunk

    def _read_whole(self, body: bytes) -> Chunk:
        message = parse_json(body)
        chunk = self._read(message)
        if chunk is None or not (isinstance(message, dict) and self._format.is_completion(message)):
            raise _no_completion()
        return chunk

    def _read(self, message: object) -> Chunk | None:
        """The message as a chunk; None if it is not part of a completion. Errors after the finish reason are ignored."""
        if not isinstance(message, dict):
            return None
        is_completion = self._format.is_completion(message)
        is_error = any(message.get(key) for key in (("error",) if is_completion else _ERROR_KEYS))
        chunk = self._format.to_chunk(message)
        if (is_error or chunk.finish == "error") and not self._is_finished:
            error = self._to_error(message) if is_error else BadReply("the model stopped with an error")
            error.invalidates_output = True
            raise error
        has_content = is_completion or chunk.finish is not None or chunk.usage is not None
        return chunk if has_content and not is_error else None


def _web_page() -> BadReply:
    return BadReply(
        "the server responded with a web page instead of a completion: a proxy or a sign-in page is in between, "
        "or the setting base_url belongs to another site"
    )


def _no_completion() -> BadReply:
    return BadReply("the server responded with something other than a completion")


def chunk_of_choices(message: dict[str, object]) -> Chunk:
    """One message, whole or streamed, as a chunk. What is missing or has another type counts as absent."""
    choices = message.get("choices")
    candidates = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    choice = next((choice for choice in candidates if choice.get("index") in _REQUESTED_INDEX), {})
    finish = choice.get("finish_reason")
    return Chunk(
        text=_choice_text(choice),
        finish=finish if isinstance(finish, str) and finish else None,
        usage=_usage(message.get("usage")),
    )


CHOICES: Final = ResponseFormat(field="choices", field_type=list, to_chunk=chunk_of_choices)
"""Mistral's and OpenAI's format."""


def _choice_text(choice: dict[str, object]) -> str:
    """The text of a choice: in ``delta`` or ``message``, else in ``messages``, else in ``text``."""
    messages = choice.get("messages")
    for holders in ([choice.get("delta"), choice.get("message")], messages if isinstance(messages, list) else []):
        text = "".join(_content_text(holder.get("content")) for holder in holders if isinstance(holder, dict))
        if text:
            return text
    return _content_text(choice.get("text"))


def _content_text(content: object) -> str:
    """The text of ``content``: a string, a list of typed parts (https://docs.mistral.ai/api/endpoint/fim), or null."""
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


def count_of(value: object) -> int:
    """``value`` if it is a plausible number of tokens, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT else 0
