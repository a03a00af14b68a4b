"""What the findings about a back end's server mean, as checks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fim_lsp.backends.model_list import Model, newest_codestral
from fim_lsp.doctor.check import Check, State, counted, error, info, ok, warning
from fim_lsp.doctor.host_findings import COST, Completion, Findings
from fim_lsp.doctor.remedies import KEY_PAGES, Facts, clock_time, remedy_for
from fim_lsp.errors import BackendError, Paused, RateLimited, Unauthorized, UnknownModel
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.rate_limit.local_counter import Wait

NOT_TRIED: Final = f"no completion was made; one costs about {COST} tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is known about a back end before its server is asked. ``address`` is ``host`` with its scheme.

    ``key_place`` says where its key comes from, ``""`` without one; ``missing_key`` is a sentence if one is needed and missing.
    ``keep_key`` is how another key is kept where this one is, ``model_origin`` where the model is set. ``other_keys`` are the
    back ends for whose hosts there is a key in the environment instead. ``route`` and ``certificates`` describe the way to
    it. ``temperature`` is the user's setting.
    """

    name: str
    host: str
    address: str
    model: str
    key_place: str
    missing_key: str
    keep_key: str
    model_origin: str
    other_keys: tuple[str, ...]
    route: str
    certificates: str
    temperature: float | None = None


def facts_about(server: Server, *, wait: float | None = None, models: tuple[Model, ...] = ()) -> Facts:
    """What remedies say about a server with these ``models``; ``wait`` is in seconds."""
    return Facts(
        host=server.host,
        address=server.address,
        key_page=KEY_PAGES.get(server.host, f"the pages of {server.host}"),
        keep_key=server.keep_key,
        model=newest_codestral(models, server.model) or next((one.name for one in models if one.can_fill), ""),
        model_origin=server.model_origin,
        until=clock_time(wait) if wait is not None else "",
    )


def checks_of(server: Server, found: Findings) -> list[Check]:
    """Host, key, model, completion, rate limits and temperature, as far as each is known."""
    if found.reach_error is not None:
        return [_failed("host", server, found.reach_error), *_missing_key(server)]
    checks = [_host(server, found), *(_missing_key(server) or [_key(server, found)])]
    if checks[-1].state is State.ERROR:
        return checks
    checks += [_model(server, found), _completion(server, found)]
    checks += _rate_limits(server, found.completion.quota if found.completion else None)
    checks += _temperature(server, found)
    return checks


def checks_offline(server: Server) -> list[Check]:
    """What is known without asking the server."""
    host = info("host", f"{server.host} was not contacted; it would be {server.route}")
    place = (
        f"from {server.key_place}, for {server.host} only"
        if server.key_place
        else "none is set, and none may be needed"
    )
    return [host, *(_missing_key(server) or [info("key", place)])]


def in_one_line(name: str, checks: Sequence[Check]) -> Check:
    """The first error or warning among the checks of a back end, or that it answers."""
    for state in (State.ERROR, State.WARNING):
        for check in checks:
            if check.state is state:
                return Check(name=name, state=state, message=check.message, remedy=check.remedy)
    tried = next((check for check in checks if check.name == "completion"), None)
    return ok(name, tried.message) if tried and tried.state is State.OK else info(name, "reached; " + NOT_TRIED)


def _failed(name: str, server: Server, failure: BackendError, models: tuple[Model, ...] = ()) -> Check:
    wait = failure.retry_after if isinstance(failure, RateLimited) else None
    return error(name, cause(failure), remedy_for(failure, facts_about(server, wait=wait, models=models)))


def cause(failure: BackendError) -> str:
    """The sentence of an error, with a clock time instead of a span, and without what the remedy says anyway."""
    if isinstance(failure, RateLimited) and failure.retry_after is not None:
        return f"{str(failure).partition('; it asks')[0]}, until {clock_time(failure.retry_after)}"
    return _ADVICE.sub("", str(failure))


_ADVICE: Final = re.compile(r"[;:] (?:run `[^`]+`(?:, or set [\w ]*\w)?|set the setting `model`.*)")


def _host(server: Server, found: Findings) -> Check:
    way = ", ".join(filter(None, [server.route, server.certificates]))
    return ok("host", f"{server.host} answers in {_milliseconds(found.reached)}, {way}")


def _key(server: Server, found: Findings) -> Check:
    refusal = _key_error(found)
    if refusal is not None:
        return _failed("key", server, refusal)
    if not server.key_place:
        return info("key", f"none is set, and {server.host} accepts requests without one")
    place = f"from {server.key_place}, for {server.host} only"
    answered = found.completion is not None and (found.completion.error is None or found.completion.quota is not None)
    if answered or found.models:
        return ok("key", f"{place}; accepted")
    return info("key", f"{place}; whether it is accepted was not tried")


