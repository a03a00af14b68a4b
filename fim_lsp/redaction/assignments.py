"""Values that are assigned to names which say secret, in whatever language: ``password = "…"``, ``API_KEY=…``, headers.

Only where such a word stands is anything tried, and every repetition has an upper end: the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from fim_lsp.redaction.token_patterns import Span
from fim_lsp.redaction.value_heuristics import is_placeholder, looks_made_up, looks_random
from fim_lsp.redaction.variable_names import NameKind, classify

_HINT = re.compile(r"pass|pwd|secret|token|key|auth|cred|conn(?:ection)?[_.-]?str|_pw")
_NAME = re.compile(r"[\w.-]{0,48}\Z", re.ASCII)
_REST = r"(?P<rest>[\w.-]{0,40}+)"  # no operator begins with one of these, so none is ever given back
_OPERATOR = r"""
    (?:\\?["'`]?\)?[\]}]?
        (?: [ \t]{0,40} (?: (?:[?:|+]|\|\|)?={1,3}(?!>) | => | != | := | :(?!:) | <- ) [ \t]{0,8}  # name = "value"
          | [ \t]{0,4}:?[ \t]{0,4}&?[A-Za-z][\w.<>\[\]|&' ]{0,30}?[ \t]{0,4}=[ \t]{0,4}  # name: type = "value"
          | (?:[ \t]{0,4}(?:\|\||\?\?)|[ \t]{1,4}or\b|[,(])[ \t]{0,4}  # name || "value", name("value")
          | >(?=[^<>]{6,200}</)  # <name>value</name>
          | (?:["']?,?\s{1,40}["']?[A-Za-z]{2,12}["']?:[ ]{0,4}["']?[A-Za-z]{1,12})?  # name: N, secure: yes, value: "V"
            \\?["']?\s{0,4}[,{]?\s{0,40}\\?["']?(?:value|default|Value)\\?["']?[ \t]{0,8}[:=][ \t]{0,4}  # name: N, value: "V"
        ))
"""
_QUOTED = re.compile(
    _REST
    + _OPERATOR
    + r"""(?P<quote>[bBrRuUfF@$]{0,2}(?:\\?["'`]|\"{3}|'{3}))(?P<value>[^\\"'`\s]{6,512})(?=\\?["'`]|\s*\Z|\s*[\r\n])""",
    re.VERBOSE | re.ASCII,
)
_BARE = re.compile(
    _REST
    + _OPERATOR
    + r"""(?P<value>[^\s"'`,;()<>\[\]{}\\]{6,512})(?P<after>[ \t]{0,40}(?:[\r\n]|\Z|\#)|[\s,;<&}\\"'`])?""",
    re.VERBOSE | re.ASCII,
)
_SPACED = re.compile(
    _REST + r"""[ \t]{1,8}(?P<quote>["']?)(?P<value>[^\s"'`<>(){}]{6,512})(?:(?P=quote)|\Z)""", re.VERBOSE | re.ASCII
)
_SPACED_BEFORE = re.compile(
    r"(?:^|[\s;&|])(?:ENV|ARG|setenv|setx|set -[a-zA-Z]{1,3}|(?:machine|login) \S{1,80})\s{1,8}\Z"
)
_CREDENTIALS = re.compile(r" {0,4}(?P<value>[A-Za-z0-9+/=_.~-]{12,2000})", re.ASCII)
_USER = re.compile(r"(?:-u|--user)[ =]{1,2}[\"']?[\w.@-]{1,64}:(?P<value>[^\s\"':]{6,128})", re.ASCII)
_URL = re.compile(
    r"://[^\s/:@\"'`<>?#,]{0,128}:(?P<value>[^\s/\"'`<>@]{4,200}(?:@[^\s/\"'`<>@:]{1,60}(?=@))?)@", re.ASCII
)
_HEX_OR_BASE64 = re.compile(r"(?:[0-9a-f]{32,128}|[0-9A-F]{32,128}|[A-Za-z0-9+/_-]{32,128}={0,2})")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INNER = re.compile(r"\w:\Z")
_MAY_BE_UUID = re.compile(r"secret|passw|api|access|auth|cred|key")
_TYPED = re.compile(r"[A-Za-z&][\w.<>\[\]|&' ]*=\s*\Z(?<!value=)(?<!default=)")
_SETTERS = frozenset({"export", "ENV", "ARG", "set", "docker"})
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->|\?\.)[A-Za-z_$][\w$]*)*")


def passwords_in_urls(text: str) -> Iterator[Span]:
    """``PASS`` of every ``scheme://user:PASS@host``."""
    at = text.find("://")
    while at >= 0:
        found = _URL.match(text, at)
        if found and not is_placeholder(found["value"]):
            yield Span(start=found.start("value"), end=found.end("value"), kind="password in a URL")
        at = text.find("://", at + 3)


def assignments(text: str) -> Iterator[Span]:
    """Every literal that is assigned to a name which says secret, and looks like one."""
    lowered = _ascii_lower(text)
    end = 0
    for hint in _HINT.finditer(lowered):
        if hint.start() >= end:
            for span in _at(text, hint):
                yield span
                end = span.end
    if "-u" in text or "--user" in text:
        for found in _USER.finditer(text):
            if _PASSWORD_LIKE["password"](found["value"]):
                yield _span(found, "password of a command")
    yield from _headers(text, lowered)


def _headers(text: str, lowered: str) -> Iterator[Span]:
    """What stands behind ``Bearer`` and ``Basic``, and behind rarer schemes where a line speaks of authorization."""
    for scheme in ("bearer ", "basic ", "token ", "bot ", "apikey "):
        at = lowered.find(scheme)
        while at >= 0:
            found = _CREDENTIALS.match(text, at + len(scheme))
            clear = scheme in ("bearer ", "basic ") or "authorization" in lowered[max(0, at - 40) : at]
            if found and clear and looks_random(found["value"]) and not is_placeholder(found["value"]):
                yield _span(found, "Authorization header")
            at = lowered.find(scheme, at + 1)


def _at(text: str, hint: re.Match[str]) -> Iterator[Span]:
    """The value assigned to the name round ``hint``, if there is one and it is a secret."""
    start, behind = hint.span()
    for pattern, rules in ((_QUOTED, _PASSWORD_LIKE), (_BARE, _BARE_LIKE), (_SPACED, _PASSWORD_LIKE)):
        found = pattern.match(text, behind)
        if not found:
            continue
        left = _NAME.search(text, max(0, start - 48), start)
        name = (left[0] if left else "") + text[start : found.end("rest")]
        kind = classify(name)
        before = text[max(0, start - 200) : start - len(left[0]) if left else start]
        if before.endswith("::") or (_INNER.search(before) and text[found.end("rest") : found.start("value")] == ":"):
            continue  # one of a path's parts: AWS::IAM::AccessKey, arn:aws:…:secret:…
        if _UUID.fullmatch(found["value"]) and not _MAY_BE_UUID.search(name.lower()):
            continue
        if not kind or (pattern is _SPACED and not (_SPACED_BEFORE.search(before) or name.startswith("--"))):
            continue
        if pattern is _BARE and not _bare_fits(found, name, before, kind):
            continue
        if not is_placeholder(found["value"]) and rules[kind](found["value"]):
            yield _span(found, f"{kind} assigned")
            return


def _bare_fits(found: re.Match[str], name: str, before: str, kind: NameKind) -> bool:
    """Whether a value without quotes is a literal and not an expression of a language."""
    if found["after"] is None:
        return False
    operator = found.string[found.end("rest") : found.start("value")]
    if "," in operator or "(" in operator or _TYPED.search(operator):
        return False
    if not _IDENTIFIER.fullmatch(found["value"]):
        return True
    line = before.rpartition("\n")[2].lstrip(" \t-;\"'")
    marked = name.startswith("-") or "\n" in operator or line.endswith(("?", "&", "<", ";", "/:", "--set "))
    marked = marked or line.split(" ")[0] in _SETTERS
    literal = not line or marked
    if kind == "password":
        several = len(re.findall(r"\d", found["value"])) > 1 or looks_random(found["value"])
        return literal and (marked or several or name.isupper() or "." in name or ":" in operator)
    return literal and looks_random(found["value"])


def _high_entropy(value: str) -> bool:
    plain = not any(char in value for char in "()[]{} ,;")
    return bool(_UUID.fullmatch(value)) or (len(value) >= 14 and plain and looks_random(value))


def _key_like(value: str) -> bool:
    return bool(_HEX_OR_BASE64.fullmatch(value) and not _UUID.fullmatch(value) and looks_random(value))


_PASSWORD_LIKE: Mapping[NameKind, Callable[[str], bool]] = MappingProxyType(
    {
        "password": looks_made_up,
        "secret": _high_entropy,
        "key": _key_like,
    }
)
_BARE_LIKE: Mapping[NameKind, Callable[[str], bool]] = MappingProxyType(
    {
        "password": lambda value: looks_made_up(value) and not re.fullmatch(r"[\d.]+", value),
        "secret": _high_entropy,
        "key": _key_like,
    }
)


def _span(found: re.Match[str], kind: str) -> Span:
    return Span(start=found.start("value"), end=found.end("value"), kind=kind)


def _ascii_lower(text: str) -> str:
    """Lower case, as long as ``text`` is."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if c.isascii() else c for c in text)
