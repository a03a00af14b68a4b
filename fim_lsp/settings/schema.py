"""Every setting in one table: its name, default, allowed values, description, and what a project may do to it.

``reference.py`` generates the README's table and the JSON Schema from it, and ``merge.py`` merges the sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from fim_lsp.http.urls import is_plain
from fim_lsp.prompt.fim_templates import TEMPLATE_NAMES
from fim_lsp.secret import Secret
from fim_lsp.settings import project_rules as project
from fim_lsp.settings.project_rules import ProjectRule
from fim_lsp.settings.validators import (
    FrozenMapping,
    Validator,
    any_of,
    boolean,
    globs,
    integer,
    list_of,
    number,
    one_of,
    optional,
    pattern,
    table_of,
    text,
)
from fim_lsp.workspace.language_families import canonical_language
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES

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


# Real values are far shorter. The bounds keep a source that anybody could have written from filling memory or requests.
_MAX_NAME, _MAX_KEY, _MAX_ADDRESS, _MAX_STOP, _MAX_GLOB = 200, 4_096, 2_048, 1_000, 4_096  # characters
_MAX_ITEMS, _MAX_GLOBS, _MAX_ENTRIES = 64, 10_000, 500  # entries


def _setting(
    default: Any,
    validator: Validator,
    description: str,
    *,
    restricts: bool = False,
    project_rule: ProjectRule = project.ANYTHING,
    secret: bool = False,
    hidden: bool = False,
    example: Any = None,
    title: str = "",
) -> Any:
    spec = {
        "validator": validator,
        "description": description,
        "title": title,
        "restricts": restricts,
        "project_rule": project_rule,
        "secret": secret,
        "hidden": hidden or secret,
        "example": example,
    }
    return field(default=default, metadata=spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings that apply. This is the only place that defines their names, defaults and rules."""

    backend: BackendName = _setting(
        "auto",
        one_of(*BACKENDS),
        "which back end is used; `auto` selects the host for which a key is set, otherwise a llama.cpp or Ollama server "
        "running on this machine, otherwise `ngram`, which needs neither key nor network",
        restricts=True,
        project_rule=project.NOTHING,
        title="Back end",
    )
    base_url: str | None = _setting(
        None,
        optional(
            pattern("an http or https address without login or query", r"^https?://[^?#@\s]+$", is_plain, _MAX_ADDRESS)
        ),
        "the address of `backend`, without the API's path; null: its default; required for `openai`",
        restricts=True,
        project_rule=project.NOTHING,
        hidden=True,
        example="https://llm.example.com/v1",
        title="Base URL",
    )
    region: str = _setting(
        "eu",
        pattern("letters, digits and hyphens", r"^[A-Za-z0-9-]+$", re.compile(r"[A-Za-z0-9-]+").fullmatch, _MAX_NAME),
        "the region in Langdock's address",
        restricts=True,
        project_rule=project.NOTHING,
    )
    model: str | None = _setting(
        None,
        optional(text(_MAX_NAME)),
        "the model's id; null: `codestral-latest`, `codestral-2501` on Langdock, the loaded model on a self-hosted server",
        example="codestral-latest",
    )
    fim_template: str = _setting(
        "auto",
        one_of("auto", "suffix", "none", *TEMPLATE_NAMES),
        "for `openai` and `ollama`: the fill-in-the-middle template of the model's family; `auto` derives it from the "
        "model's name, `suffix` leaves it to the server, `none` sends only the prefix",
        title="Fill-in-the-middle template",
    )
    api_key: Secret | None = _setting(
        None,
        optional(text(_MAX_KEY)),
        "the API key; null: the environment's `CODESTRAL_API_KEY`, `MISTRAL_API_KEY` or `LANGDOCK_API_KEY`, or the key "
        "stored by `fim-lsp key set`, each sent to its own host only; a key set together with `base_url` is sent to that "
        "address only",
        restricts=True,
        project_rule=project.NOTHING,
        secret=True,
        example="the key",
        title="API key",
    )
    api_key_command: tuple[str, ...] | None = _setting(
        None,
        optional(list_of(text(_MAX_KEY), "a list of strings (program and arguments)", _MAX_ITEMS, min_items=1)),
        "a command that prints the API key; run once, and again if the server rejects the key",
        restricts=True,
        project_rule=project.NOTHING,
        hidden=True,
        example=("pass", "show", "codestral"),
        title="API key command",
    )
    temperature: float | None = _setting(
        None,
        optional(number(0, 1.5)),
        "the sampling temperature: the higher, the more varied are the answers; null: the host's default",
        example=0.2,
    )
    top_p: float | None = _setting(
        None,
        optional(number(0, 1, above=True)),
        "nucleus sampling: only the likeliest tokens with this share of the probability are used; null: the host's default",
        example=0.9,
        title="Top-p sampling",
    )
    max_tokens: int | None = _setting(
        128,
        optional(integer(0, 100_000)),
        "the maximum length of an answer in tokens",
        project_rule=project.ONLY_LOWER,
        title="Maximum tokens",
    )
    min_tokens: int | None = _setting(
        None,
        optional(integer(0, 100_000)),
        "the minimum length of an answer in tokens; null: none",
        project_rule=project.ONLY_LOWER_MINIMUM,
        example=1,
        title="Minimum tokens",
    )
    stop: str | tuple[str, ...] | None = _setting(
        None,
        optional(any_of(text(_MAX_STOP), list_of(text(_MAX_STOP), "a list of such strings", _MAX_ITEMS))),
        "strings that end the answer where they occur; they are not part of it",
        project_rule=project.ONLY_MORE_STOPS,
        example=("\n\n",),
        title="Stop strings",
    )
    random_seed: int | None = _setting(
        None,
        optional(integer(0, 2**63 - 1)),
        "a number that makes answers reproducible; null: answers vary",
        example=42,
    )
    stream: bool = _setting(True, boolean(), "whether answers are streamed", project_rule=project.ONLY_TRUE)
    timeout: float = _setting(
        10, number(0, 600, above=True), "seconds until a request is abandoned", project_rule=project.ONLY_LOWER
    )
    debounce: str | float = _setting(
        "adaptive",
        any_of(one_of("adaptive"), number(0, 10_000)),
        "milliseconds to wait after the last edit before a request is made; `adaptive` learns from your typing",
        project_rule=project.ONLY_SLOWER,
    )
    prompt_tokens: int = _setting(
        1200,
        integer(64, 100_000),
        "the size of a prompt in tokens, including context",
        project_rule=project.ONLY_LOWER,
    )
    suffix_share: float = _setting(
        0.25, number(0, 0.9), "the share of the prompt reserved for the text after the cursor"
    )
    context_tokens: int = _setting(
        400,
        integer(0, 100_000),
        "how many of the `prompt_tokens` may come from other files (open or imported ones); `0`: none",
        restricts=True,
        project_rule=project.ONLY_LOWER,
    )
    requests_per_minute: int | None = _setting(
        None,
        optional(integer(0, 10**12)),
        f"the quota in requests; null: {LANGDOCK_QUOTA.requests_per_minute} on Langdock, otherwise none; `0`: no limit",
        project_rule=project.quota(LANGDOCK_QUOTA.requests_per_minute),
        example=60,
    )
    tokens_per_minute: int | None = _setting(
        None,
        optional(integer(0, 10**12)),
        f"the quota in tokens; null: {LANGDOCK_QUOTA.tokens_per_minute} on Langdock, otherwise none; `0`: no limit",
        project_rule=project.quota(LANGDOCK_QUOTA.tokens_per_minute),
        example=60_000,
    )
    limits_store: Secret = _setting(
        Secret("machine"),
        pattern(
            '"machine", "process" or an address that begins with redis:// or rediss://',
            r"^(machine|process|rediss?://.+)$",
            re.compile(r"machine|process|rediss?://.+").fullmatch,
            _MAX_ADDRESS,
        ),
        "where requests and tokens are counted: for all editors on this `machine`, for this `process`, or for a team in Redis",
        restricts=True,
        project_rule=project.NOTHING,
        secret=True,
    )
    fallback: tuple[str, ...] = _setting(
        ("ngram",),
        list_of(one_of(*FALLBACKS), f"a list of {', '.join(FALLBACKS)}", _MAX_ITEMS),
        "back ends to try in order if `backend` fails, each at its default address and with the environment's or the stored key",
        restricts=True,
        project_rule=project.NOTHING,
    )
    local_only: tuple[str, ...] = _setting(
        (),
        globs(_MAX_GLOB, _MAX_GLOBS),
        "files, folders or repositories (`~/work/`) that are only sent to back ends on this machine; a project may add more",
        restricts=True,
        example=("~/work/customer/",),
    )
    multiline: Literal["auto", "always", "never"] = _setting(
        "auto",
        one_of("auto", "always", "never"),
        "whether suggestions may have several lines",
        project_rule=project.ONLY_FEWER_LINES,
    )
    exclude: tuple[str, ...] = _setting(
        DEFAULT_EXCLUDES,
        globs(_MAX_GLOB, _MAX_GLOBS),
        "files that are never sent, used or indexed, besides the built-in list; `!glob` re-includes, except in a project",
        restricts=True,
        example=("*.sql", "private/"),
        title="Excluded files",
    )
    menu: Literal["auto", "always", "never"] = _setting(
        "auto",
        one_of("auto", "always", "never"),
        "whether the completion menu offers suggestions as well; `auto`: only in editors without inline completion",
        title="Completion menu",
    )
    trigger: Literal["auto", "manual"] = _setting(
        "auto",
        one_of("auto", "manual"),
        "whether suggestions are made as you type, or only when you ask for one",
        restricts=True,
        project_rule=project.ONLY_MANUAL,
    )
    languages: FrozenMapping[bool] = _setting(
        FrozenMapping(),
        table_of(
            boolean(),
            "a table of language ids, each true or false",
            _MAX_ENTRIES,
            max_name=_MAX_NAME,
            canonical=canonical_language,
        ),
        "language ids, each true or false: languages that are false get no suggestions, all others do",
        restricts=True,
        project_rule=project.ONLY_OFF,
        example={"markdown": False},
    )
    stats: bool = _setting(
        True,
        boolean(),
        "whether counts for `fim-lsp stats` are kept on this machine; they contain no text",
        project_rule=project.ONLY_OFF,
        title="Statistics",
    )
    index_cache: bool = _setting(
        True,
        boolean(),
        "whether `ngram`'s index of a large workspace is kept on this machine, without files that have secrets",
        project_rule=project.ONLY_OFF,
    )
    prices: FrozenMapping[tuple[float, ...]] = _setting(
        FrozenMapping(),
        table_of(
            list_of(
                number(0, 1_000_000), "two or three numbers from 0: input, output and cached input", 3, min_items=2
            ),
            "a table of model ids, each with two or three numbers",
            _MAX_ENTRIES,
            max_name=_MAX_NAME,
        ),
        "your own prices by model id, for `fim-lsp stats`: input, output and cached input, in US dollars per million tokens",
        project_rule=project.NOTHING,
        example={"my-model": (0.3, 0.9, 0.03)},
    )

    def has_language(self, language: str) -> bool:
        """Whether documents of a language, by the id that an editor sends, get suggestions."""
        return not self.languages or self.languages.get(canonical_language(language), True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingSpec:
    """One row of the table.

    A setting that ``restricts`` decides which text may leave this machine, where it goes, or with which key; an unusable
    value fails closed. ``secret`` values are kept as :class:`~fim_lsp.secret.Secret`; ``hidden`` ones are never shown.
    ``example`` is a value for those whose default shows none, because it is null or empty. ``title`` replaces the name where
    that does not read as words.
    """

    name: str
    default: Any
    validator: Validator
    description: str
    restricts: bool
    project_rule: ProjectRule
    secret: bool
    hidden: bool
    example: Any
    title: str

    @property
    def label(self) -> str:
        """The name in words, for a settings page."""
        return self.title or self.name.replace("_", " ").capitalize()

    @property
    def sentence(self) -> str:
        """The description as a sentence."""
        return f"{self.description[0].upper()}{self.description[1:]}."

    @property
    def user_only(self) -> bool:
        """Whether a project may not set it at all."""
        return self.project_rule is project.NOTHING


SPECS: Mapping[str, SettingSpec] = MappingProxyType(
    {row.name: SettingSpec(name=row.name, default=row.default, **row.metadata) for row in fields(Settings)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingProblem:
    """A problem to report once; ``message`` describes what is wrong, where, and what is allowed.

    ``setting`` is the setting that it is about, ``""`` if it is about a whole source or an unknown name. ``name`` is what is
    written there: a misspelled setting, ``exclude[2]`` or ``languages.markdown``.
    """

    message: str
    setting: str = ""
    name: str = ""
