"""Who may come in on TCP: a client whose first message is ``initialize`` with the server's token."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from fim_lsp.secret import Secret

MAX_FIRST_MESSAGE = 1 << 18
"""Bytes of a first message that has yet to show the token: VS Code's has some 15 kB."""

_MAX_ID = 100  # characters of a request's id that is repeated to a client without a token

_LOGGED, _LOGGED_EVERY = 100, 10_000  # clients turned away: the first of them, then one in so many


class Gate:
    """Knows a server's token, and never shows it."""

    def __init__(self, token: Secret) -> None:
        self._digest = _digest(token.reveal().encode())
        self._refused = 0

    def count_refusal(self) -> bool:
        """Count a client that was turned away; whether it is worth a line in the log, which must not fill the disk."""
        self._refused += 1
        return self._refused <= _LOGGED or self._refused % _LOGGED_EVERY == 0

    def admits(self, body: bytes, header_token: bytes | None) -> bool:
        """Whether a first message has the token, in its header, its ``initializationOptions``, or both."""
        try:
            message = json.loads(body)
            if not isinstance(message, dict) or message.get("method") != "initialize":
                return False
            tokens: list[Any] = take_tokens(message.get("params"))
        except (ValueError, RecursionError):
            return False
        if header_token is not None:
            tokens.append(header_token.decode("ascii"))
        return bool(tokens) and all(map(self._is_right, tokens))

    def _is_right(self, token: object) -> bool:
        given = token.encode("utf-8", "surrogatepass") if isinstance(token, str) else b""
        return hmac.compare_digest(_digest(given), self._digest)


def _digest(token: bytes) -> bytes:
    """Tokens are compared by their digests: these have one length, whatever the client sends."""
    return hashlib.sha256(token).digest()


def take_tokens(params: object) -> list[Any]:
    """Take the tokens out of the parameters of ``initialize``: ``initializationOptions.token``, also under ``fim-lsp``."""
    options = params.get("initializationOptions") if isinstance(params, dict) else None
    if not isinstance(options, dict):
        return []
    places = (options, options.get("fim-lsp"))
    return [place.pop("token") for place in places if isinstance(place, dict) and "token" in place]


def refusal(body: bytes) -> bytes:
    """The one reply to a first message that was not let in, framed."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        message = None
    identity = message.get("id") if isinstance(message, dict) else None
    if not isinstance(identity, int | str) or isinstance(identity, bool) or len(str(identity)) > _MAX_ID:
        identity = None
    sentence = (
        "fim-lsp: this server wants its token before anything else: the first message must be initialize with "
        "initializationOptions.token, or with a header field Fim-Lsp-Token."
    )
    error = {"code": -32600, "message": sentence}  # InvalidRequest
    reply = json.dumps({"jsonrpc": "2.0", "id": identity, "error": error}).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(reply), reply)
