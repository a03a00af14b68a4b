"""Every setting, in one table: name, default, what is allowed, what it is for.

The table makes the README's list and the JSON Schema (``schema()``), so neither can drift. :func:`settle` puts the
sources together: a later layer wins, a bad value is a :class:`Problem` and the value below it stands, and a layer
that a project can write may neither redirect a key, nor run a command, nor uncover an excluded file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal
from urllib.parse import urlsplit

from fim_lsp import wording
from fim_lsp.backends.templates import NAMES
from fim_lsp.checks import Check, boolean, either, integer, many, number, one_of, optional, pattern, text
from fim_lsp.safe_list import EXCLUDED
from fim_lsp.secret import Secret

BackendName = Literal["auto", "codestral", "mistral", "langdock", "llamacpp", "ollama", "openai", "ngram"]
FALLBACKS = ("codestral", "mistral", "langdock", "llamacpp", "ollama", "ngram")


def _is_base_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        return usable and parts.username is None and not parts.query and not parts.fragment
    except ValueError:
        return False


def _setting(
    default: Any,
    check: Check,
    doc: str,
    *,
    user_only: bool = False,
    secret: bool = False,
    hidden: bool = False,
    quota: int | None = None,
) -> Any:
    metadata = {"check": check, "doc": doc, "user_only": user_only, "secret": secret, "quota": quota}
    return field(default=default, metadata={**metadata, "hidden": hidden or secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force. The names, defaults and rules below are the whole truth about them."""

    backend: BackendName = _setting(
        "auto",
        one_of("auto", *FALLBACKS[:-1], "openai", "ngram"),
        "who completes; `auto` takes the host whose key is present, else a llama.cpp or Ollama that answers on this "
        "machine, else `ngram`, which needs no key and no network",
        user_only=True,
    )
    base_url: str | None = _setting(
        None,
        optional(pattern("an http or https address without login and query", r"^https?://[^?#@\s]+$", _is_base_url)),
        "the address of `backend`, to which the API's path is appended; null: its own; `openai` must have one",
        user_only=True,
        hidden=True,
    )
    region: str = _setting(
        "eu",
        pattern("letters, digits and hyphens", r"^[A-Za-z0-9-]+$", re.compile(r"[A-Za-z0-9-]+").fullmatch),
        "Langdock's region, a part of its address",
    )
    model: str | None = _setting(
        None,
        optional(text()),
        "the model's id; null: `codestral-latest`, on Langdock `codestral-2501`, on one's own server what it has",
    )
    fim_template: str = _setting(
        "auto",
        one_of("auto", "suffix", "none", *NAMES),
        "for `openai` and `ollama`: the model family's way to mark prefix and suffix; `auto` goes by the model's name, "
        "`suffix` leaves it to the server, `none` sends the prefix alone",
    )
    api_key: Secret | None = _setting(
        None,
        optional(text()),
        "the key; null: `CODESTRAL_API_KEY`, `MISTRAL_API_KEY` or `LANGDOCK_API_KEY` of the environment, each for its "
        "own host only",
        user_only=True,
        secret=True,
    )
    api_key_command: tuple[str, ...] | None = _setting(
        None,
        optional(many(text(), "a list of texts (program and arguments)")),
        "a program that prints the key; run once, and again when the server refuses the key",
        user_only=True,
        hidden=True,
    )
    temperature: float | None = _setting(None, optional(number(0, 1.5)), "sampling temperature")
    top_p: float | None = _setting(None, optional(number(0, 1, above=True)), "nucleus sampling")
    max_tokens: int | None = _setting(128, optional(integer(0, 100_000)), "the longest answer, in tokens")
    min_tokens: int | None = _setting(None, optional(integer(0, 100_000)), "the shortest answer, in tokens")
    stop: str | tuple[str, ...] | None = _setting(
        None, optional(either(text(), many(text(), "a list of texts"))), "text that ends the answer"
    )
    random_seed: int | None = _setting(None, optional(integer(0, 2**63 - 1)), "makes answers repeatable")
    stream: bool = _setting(True, boolean(), "receive the answer piece by piece")
    timeout: float = _setting(10, number(0, 600, above=True), "seconds for a whole call")
    debounce: str | float = _setting(
        "adaptive",
        either(one_of("adaptive"), number(0, 10_000)),
        "milliseconds of quiet after the last edit before a call is made; `adaptive` learns them from your typing",
    )
    prompt_tokens: int = _setting(1200, integer(64, 100_000), "how much is sent, in tokens: prefix, suffix and context")
    suffix_share: float = _setting(0.25, number(0, 0.9), "the part of the window kept for the text after the cursor")
    context_tokens: int = _setting(
        400,
        integer(0, 100_000),
        "how much of `prompt_tokens` may come from other files: open ones and what the document imports; `0`: none",
    )
    requests_per_minute: int | None = _setting(
        None,
        optional(integer(0, 10**12)),
        "the quota; null: 500 on Langdock, else none; `0`: no limit; a project may only lower it",
        quota=500,
    )
    tokens_per_minute: int | None = _setting(
        None,
        optional(integer(0, 10**12)),
        "the quota, in tokens; null: 60000 on Langdock, else none; `0`: no limit; a project may only lower it",
        quota=60_000,
    )
    limits_store: Secret = _setting(
        Secret("machine"),
        pattern(
            '"machine", "process" or an address that begins with redis:// or rediss://',
            r"^(machine|process|rediss?://.+)$",
            re.compile(r"machine|process|rediss?://.+").fullmatch,
        ),
        "who shares the quota's count: all editors on this `machine`, this `process` alone, or a team, through Redis",
        user_only=True,
        secret=True,
    )
    fallback: tuple[str, ...] = _setting(
        ("ngram",),
        many(one_of(*FALLBACKS), f"a list of {', '.join(FALLBACKS)}"),
        "tried in order when the back end can't answer, each at its own address and with the environment's key",
        user_only=True,
    )
    local_only: tuple[str, ...] = _setting(
        (),
        many(pattern("a glob", r"^[\s\S]+$", len), "a list of globs in gitignore syntax"),
        "files, folders or repositories (`~/work/`) that are sent to back ends on this machine only; a project may add",
    )
    multiline: Literal["auto", "always", "never"] = _setting(
        "auto", one_of("auto", "always", "never"), "whether a suggestion may have several lines"
    )
    exclude: tuple[str, ...] = _setting(
        EXCLUDED,
        # any text: one odd glob must not undo the others
        many(pattern("a glob", r"^[\s\S]+$", len), "a list of globs in gitignore syntax"),
        "files that are never sent, used or indexed, besides the safe list; `!glob` lets through, not from a project",
    )
    menu: Literal["auto", "always", "never"] = _setting(
        "auto",
        one_of("auto", "always", "never"),
        "offer suggestions in the completion menu too; `auto`: only to an editor without inline completion",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table.

    ``hidden`` values are never shown. A ``quota`` is what the strictest back end allows by itself: a project may
    lower the user's number, or this if there is none.
    """

    name: str
    default: Any
    check: Check
    doc: str
    user_only: bool
    secret: bool
    hidden: bool
    quota: int | None


RULES: Mapping[str, Rule] = {
    row.name: Rule(name=row.name, default=row.default, **row.metadata) for row in fields(Settings)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one source says. ``origin`` is told to the user; a layer that a project can write is not ``trusted``."""

    origin: str
    values: Mapping[str, object]
    trusted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something the user should hear once; ``sentence`` says what, where and what is allowed."""

    sentence: str


def settle(layers: Iterable[Layer]) -> tuple[Settings, tuple[Problem, ...]]:
    """Put the layers together, later ones over earlier ones. Never raises: what can't be used becomes a problem."""
    values: dict[str, Any] = {}
    sentences: list[str] = []
    for layer in layers:
        for name in (name for name in layer.values if name in RULES):
            sentences += _take(RULES[name], layer, values)
        sentences += wording.unknown([name for name in layer.values if name not in RULES], RULES, layer.origin)
    return Settings(**values), tuple(Problem(sentence=sentence) for sentence in sentences)


def _take(rule: Rule, layer: Layer, values: dict[str, Any]) -> Sequence[str]:
    """Put a layer's value over those below it, ``values``, or say why not."""
    name, value = rule.name, layer.values[rule.name]
    below = values.get(name, rule.default)
    try:
        accepted = rule.check.accept(value)
    except (ValueError, OverflowError, RecursionError):
        return [wording.refused(name, value, rule.check.allowed, layer.origin, hidden=rule.hidden)]
    if name in ("exclude", "local_only"):
        values[name] = (*below, *_more(accepted, layer.trusted))
        return ()
    if rule.secret and accepted is not None:
        accepted = Secret(accepted)
    if accepted != below and not layer.trusted:
        if rule.user_only:
            return [wording.not_yours(name, layer.origin)]
        if rule.quota is not None and not _lowers(accepted, below, rule.quota):
            return [wording.only_lower(name, layer.origin)]
    values[name] = accepted
    return ()


def _lowers(quota: int | None, below: int | None, known: int) -> bool:
    """Whether a quota is lower than the one below it; 0 is no limit, null the back end's own, at best ``known``."""
    if not quota:
        return False
    return quota <= (known if below is None else below or quota)


def _more(globs: Sequence[str], trusted: bool) -> tuple[str, ...]:
    """Globs to add. Only the user's own may let a file through again with ``!``."""
    return tuple(glob for glob in globs if trusted or not glob.startswith("!"))


def schema() -> dict[str, Any]:
    """The JSON Schema of ``config.toml``, ``initializationOptions`` and the editors' settings pages."""
    properties = {
        rule.name: {**rule.check.schema, "default": _plain(rule.default), "description": rule.doc}
        for rule in RULES.values()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fim-lsp",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def table() -> str:
    """The settings as a Markdown table, for the README."""
    rows = ["| setting | default | allowed | |", "|---|---|---|---|"]
    for rule in RULES.values():
        shown = "a safe list" if rule.name == "exclude" else f"`{json.dumps(_plain(rule.default))}`"
        mark = " ¹" if rule.user_only else ""
        allowed = rule.check.allowed.replace("|", "\\|")
        rows.append(f"| `{rule.name}`{mark} | {shown} | {allowed} | {rule.doc} |")
    return "\n".join(rows)


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()  # a default, which is no secret
    return list(value) if isinstance(value, tuple) else value


if __name__ == "__main__":
    import sys

    sys.stdout.write(table() + "\n")
