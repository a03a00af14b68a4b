"""The HTTP request that a profile writes, and the whole response that it reads when it asks about a server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One call, without the key: the Authorization header is added at the very end, and only for the key's own host."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    streaming: bool
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A whole answer to a question that is no completion: its status, headers, and as much of its body as is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is one of the 2xx."""
        return 200 <= self.status < 300


EVENTS: Final = "text/event-stream"


def post(url: str, body: Mapping[str, object], *, accept: str = EVENTS) -> HttpRequest:
    """A POST of ``body`` as JSON, without its parts that are None. Its texts must be :func:`encodable`."""
    sent = {name: value for name, value in body.items() if value is not None}
    return HttpRequest(
        url=url,
        headers={"Content-Type": "application/json", "Accept": accept},
        body=json.dumps(sent, ensure_ascii=False, separators=(",", ":")).encode(),
        streaming=accept != "application/json",
    )


def get(url: str) -> HttpRequest:
    """A GET of JSON."""
    return HttpRequest(url=url, headers={"Accept": "application/json"}, body=b"", streaming=False, method="GET")
