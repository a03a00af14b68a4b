"""The HTTP requests that profiles write, the complete responses that they read, and the JSON in both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"

MAX_JSON_VALUES: Final = 16_000
"""Values in one message, which take about 10 ms to parse. A completion has dozens, and echoes a prompt's commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request without the key: the Authorization header is added when it is sent, and only for the key's own host."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A complete response: its status, its headers with lower-case names, and its body up to a limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return is_success(self.status)

    def json(self, *, max_values: int = MAX_JSON_VALUES) -> object:
        """The body as JSON if the status is 2xx, else None; see :func:`parse_json`."""
        return parse_json(self.body, max_values=max_values) if self.is_success else None


def is_success(status: int) -> bool:
    """Whether ``status`` is 2xx."""
    return 200 <= status < 300


def post(url: str, body: Mapping[str, object], *, accept: str = EVENT_STREAM) -> HttpRequest:
    """A POST of ``body`` as JSON, without values that are None. Its strings must be :func:`encodable`."""
    present = {name: value for name, value in body.items() if value is not None}
    return HttpRequest(
        url=url,
        headers={"Content-Type": JSON, "Accept": accept},
        body=json.dumps(present, ensure_ascii=False, separators=(",", ":")).encode(),
    )


def get(url: str) -> HttpRequest:
    """A GET of JSON."""
    return HttpRequest(url=url, headers={"Accept": JSON}, body=b"", method="GET")


def parse_json(text: str | bytes, *, max_values: int = MAX_JSON_VALUES) -> object:
    """``json.loads``, but None for invalid JSON, for absurdly deep nesting, and for more than ``max_values`` values.

    Python parses without interruption, in time that depends on the number of values, and nothing else can run meanwhile.
    """
    if len(text) > max_values and _separators(text) > max_values:
        return None
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None
    return parsed


def _separators(text: str | bytes) -> int:
    """The number of commas, colons and opening brackets: an upper bound on the number of values."""
    if isinstance(text, str):
        return sum(map(text.count, ",:[{"))
    return sum(map(text.count, (b",", b":", b"[", b"{")))
