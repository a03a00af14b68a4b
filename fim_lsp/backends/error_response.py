"""Maps error responses, by their status and a body of any form, to errors with one sentence for the user.

Bodies echo what was sent: ``input`` and ``ctx`` always, messages sometimes. So no text from a server is ever passed on.
Messages are only searched for known words; of field names, types and codes only those of :mod:`error_words` are shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from fim_lsp.backends.error_words import LABELS, PARAMETERS
from fim_lsp.errors import (
    BackendError,
    Intercepted,
    Overloaded,
    RateLimited,
    Rejected,
    Unauthorized,
    UnknownModel,
    Unreachable,
)
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.http.request import HttpResponse, parse_json
from fim_lsp.http.urls import host_of, path_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorContext:
    """What the sentences need: address and model of the request, and what to do about a wrong key or model."""

    url: str
    model: str
    key_hint: str
    model_hint: str

    @property
    def host(self) -> str:
        return host_of(self.url)

    @property
    def path(self) -> str:
        return path_of(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """An error that is recognized by its status, and by one of the other patterns if there are any.

    ``sentence`` may use ``{host} {path} {model} {key_hint} {model_hint} {status} {fields} {labels}``.
    """

    status: str  # a pattern of the whole status
    words: str = ""  # a pattern anywhere in the messages
    labels: str = ""  # a pattern of one whole label
    fields: str = ""  # a pattern of one whole field
    error: type[BackendError]
    sentence: str


_NO_MODEL: Final = (
    r"(no|invalid|unknown|retired|deprecated)\s+(\w+\s+)?models?\b"
    r"|models?\b.{0,80}(not found|unknown|invalid|(not|n't|no longer) (exist|available|supported|allowed|found)"
    r"|unavailable|retired|deprecated|does not|doesn't)"
)

# The first match applies. The recorded bodies for each rule are in tests/fakes/recorded.py.
_RULES: Final = (
    ErrorRule(
        status="429|5..",
        words=r"capacity exceeded|overloaded|at capacity",
        labels=r"service_tier_capacity_exceeded|3505",
        error=Overloaded,
        sentence="{host} is overloaded at the moment ({status}); this is not a limit of your key",
    ),
    ErrorRule(
        status="404",
        words=r"no route matched",
        error=Rejected,
        sentence="{host} has nothing at {path} (404): check the setting base_url",
    ),
    ErrorRule(
        status="400|413|422",
        words=r"context (length|window|size)|maximum context|too (long|large|many tokens)|model_length",
        labels=r"context_length_exceeded|exceed_context_size_error",
        error=Rejected,
        sentence="the prompt is too long for {model} on {host} ({status}): lower the setting prompt_tokens",
    ),
    ErrorRule(
        status="400|403|404|422",
        words=r"no (\w+ )?models? (is |are )?available|currently no (\w+ )?models?",
        error=UnknownModel,
        sentence="{host} offers no model for this at the moment ({status}): ask its operator, or set another `backend`",
    ),
    ErrorRule(
        status="400|404|410|422",
        words=_NO_MODEL,
        labels=r"invalid_model|model_not_found|1500",
        fields="model",
        error=UnknownModel,
        sentence="{host} does not offer the model {model} ({status}): {model_hint}",
    ),
    ErrorRule(
        status="413",
        error=Rejected,
        sentence="the prompt is too long for {host} (413): lower the setting prompt_tokens",
    ),
    ErrorRule(status="401|403", error=Unauthorized, sentence="{host} refuses the key ({status}): {key_hint}"),
    ErrorRule(status="402", error=Unauthorized, sentence="{host} requires payment for this key's account (402)"),
    ErrorRule(
        status="407", error=Unreachable, sentence="the proxy to {host} requires a login (407): put it into its URL"
    ),
    ErrorRule(
        status="408|5..", error=Overloaded, sentence="{host} has an internal problem ({status}): try again later"
    ),
    ErrorRule(
        status="404",
        error=Rejected,
        sentence="{host} has nothing at {path}, or not the model {model} (404): check the settings base_url and model",
    ),
    ErrorRule(
        status="4..",
        fields=".+",
        error=Rejected,
        sentence="{host} rejects the request ({status}) because of {fields}{labels}: check that setting",
    ),
    ErrorRule(status="...", error=Rejected, sentence="{host} rejects the request ({status}){labels}"),
)

_INTERCEPTED: Final = "40[013-6]|451|511"
"""Statuses of firewalls, proxies and sign-in pages, if they come without the API's error message."""


