"""Which error a refusal is, and the sentence for it: a table from status and words to :mod:`fim_lsp.errors`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fim_lsp.backends.error_body import ErrorBody
from fim_lsp.errors import (
    BackendError,
    Intercepted,
    Overloaded,
    RateLimited,
    Rejected,
    Unauthorized,
    UnknownModel,
    Unreachable,
    duration,
)
from fim_lsp.http.rate_limit_headers import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked, for the sentences: the host, the model, and what to do about either."""

    host: str
    model: str
    key_hint: str
    model_hint: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """A refusal that is known by its status and one of the signs, or by its status alone if it names none.

    ``says`` may use ``{host} {status} {model} {key_hint} {model_hint} {path} {fields} {labels}``.
    """

    status: str  # a pattern of the whole status
    words: str = ""  # a pattern of the messages
    labels: str = ""  # a pattern of one whole label
    fields: str = ""  # a pattern of one whole field
    error: type[BackendError]
    says: str


_NO_MODEL: Final = (
    r"(no|invalid|unknown|retired|deprecated)\s+(\w+\s+)?models?\b"
    r"|models?\b.{0,80}(not found|unknown|invalid|(not|n't|no longer) (exist|available|supported|allowed|found)"
    r"|unavailable|retired|deprecated|does not|doesn't)"
)

_INTERCEPTED: Final = "40[013-6]|451|511"
"""Statuses of firewalls, proxies and sign-in pages, where they come without the API's own error message."""

# The first that fits. The bodies behind each of them are in tests/fakes/recorded.py.
_RULES: Final = (
    ErrorRule(
        status="429|5..",
        words=r"capacity exceeded|overloaded|at capacity",
        labels=r"service_tier_capacity_exceeded|3505",
        error=Overloaded,
        says="{host} is overloaded at the moment ({status}); this is not a limit of your key",
    ),
    ErrorRule(
        status="404",
        words=r"no route matched",
        error=Rejected,
        says="{host} has nothing at {path} (404): check the setting base_url",
    ),
    ErrorRule(
        status="400|413|422",
        words=r"context (length|window|size)|maximum context|too (long|large|many tokens)|model_length",
        labels=r"context_length_exceeded|exceed_context_size_error",
        error=Rejected,
        says="the prompt is too long for {model} on {host} ({status}): lower the setting prompt_tokens",
    ),
    ErrorRule(
        status="400|403|404|422",
        words=r"no (\w+ )?models? (is |are )?available|currently no (\w+ )?models?",
        error=UnknownModel,
        says="{host} offers no model for this at the moment ({status}): ask who runs it, or set another `backend`",
    ),
    ErrorRule(
        status="400|404|410|422",
        words=_NO_MODEL,
        labels=r"invalid_model|model_not_found|1500",
        fields="model",
        error=UnknownModel,
        says="{host} does not answer with the model {model} ({status}): {model_hint}",
    ),
    ErrorRule(
        status="413", error=Rejected, says="the prompt is too long for {host} (413): lower the setting prompt_tokens"
    ),
    ErrorRule(status="401|403", error=Unauthorized, says="{host} refuses the key ({status}): {key_hint}"),
    ErrorRule(status="402", error=Unauthorized, says="{host} wants this key's account to be paid for first (402)"),
    ErrorRule(
        status="407", error=Unreachable, says="the proxy on the way to {host} wants a login (407): put it in its URL"
    ),
    ErrorRule(status="408|5..", error=Overloaded, says="{host} is in trouble ({status}); nothing to do but to wait"),
    ErrorRule(
        status="404",
        error=Rejected,
        says="{host} has nothing at {path}, or not the model {model} (404): check the settings base_url and model",
    ),
    ErrorRule(
        status="4..",
        fields=".+",
        error=Rejected,
        says="{host} refuses the request ({status}) because of {fields}{labels}: check that setting",
    ),
    ErrorRule(status="...", error=Rejected, says="{host} refuses the request ({status}){labels}"),
)


