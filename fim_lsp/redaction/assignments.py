"""Secrets assigned to names that reveal them, in any language: ``password = "…"``, ``API_KEY=…``, headers, URLs.

Patterns are tried only where such a name occurs, and every repetition has an upper bound: the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from fim_lsp.redaction.token_patterns import Span
from fim_lsp.redaction.value_heuristics import is_placeholder, looks_made_up, looks_random
from fim_lsp.redaction.variable_names import NameKind, classify

_HINT = re.compile(r"pass|pwd|secret|token|key|auth|cred|conn(?:ection)?[_.-]?str|_pw")
_NAME_START = re.compile(r"[\w.-]{0,48}\Z", re.ASCII)
_NAME_END = r"(?P<name_end>[\w.-]{0,40}+)"  # possessive: no operator begins with one of these
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
    _NAME_END
    + _OPERATOR
    + r"""(?P<quote>[bBrRuUfF@$]{0,2}(?:\\?["'`]|\"{3}|'{3}))(?P<value>[^\\"'`\s]{6,512})(?=\\?["'`]|\s*\Z|\s*[\r\n])""",
    re.VERBOSE | re.ASCII,
)
_BARE = re.compile(
    _NAME_END
    + _OPERATOR
    + r"""(?P<value>[^\s"'`,;()<>\[\]{}\\]{6,512})(?P<after>[ \t]{0,40}(?:[\r\n]|\Z|\#)|[\s,;<&}\\"'`])?""",
    re.VERBOSE | re.ASCII,
)
_SPACED = re.compile(
    _NAME_END + r"""[ \t]{1,8}(?P<quote>["']?)(?P<value>[^\s"'`<>(){}]{6,512})(?:(?P=quote)|\Z)""",
    re.VERBOSE | re.ASCII,
)
_SPACED_BEFORE = re.compile(
    r"(?:^|[\s;&|])(?:ENV|ARG|setenv|setx|set -[a-zA-Z]{1,3}|(?:machine|login) \S{1,80})\s{1,8}\Z"
)
_HEADER_VALUE = re.compile(r" {0,4}(?P<value>[A-Za-z0-9+/=_.~-]{12,2000})", re.ASCII)
_COMMAND_USER = re.compile(r"(?:-u|--user)[ =]{1,2}[\"']?[\w.@-]{1,64}:(?P<value>[^\s\"':]{6,128})", re.ASCII)
_URL_PASSWORD = re.compile(
    r"://[^\s/:@\"'`<>?#,]{0,128}:(?P<value>[^\s/\"'`<>@]{4,200}(?:@[^\s/\"'`<>@:]{1,60}(?=@))?)@", re.ASCII
)
_HEX_OR_BASE64 = re.compile(r"(?:[0-9a-f]{32,128}|[0-9A-F]{32,128}|[A-Za-z0-9+/_-]{32,128}={0,2})")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PATH_PART = re.compile(r"\w:\Z")
_UUID_NAMES = re.compile(r"secret|passw|api|access|auth|cred|key")
_TYPE_ANNOTATION = re.compile(r"[A-Za-z&][\w.<>\[\]|&' ]*=\s*\Z(?<!value=)(?<!default=)")
_SETTERS = frozenset({"export", "ENV", "ARG", "set", "docker"})
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->|\?\.)[A-Za-z_$][\w$]*)*")


def passwords_in_urls(text: str) -> Iterator[Span]:
    """``PASS`` of every ``scheme://user:PASS@host``."""
    start = text.find("://")
    while start >= 0:
        found = _URL_PASSWORD.match(text, start)
        if found and not is_placeholder(found["value"]):
            yield _span(found, "password in a URL")
        start = text.find("://", start + 3)


def assigned_secrets(text: str) -> Iterator[Span]:
    """Every literal that looks like a secret and is assigned to a name that reveals one."""
    lowered = _ascii_lower(text)
    end = 0
    for hint in _HINT.finditer(lowered):
        if hint.start() >= end and (span := _assigned(text, hint)):
            yield span
            end = span.end
    yield from _command_passwords(text)
    yield from _header_values(text, lowered)


def _command_passwords(text: str) -> Iterator[Span]:
    if "-u" in text or "--user" in text:
        for found in _COMMAND_USER.finditer(text):
            if looks_made_up(found["value"]):
                yield _span(found, "password of a command")