def _missing_key(server: Server) -> list[Check]:
    if not server.missing_key:
        return []
    failure = Unauthorized(server.missing_key, host=server.host)
    remedy = remedy_for(failure, facts_about(server))
    if server.other_keys:
        name = server.other_keys[0]
        remedy += f'; or use the key that there is: backend = "{name}" in config.toml'
    return [error("key", cause(failure), remedy)]


def _key_error(found: Findings) -> BackendError | None:
    if found.completion is not None and found.completion.error is None:
        return None  # a key may be good for completions only, and not for a list of models
    errors = [found.completion.error if found.completion else None, found.list_error]
    return next((one for one in errors if isinstance(one, Unauthorized)), None)


def _model(server: Server, found: Findings) -> Check:
    completed = found.completion is not None and found.completion.error is None
    notices = "; ".join(found.completion.notices) if found.completion else ""
    failure = found.model_error or _of(found.completion, UnknownModel)
    if failure is not None and not completed:
        return _failed("model", server, failure, found.models)
    if notices:  # another model is used instead, or another form of request
        return warning("model", notices, _keep(notices))
    if failure is not None:
        return replace(_failed("model", server, failure, found.models), state=State.WARNING)
    name = server.model or (found.model.name if found.model else "") or "the model that the server has loaded"
    if notices:
        return warning(
            "model", "; ".join(notices), "set what it says in config.toml, so that it is not found out each time"
        )
    if found.model is not None:
        size = f", up to {found.model.context_tokens:,} tokens" if found.model.context_tokens else ""
        return ok(
            "model",
            f"{name}, {_can_fill(found.can_fill)}{size}; {server.host} has {counted(len(found.models), 'model')}",
        )
    if found.can_fill is not None:
        return ok("model", f"{name}, {_can_fill(found.can_fill)}")
    listed = "has no list of models" if found.list_error is None else "did not send its list of models"
    if completed:
        return ok("model", f"{name}; {server.host} {listed}, but the completion below shows that it has this one")
    return info("model", f"{name}; {server.host} {listed}, so only a completion would show whether it has this one")


def _keep(notice: str) -> str:
    """What to set, so that the other way is not found out again each time."""
    setting = re.search(r'model = "[^"]+"', notice)
    return (
        f"put it into config.toml: {setting[0]}"
        if setting
        else "set what it names in config.toml, so that it is used at once"
    )


def _can_fill(can_fill: bool | None) -> str:
    match can_fill:
        case True:
            return "which can fill in the middle"
        case False:
            return "which can't fill in the middle"
    return "of which its list does not say whether it can fill in the middle"


def _of(completion: Completion | None, kind: type[BackendError]) -> BackendError | None:
    return completion.error if completion is not None and isinstance(completion.error, kind) else None


def _completion(server: Server, found: Findings) -> Check:
    if found.waits is not None:
        return _waiting(server, found.waits)
    made = found.completion
    if made is None:
        return info("completion", NOT_TRIED)
    if isinstance(made.error, UnknownModel):
        return info("completion", "none was made, because of the model")
    if made.error is not None:
        return _failed("completion", server, made.error)
    spent = (
        f"{made.usage.prompt_tokens} + {made.usage.completion_tokens} tokens" if made.usage else f"about {COST} tokens"
    )
    if made.first_text is None:
        return warning(
            "completion",
            f"{server.host} answered in {_milliseconds(made.seconds)} without any text; it cost {spent}",
            "try again; if it stays empty, set `model` or `fim_template` to fit the server's model",
        )
    return ok(
        "completion",
        f"first text after {_milliseconds(made.first_text)}, all after {_milliseconds(made.seconds)}; it cost {spent}",
    )


def _waiting(server: Server, wait: Wait) -> Check:
    if wait.seconds == float("inf"):
        failure = Paused("the quota in the settings is too small for one request", host=server.host)
        return error("completion", str(failure), remedy_for(failure))
    facts = facts_about(server, wait=wait.seconds)
    failure = Paused(f"fim-lsp's own count of {server.host}'s quota is full until {facts.until}", host=server.host)
    return error("completion", str(failure), remedy_for(failure, facts))


def _rate_limits(server: Server, quota: Quota | None) -> Iterator[Check]:
    if quota is None:
        return
    parts = [
        (f"{left:,} of " if left is not None else "") + f"{limit:,} {what}"
        for what, limit, left in (
            ("requests", quota.requests_limit, quota.requests_left),
            ("tokens", quota.tokens_limit, quota.tokens_left),
        )
        if limit is not None
    ]
    if parts:
        yield info("rate limits", f"{server.host} allows this key {' and '.join(parts)} a minute")


def _temperature(server: Server, found: Findings) -> Iterator[Check]:
    default = found.model.default_temperature if found.model else None
    if default is None:
        return
    if server.temperature is None:
        used = "it applies, because the setting temperature is not set"
    else:
        used = f"the setting temperature, {server.temperature:g}, is sent instead"
    yield info("temperature", f"the default of {server.model} on {server.host} is {default:g}; {used}")


def _milliseconds(seconds: float | None) -> str:
    return f"{(seconds or 0.0) * 1000:,.0f} ms"
