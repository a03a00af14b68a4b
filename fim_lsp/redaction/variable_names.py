"""What a variable's name reveals about its value: a password, a secret, a key, or nothing."""

from __future__ import annotations

import re
from typing import Literal

NameKind = Literal["password", "secret", "key", ""]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_METADATA = frozenset(
    """
    name names id ids file filename path dir url uri endpoint field fields type types kind header headers env var vars
    prefix suffix label hash hashed digest checksum sha sha1 sha256 md5 regex re pattern format class length len size
    count hint text message msg error help title description prompt placeholder selector policy expiry expires ttl
    timeout algorithm alg version index usage mode arn ref input form page view handler provider manager service
    factory store cache map list set types validator generator rotation location at date time status state schema col
    column table style color icon fmt template enabled required strength rules rule scope scopes used changed created updated
    """.split()
)
_PUBLIC = frozenset("public pub hash hashes integrity checksum fingerprint digest sri etag commit cache".split())
_PUBLIC_TOKENS = frozenset("next page continuation pagination sync change request idempotency cancellation".split())
_SUFFIXES = frozenset("prod dev value base b hex default string".split())
_PASSWORD = re.compile(
    r"passw(?:or)?d|passwort|passphrase|pwd$|_pw$|^pw$|(?:^|_|db|user|mysql|root|smtp)pass$|requirepass"
)
_SECRET = re.compile(
    r"secret|token|credential|(?:api|app|access|auth|private|account|shared|signing|encryption|encrypt|master|service|server"
    r"|session|storage|write|admin|license|jwt|webhook)_?key|(?:^|_)auth$|authorization$|conn(?:ection)?_?str(?:ing)?|(?:^|_)creds?$"
)
_KEY = re.compile(r"keys?$")


def classify(name: str) -> NameKind:
    """What ``name``, in camelCase, snake_case, kebab-case or with dots, reveals about the value assigned to it."""
    words = _without_suffixes([word.lower() for word in _WORD.findall(name)])
    if not words or words[-1] in _METADATA or not _PUBLIC.isdisjoint(words):
        return ""
    if words[-1] in {"token", "tokens"} and not _PUBLIC_TOKENS.isdisjoint(words):
        return ""
    joined = "_".join(words)
    if _PASSWORD.search(joined):
        return "password"
    if _SECRET.search(joined):
        return "secret"
    return "key" if _KEY.search(joined) else ""


def _without_suffixes(words: list[str]) -> list[str]:
    """``words`` without insignificant ones at the end, except for the last one of "connection string"."""
    while words and (words[-1].isdigit() or words[-1] in _SUFFIXES):
        if words[-1] == "string" and "conn" in "".join(words):
            break
        words = words[:-1]
    return words
