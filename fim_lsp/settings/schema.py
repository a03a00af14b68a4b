"""Every setting, in one table: name, default, what is allowed, who may set it, what it is for.

The table makes the README's list and the JSON Schema (:func:`schema`), so neither can drift. ``merge.py`` puts the
sources together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from fim_lsp.prompt.fim_templates import TEMPLATE_NAMES
from fim_lsp.secret import Secret
from fim_lsp.settings import project_rules as project
from fim_lsp.settings.project_rules import ProjectRule
from fim_lsp.settings.validators import (
    Validator,
    boolean,
    either,
    globs,
    integer,
    many,
    number,
    one_of,
    optional,
    pattern,
    text,
)
from fim_lsp.workspace.default_excludes import EXCLUDED

BackendName = Literal["auto", "codestral", "mistral", "langdock", "llamacpp", "ollama", "openai", "ngram"]
BACKENDS: Final[tuple[BackendName, ...]] = get_args(BackendName)
FALLBACKS: Final = tuple(name for name in BACKENDS if name not in {"auto", "openai"})  # `openai` needs a `base_url`


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultQuota:
    """The quota that a host is known for."""

    requests_per_minute: int
    tokens_per_minute: int


LANGDOCK_QUOTA: Final = DefaultQuota(requests_per_minute=500, tokens_per_minute=60_000)
"""Per workspace and model (docs.langdock.com)."""

DEFAULT_QUOTAS: Final[Mapping[str, DefaultQuota]] = MappingProxyType({"langdock": LANGDOCK_QUOTA})
"""By back end. A back end that is not listed has no quota unless the user sets one."""


# The longest strings and lists that are accepted. The real ones are far shorter; a source that anybody may write must
# not be able to fill the memory or a request's body.
_NAME, _KEY, _ADDRESS, _STOP, _GLOB = 200, 4_096, 2_048, 1_000, 4_096  # characters
_WORDS, _GLOBS = 64, 10_000  # entries


def _is_base_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        plain = value.isascii() and value.isprintable() and not re.search(r"[\s\\?#@]", value)
        return usable and plain
    except ValueError:
        return False


def _setting(
    default: Any,
    check: Validator,
    doc: str,
    *,
    restricts: bool = False,
    from_project: ProjectRule = project.ANYTHING,
    secret: bool = False,
    hidden: bool = False,
) -> Any:
    metadata = {"check": check, "doc": doc, "restricts": restricts, "from_project": from_project, "secret": secret}
    return field(default=default, metadata={**metadata, "hidden": hidden or secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force. The names, defaults and rules below are the whole truth about them."""

    backend: BackendName = _setting(
        "auto",
        one_of(*BACKENDS),
        "who completes; `auto` takes the host whose key is present, else a llama.cpp or Ollama that answers on this "
        "machine, else `ngram`, which needs no key and no network",
        restricts=True,
        from_project=project.NOTHING,
    )
    base_url: str | None = _setting(
        None,
        optional(
            pattern("an http or https address without login and query", r"^https?://[^?#@\s]+$", _is_base_url, _ADDRESS)
        ),
        "the address of `backend`, to which the API's path is appended; null: its own; `openai` must have one",
        restricts=True,
        from_project=project.NOTHING,
        hidden=True,
    )
    region: str = _setting(
        "eu",
        pattern("letters, digits and hyphens", r"^[A-Za-z0-9-]+$", re.compile(r"[A-Za-z0-9-]+").fullmatch, _NAME),
        "Langdock's region, a part of its address",
        restricts=True,
        from_project=project.NOTHING,
    )
    model: str | None = _setting(
        None,
        optional(text(_NAME)),
        "the model's id; null: `codestral-latest`, on Langdock `codestral-2501`, on one's own server what it has",
    )
    fim_template: str = _setting(
        "auto",
        one_of("auto", "suffix", "none", *TEMPLATE_NAMES),
        "for `openai` and `ollama`: the model family's way to mark prefix and suffix; `auto` goes by the model's name, "
        "`suffix` leaves it to the server, `none` sends the prefix alone",
    )
    api_key: Secret | None = _setting(
        None,
        optional(text(_KEY)),
        "the key; null: `CODESTRAL_API_KEY`, `MISTRAL_API_KEY` or `LANGDOCK_API_KEY` of the environment, each for its "
        "own host only; one set beside a `base_url` is sent to that address only",
        restricts=True,
        from_project=project.NOTHING,
        secret=True,
    )
    api_key_command: tuple[str, ...] | None = _setting(
        None,
        optional(many(text(_KEY), "a list of strings (program and arguments)", _WORDS, least=1)),
        "a program that prints the key; run once, and again when the server refuses the key",
        restricts=True,
        from_project=project.NOTHING,
        hidden=True,
    )
    temperature: float | None = _setting(None, optional(number(0, 1.5)), "sampling temperature")
    top_p: float | None = _setting(None, optional(number(0, 1, above=True)), "nucleus sampling")
    max_tokens: int | None = _setting(
        128, optional(integer(0, 100_000)), "the longest answer, in tokens", from_project=project.LOWER
    )
    min_tokens: int | None = _setting(
        None, optional(integer(0, 100_000)), "the shortest answer, in tokens", from_project=project.LOWER_MINIMUM
    )
    stop: str | tuple[str, ...] | None = _setting(
        None,
        optional(either(text(_STOP), many(text(_STOP), "a list of such strings", _WORDS))),
        "a string, or strings, that end the answer",
        from_project=project.MORE_STOPS,
    )
    random_seed: int | None = _setting(None, optional(integer(0, 2**63 - 1)), "makes answers repeatable")
    stream: bool = _setting(True, boolean(), "receive the answer piece by piece", from_project=project.ONLY_TRUE)
    timeout: float = _setting(10, number(0, 600, above=True), "seconds for a whole call", from_project=project.LOWER)
    debounce: str | float = _setting(
        "adaptive",
        either(one_of("adaptive"), number(0, 10_000)),
        "milliseconds of quiet after the last edit before a call is made; `adaptive` learns them from your typing",
        from_project=project.SLOWER,
    )
    prompt_tokens: int = _setting(
        1200,
        integer(64, 100_000),
        "how much is sent, in tokens: prefix, suffix and context",
        from_project=project.LOWER,
    )
    suffix_share: float = _setting(0.25, number(0, 0.9), "the part of the window kept for the text after the cursor")
    context_tokens: int = _setting(
        400,
        integer(0, 100_000),
        "how much of `prompt_tokens` may come from other files: open ones and what the document imports; `0`: none",
        restricts=True,
        from_project=project.LOWER,
    )
    requests_per_minute: int | None = _setting(
        None,
        optional(integer(0, 10**12)),
        f"the quota; null: {LANGDOCK_QUOTA.requests_per_minute} on Langdock, else none; `0`: no limit",
        from_project=project.quota(LANGDOCK_QUOTA.requests_per_minute),
    )
    tokens_per_minute: int | None = _setting(
        None,
        optional(integer(0, 10**12)),
        f"the quota, in tokens; null: {LANGDOCK_QUOTA.tokens_per_minute} on Langdock, else none; `0`: no limit",
        from_project=project.quota(LANGDOCK_QUOTA.tokens_per_minute),
    )
    limits_store: Secret = _setting(
        Secret("machine"),
        pattern(
            '"machine", "process" or an address that begins with redis:// or rediss://',
            r"^(machine|process|rediss?://.+)$",
            re.compile(r"machine|process|rediss?://.+").fullmatch,
            _ADDRESS,
        ),
        "who shares the quota's count: all editors on this `machine`, this `process` alone, or a team, through Redis",
        restricts=True,
        from_project=project.NOTHING,
        secret=True,
    )
    fallback: tuple[str, ...] = _setting(
        ("ngram",),
        many(one_of(*FALLBACKS), f"a list of {', '.join(FALLBACKS)}", _WORDS),
        "tried in order when the back end can't answer, each at its own address and with the environment's key",
        restricts=True,
        from_project=project.NOTHING,
    )
    local_only: tuple[str, ...] = _setting(
        (),
        globs(_GLOB, _GLOBS),
        "files, folders or repositories (`~/work/`) that are sent to back ends on this machine only; a project may add",
        restricts=True,
    )
    multiline: Literal["auto", "always", "never"] = _setting(
        "auto",
        one_of("auto", "always", "never"),
        "whether a suggestion may have several lines",
        from_project=project.FEWER_LINES,
    )
    exclude: tuple[str, ...] = _setting(
        EXCLUDED,
        globs(_GLOB, _GLOBS),
        "files that are never sent, used or indexed, besides the safe list; `!glob` lets through, not from a project",
        restricts=True,
    )
    menu: Literal["auto", "always", "never"] = _setting(
        "auto",
        one_of("auto", "always", "never"),
        "offer suggestions in the completion menu too; `auto`: only to an editor without inline completion",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingSpec:
    """One row of the table.

    A setting that ``restricts`` says which text may leave this machine, where to, or with which key: a value of it that
    can't be used means that nothing leaves. ``hidden`` values are never shown.
    """

    name: str
    default: Any
    check: Validator
    doc: str
    restricts: bool
    from_project: ProjectRule
    secret: bool
    hidden: bool

    @property
    def user_only(self) -> bool:
        """Whether a project may not set it at all."""
        return self.from_project is project.NOTHING


RULES: Mapping[str, SettingSpec] = MappingProxyType(
    {row.name: SettingSpec(name=row.name, default=row.default, **row.metadata) for row in fields(Settings)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingProblem:
    """Something the user should hear once; ``sentence`` says what, where and what is allowed."""

    sentence: str