def _header_values(text: str, lowered: str) -> Iterator[Span]:
    """What follows ``Bearer`` and ``Basic``, or rarer schemes if the line contains the word authorization."""
    for scheme in ("bearer ", "basic ", "token ", "bot ", "apikey "):
        start = lowered.find(scheme)
        while start >= 0:
            found = _HEADER_VALUE.match(text, start + len(scheme))
            is_header = scheme in ("bearer ", "basic ") or "authorization" in lowered[max(0, start - 40) : start]
            if found and is_header and looks_random(found["value"]) and not is_placeholder(found["value"]):
                yield _span(found, "Authorization header")
            start = lowered.find(scheme, start + 1)


def _assigned(text: str, hint: re.Match[str]) -> Span | None:
    """The value assigned to the name around ``hint``, if it is a secret."""
    for pattern, rules in ((_QUOTED, _QUOTED_RULES), (_BARE, _BARE_RULES), (_SPACED, _QUOTED_RULES)):
        found = pattern.match(text, hint.end())
        if not found:
            continue
        name, before = _name_around(text, hint, found)
        kind = classify(name)
        if not kind or _is_path_part(found, before) or _is_plain_uuid(found["value"], name):
            continue
        if pattern is _SPACED and not (_SPACED_BEFORE.search(before) or name.startswith("--")):
            continue
        if pattern is _BARE and not _is_bare_literal(found, name, before, kind):
            continue
        if not is_placeholder(found["value"]) and rules[kind](found["value"]):
            return _span(found, f"{kind} assigned")
    return None


def _name_around(text: str, hint: re.Match[str], found: re.Match[str]) -> tuple[str, str]:
    """The whole name that contains ``hint``, and the text before it."""
    start = hint.start()
    left = _NAME_START.search(text, max(0, start - 48), start)
    beginning = left[0] if left else ""
    return beginning + text[start : found.end("name_end")], text[max(0, start - 200) : start - len(beginning)]


def _is_path_part(found: re.Match[str], before: str) -> bool:
    """As in ``AWS::IAM::AccessKey`` or ``arn:aws:…:secret:…``."""
    return before.endswith("::") or (bool(_PATH_PART.search(before)) and _operator(found) == ":")


def _is_plain_uuid(value: str, name: str) -> bool:
    return bool(_UUID.fullmatch(value)) and not _UUID_NAMES.search(name.lower())


def _is_bare_literal(found: re.Match[str], name: str, before: str, kind: NameKind) -> bool:
    """Whether a value without quotes is a literal and not an expression."""
    operator, value = _operator(found), found["value"]
    if found["after"] is None or "," in operator or "(" in operator or _TYPE_ANNOTATION.search(operator):
        return False
    if not _IDENTIFIER.fullmatch(value):
        return True
    line = before.rpartition("\n")[2].lstrip(" \t-;\"'")
    in_data = (  # a command's option, a YAML value on its own line, a query, XML, a shell's variable
        name.startswith("-")
        or "\n" in operator
        or line.endswith(("?", "&", "<", ";", "/:", "--set "))
        or line.split(" ")[0] in _SETTERS
    )
    if line and not in_data:
        return False
    if kind != "password":
        return looks_random(value)
    has_digits = len(re.findall(r"\d", value)) > 1
    return in_data or has_digits or looks_random(value) or name.isupper() or "." in name or ":" in operator


def _operator(found: re.Match[str]) -> str:
    return found.string[found.end("name_end") : found.start("value")]


def _has_high_entropy(value: str) -> bool:
    plain = not any(char in value for char in "()[]{} ,;")
    return bool(_UUID.fullmatch(value)) or (len(value) >= 14 and plain and looks_random(value))


def _is_key_like(value: str) -> bool:
    return bool(_HEX_OR_BASE64.fullmatch(value) and not _UUID.fullmatch(value) and looks_random(value))


_QUOTED_RULES: Mapping[NameKind, Callable[[str], bool]] = MappingProxyType(
    {
        "password": looks_made_up,
        "secret": _has_high_entropy,
        "key": _is_key_like,
    }
)
_BARE_RULES: Mapping[NameKind, Callable[[str], bool]] = MappingProxyType(
    {
        "password": lambda value: looks_made_up(value) and not re.fullmatch(r"[\d.]+", value),
        "secret": _has_high_entropy,
        "key": _is_key_like,
    }
)


def _span(found: re.Match[str], kind: str) -> Span:
    return Span(start=found.start("value"), end=found.end("value"), kind=kind)


def _ascii_lower(text: str) -> str:
    """``text`` in lower case, with the same length."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if c.isascii() else c for c in text)