def error_from_response(
    context: ErrorContext, response: HttpResponse, *, quota: Quota | None = None, rules: tuple[ErrorRule, ...] = ()
) -> BackendError:
    """The error for a response that is not 2xx. ``rules`` are one server's own, which take precedence."""
    if 300 <= response.status < 400:
        return _redirect(context, response)
    body = read_error_body(response.body)
    if not body.is_from_api and re.fullmatch(_INTERCEPTED, str(response.status)):
        return _intercepted(context, response.status)
    return _by_rule(context, response.status, body, quota, rules)


def error_in_stream(context: ErrorContext, message: object, *, rules: tuple[ErrorRule, ...] = ()) -> BackendError:
    """The error for an error message inside a response whose status was 200."""
    outer = message if isinstance(message, dict) else {}
    inner = outer.get("error")
    codes = [outer.get("raw_status_code"), outer.get("code"), inner.get("code") if isinstance(inner, dict) else None]
    status = next((code for code in codes if isinstance(code, int) and 400 <= code <= 599), 500)
    return _by_rule(context, status, read_error_body(message), None, rules)


def _by_rule(
    context: ErrorContext, status: int, body: ErrorBody, quota: Quota | None, rules: tuple[ErrorRule, ...]
) -> BackendError:
    rule = next(rule for rule in (*rules, *_RULES) if _fits(rule, status, body))
    if status == 429 and rule.error is not Overloaded:
        return _rate_limited(context, body, quota or Quota())
    labels = [label for label in body.labels if label in LABELS or _NUMBER.fullmatch(label)]
    sentence = rule.sentence.format(
        host=context.host,
        path=context.path,
        model=context.model,
        key_hint=context.key_hint,
        model_hint=context.model_hint,
        status=status,
        fields=", ".join(body.fields[:3]),
        labels=f" ({', '.join(labels[:2])})" if labels else "",
    )
    return rule.error(sentence, host=context.host)


def _fits(rule: ErrorRule, status: int, body: ErrorBody) -> bool:
    if not re.fullmatch(rule.status, str(status)):
        return False
    signs = (
        rule.words and re.search(rule.words, body.words),
        rule.labels and any(re.fullmatch(rule.labels, label) for label in body.labels),
        rule.fields and any(re.fullmatch(rule.fields, name) for name in body.fields),
    )
    return any(signs) or not (rule.words or rule.labels or rule.fields)


def _redirect(context: ErrorContext, response: HttpResponse) -> Rejected:
    """A redirect is not followed, because the key and the text would be sent along. Only its host is shown."""
    location = next((value for name, value in response.headers.items() if name.lower() == "location"), "")
    target = urlsplit(location).hostname or context.host
    sentence = (
        f"{context.host} redirects to {target} ({response.status}), which is not followed: check the setting base_url"
    )
    return Rejected(sentence, host=context.host)


def _intercepted(context: ErrorContext, status: int) -> Intercepted:
    """The response is not about the key: its sender has not seen one."""
    sentence = (
        f"{context.host} answers {status} without the API's error message: this looks like a proxy's, a firewall's or a "
        "sign-in page"
    )
    if status == 404:
        sentence += f", or there is nothing at {context.path}: check the setting base_url"
    return Intercepted(sentence, host=context.host)