def error_from_response(
    asked: Asked,
    status: int,
    complaint: ErrorBody,
    *,
    quota: Quota | None = None,
    location: str = "",
    special: tuple[ErrorRule, ...] = (),
) -> BackendError:
    """The error for an answer that is not a completion. ``special`` are one server's own rules, which come first.

    ``quota`` is what its headers say; ``location`` is where a redirect points, of which only the host is told: it is
    not followed, because the key and the text would go along.
    """
    if 300 <= status < 400:
        target = urlsplit(location).hostname or asked.host
        return Rejected(
            f"{asked.host} redirects to {target} ({status}), which is not followed: check the setting base_url",
            host=asked.host,
            status=status,
        )
    if not complaint.of_api and re.fullmatch(_INTERCEPTED, str(status)):
        return _intercepted(asked, status)
    rule = next(rule for rule in (*special, *_RULES) if _fits(rule, status, complaint))
    if status == 429 and rule.error is not Overloaded:
        return _rate_limited(asked, complaint, quota or Quota())
    labels = ", ".join(complaint.labels[:2])
    sentence = rule.says.format(
        host=asked.host,
        status=status,
        model=asked.model,
        key_hint=asked.key_hint,
        model_hint=asked.model_hint,
        path=asked.path,
        fields=", ".join(complaint.fields[:3]),
        labels=f" ({labels})" if labels else "",
    )
    return rule.error(sentence, host=asked.host, status=status)


def _intercepted(asked: Asked, status: int) -> Intercepted:
    """The error for an answer that is not the API's. It says nothing of the key: whoever wrote it has not seen one."""
    sentence = (
        f"{asked.host} answers {status} without the API's error message: this looks like a proxy's, a firewall's or a "
        "sign-in page"
    )
    if status == 404:
        sentence += f", or there is nothing at {asked.path}: check the setting base_url"
    return Intercepted(sentence, host=asked.host, status=status)


def location_of(headers: Mapping[str, str]) -> str:
    """The Location header, in any case."""
    return next((value for name, value in headers.items() if name.lower() == "location"), "")


def _fits(rule: ErrorRule, status: int, complaint: ErrorBody) -> bool:
    if not re.fullmatch(rule.status, str(status)):
        return False
    signs = (
        rule.words and re.search(rule.words, complaint.words),
        rule.labels and any(re.fullmatch(rule.labels, label) for label in complaint.labels),
        rule.fields and any(re.fullmatch(rule.fields, name) for name in complaint.fields),
    )
    return any(signs) or not (rule.words or rule.labels or rule.fields)


def _rate_limited(asked: Asked, complaint: ErrorBody, quota: Quota) -> RateLimited:
    limit = _which_limit(complaint.words, quota)
    allowed = {"requests": quota.requests_limit, "tokens": quota.tokens_limit}.get(limit)
    sentence = f"{asked.host} allows no more {limit} for now (429)"
    if allowed == 0:
        sentence = f"{asked.host} allows this key no {limit} at all (429): its plan has none for {asked.model}"
    elif quota.retry_after is not None:
        sentence += f"; it asks to wait {duration(quota.retry_after)}"
    return RateLimited(sentence, host=asked.host, retry_after=quota.retry_after)


def _which_limit(words: str, quota: Quota) -> str:
    """Which limit a 429 is about: by its words, else by its headers.

    The headers count: the one that is used up, or the only one that is told, because a 429 of Mistral's leaves out
    the pair of the limit that did not refuse.
    """
    named = [limit for limit in ("requests", "tokens") if re.search(rf"\b{limit[:-1]}s?\b", words)]
    left = {"requests": quota.requests_left, "tokens": quota.tokens_left}
    used_up = [limit for limit, count in left.items() if count == 0]
    told = [limit for limit, count in left.items() if count is not None]
    return next((found[0] for found in (named, used_up, told) if len(found) == 1), "requests or tokens")
