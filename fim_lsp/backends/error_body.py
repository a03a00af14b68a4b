"""What a server's error body says, in whichever of the many shapes it came.

Bodies echo what was sent: ``input`` and ``ctx`` always, messages sometimes. So no text of a server's is ever passed
on. Messages are only searched for known words; shown are field names, types and codes that look like identifiers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_CODE: Final = re.compile(r"[A-Za-z0-9_]{1,40}")
_DEPTH: Final = 6  # real bodies nest three deep, one of the layers being JSON in a string
MOST_VALUES: Final = 16_000  # in one message: some 10 ms; a completion has dozens, and echoes a prompt's commas
_CARRIERS: Final = ("message", "msg", "detail", "error", "errors")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """An error body, read. ``words`` is lower case and for matching only: it may hold the user's text.

    ``of_api``: it is a JSON object that holds a message, as every API of this kind writes its errors. A page, other JSON
    and an empty body come from something else on the way: a firewall, a proxy, a sign-in page.
    """

    words: str = ""
    of_api: bool = True
    fields: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Complaint(fields={self.fields}, labels={self.labels})"


@dataclass(slots=True)
class _Found:
    messages: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


def read_error_body(body: bytes | object) -> ErrorBody:
    """Read an error body: bytes as they came, or JSON that was already parsed. Never raises."""
    found = _Found()
    message = parse_json(body) if isinstance(body, bytes) else body
    _collect(body.decode("utf-8", "replace") if isinstance(body, bytes) else body, found, _DEPTH)
    return ErrorBody(
        of_api=_of_api(message, body),
        words="\n".join(found.messages).lower(),
        fields=tuple(dict.fromkeys(found.fields)),
        labels=tuple(dict.fromkeys(found.labels)),
    )


def _of_api(message: object, body: bytes | object) -> bool:
    if message is None and isinstance(body, bytes):  # JSON that was cut short?
        return body.lstrip()[:1] == b"{" and any(f'"{name}"'.encode() in body for name in _CARRIERS)
    return isinstance(message, dict) and not message.keys().isdisjoint(_CARRIERS)


def parse_json(text: str | bytes, *, values: int = MOST_VALUES) -> object:
    """``json.loads``, but None for what isn't JSON, nests too deep to be meant seriously, or has more than ``values``.

    Python parses without a pause, so it is the number of values that says how long nothing else gets a turn.
    """
    signs = (
        (text.count(sign) for sign in ",:[{") if isinstance(text, str) else map(text.count, (b",", b":", b"[", b"{"))
    )
    if len(text) > values and sum(signs) > values:
        return None
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None
    return parsed


def _collect(value: object, found: _Found, depth: int) -> None:
    if depth == 0:
        return
    if isinstance(value, str):
        inner = parse_json(value) if value.lstrip().startswith(("{", "[")) else None
        if isinstance(inner, dict | list):
            _collect(inner, found, depth - 1)
        else:
            found.messages.append(value)
    elif isinstance(value, list):
        for item in value:
            _collect(item, found, depth - 1)
    elif isinstance(value, dict):
        _collect_object(value, found, depth)


def _collect_object(value: dict[str, object], found: _Found, depth: int) -> None:
    for key in ("type", "code"):
        label = value.get(key)
        if isinstance(label, str | int) and _CODE.fullmatch(str(label)):
            found.labels.append(str(label))
    where = value.get("loc", value.get("param"))
    steps = [str(step) for step in (where if isinstance(where, list) else [where])]
    name = ".".join(step for step in steps if step not in ("body", "None") and _IDENTIFIER.fullmatch(step))
    if name:
        found.fields.append(name)
    for key in _CARRIERS:
        if key in value:
            _collect(value[key], found, depth - 1)
