"""Responses of a Codestral server for a request and a text, shaped by recorded ones; and bytes cut anywhere."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from fim_lsp.http.request import HttpResponse

Body = dict[str, Any]


def tokens_of(text: str) -> list[str]:
    """Pieces of about four characters, which is about what a token of code is."""
    return re.findall(r"\s*\S{1,4}|\s+", text)


def generated(body: Body, answer: str) -> tuple[str, str]:
    """What of ``answer`` is generated: up to a stop string and ``max_tokens``; and the finish reason."""
    stops = body.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        answer = answer.partition(stop)[0]
    tokens, limit = tokens_of(answer), body.get("max_tokens")
    return (answer, "stop") if limit is None or len(tokens) <= limit else ("".join(tokens[:limit]), "length")


def usage(body: Body, text: str) -> Body:
    prompt = len(tokens_of(body["prompt"] + (body.get("suffix") or ""))) + 3
    answer = len(tokens_of(text))
    details = {"cached_tokens": prompt // 64 * 64 if body.get("prompt_cache_key") else 0}
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "prompt_tokens_details": details,
    }


def whole(body: Body, text: str, finish: str) -> Body:
    """The answer as one message."""
    message = {"role": "assistant", "content": text, "tool_calls": None, "prefix": False}
    return {
        "id": "245c52bc936f53ba90327800c73d1c3e",
        "object": "chat.completion",
        "model": body["model"],
        "created": 1759496862,
        "usage": usage(body, text),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }


def streamed(body: Body, text: str, finish: str) -> list[Body]:
    """The answer as messages of one token each; the last has the finish reason and the usage."""
    pieces = tokens_of(text) or [""]
    chunks = []
    for index, piece in enumerate(pieces):
        last = index == len(pieces) - 1
        delta = {"role": "assistant", "content": piece} if index == 0 else {"content": piece}
        choice = {"index": 0, "delta": delta, "finish_reason": finish if last else None}
        chunk = {"id": "245c52bc", "object": "chat.completion.chunk", "created": 1759496862, "model": body["model"]}
        chunks.append({**chunk, "choices": [choice], **({"usage": usage(body, text)} if last else {})})
    return chunks


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` in pieces, cut at ``places``."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def http_response(status: int, body: object = b"", headers: dict[str, str] | None = None) -> HttpResponse:
    """A complete response; ``body`` as it is, or as JSON if it is not bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status=status, headers=headers or {}, body=data)