def _rate_limited(context: ErrorContext, body: ErrorBody, quota: Quota) -> RateLimited:
    limit = _exceeded_limit(body.words, quota)
    allowed = {"requests": quota.requests_limit, "tokens": quota.tokens_limit}.get(limit)
    sentence = f"{context.host} allows no more {limit} for now (429)"
    if allowed == 0:
        sentence = f"{context.host} allows this key no {limit} at all (429): its plan has none for {context.model}"
    return RateLimited(sentence, host=context.host, retry_after=quota.retry_after)


def _exceeded_limit(words: str, quota: Quota) -> str:
    """Which limit a 429 is about: the one that its message mentions; else the one that is used up, by its headers; else the
    only one in the headers, because Mistral omits the other one.
    """
    named = [limit for limit in ("requests", "tokens") if re.search(rf"\b{limit[:-1]}s?\b", words)]
    left = {"requests": quota.requests_left, "tokens": quota.tokens_left}
    used_up = [limit for limit, count in left.items() if count == 0]
    mentioned = [limit for limit, count in left.items() if count is not None]
    return next((limits[0] for limits in (named, used_up, mentioned) if len(limits) == 1), "requests or tokens")


_NUMBER: Final = re.compile(r"[1-9][0-9]{2,3}")  # of an error
_CODE: Final = re.compile(r"[A-Za-z0-9_]{1,40}")
_MAX_DEPTH: Final = 6  # real bodies nest three deep, and one of the layers is JSON in a string
_MESSAGE_KEYS: Final = ("message", "msg", "detail", "error", "errors")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """What an error body contains. ``words`` are all messages in lower case, only for matching: they may contain user text.

    ``is_from_api``: it is a JSON object with a message, as in all APIs of this kind. Web pages, other JSON and empty bodies
    come from something in between: a firewall, a proxy, a sign-in page. ``fields`` are parameters of ours. ``labels`` may be
    anything, and are only for matching too.
    """

    words: str = field(default="", repr=False)
    is_from_api: bool = True
    fields: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def read_error_body(body: bytes | object) -> ErrorBody:
    """Read an error body: raw bytes, or JSON that was already parsed. Never raises."""
    message = parse_json(body) if isinstance(body, bytes) else body
    collected = _Collected()
    _collect(body.decode("utf-8", "replace") if isinstance(body, bytes) else body, collected, _MAX_DEPTH)
    return ErrorBody(
        words="\n".join(collected.messages).lower(),
        is_from_api=_is_from_api(message, body),
        fields=tuple(dict.fromkeys(collected.fields)),
        labels=tuple(dict.fromkeys(collected.labels)),
    )


def _is_from_api(message: object, body: bytes | object) -> bool:
    if message is None and isinstance(body, bytes):  # perhaps JSON that was cut short
        return body.lstrip()[:1] == b"{" and any(f'"{key}"'.encode() in body for key in _MESSAGE_KEYS)
    return isinstance(message, dict) and not message.keys().isdisjoint(_MESSAGE_KEYS)


@dataclass(slots=True)
class _Collected:
    messages: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


def _collect(value: object, collected: _Collected, depth: int) -> None:
    if depth == 0:
        return
    if isinstance(value, str):
        inner = parse_json(value) if value.lstrip().startswith(("{", "[")) else None
        if isinstance(inner, dict | list):
            _collect(inner, collected, depth - 1)
        else:
            collected.messages.append(value)
    elif isinstance(value, list):
        for item in value:
            _collect(item, collected, depth - 1)
    elif isinstance(value, dict):
        _collect_object(value, collected, depth)


def _collect_object(value: Mapping[str, object], collected: _Collected, depth: int) -> None:
    for key in ("type", "code"):
        label = value.get(key)
        if isinstance(label, str | int) and _CODE.fullmatch(str(label)):
            collected.labels.append(str(label))
    location = value.get("loc", value.get("param"))
    steps = [str(step) for step in (location if isinstance(location, list) else [location])]
    name = ".".join(step for step in steps if step in PARAMETERS)
    if name:
        collected.fields.append(name)
    for key in _MESSAGE_KEYS:
        if key in value:
            _collect(value[key], collected, depth - 1)
