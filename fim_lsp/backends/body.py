"""How requests are written down, for all profiles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from fim_lsp.backends.wire import HttpRequest
from fim_lsp.text.positions import with_line_feeds

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


def least(*counts: int | None) -> int | None:
    """The smallest of the numbers that are there."""
    return min((count for count in counts if count is not None), default=None)


def encodable(text: str) -> str:
    """``text`` with surrogates joined where they are pairs, and replaced where they stand alone: no UTF-8 can hold them."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def stops(*groups: str | tuple[str, ...] | None) -> list[str]:
    r"""All stop strings of ``groups``, in order, each once; their line ends are ``\n`` as those of all that is sent."""
    texts = (text for group in groups for text in ((group,) if isinstance(group, str) else group or ()))
    return list(dict.fromkeys(with_line_feeds(encodable(text)) for text in texts if text))
