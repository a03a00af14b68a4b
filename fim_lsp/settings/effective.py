"""What applies and why: each setting with the source of its value, for ``fim-lsp config``, ``doctor`` and ``why``.

Nothing in here is secret: see :func:`shown`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from fim_lsp.secret import Secret
from fim_lsp.settings import messages
from fim_lsp.settings.merge import FAIL_CLOSED, Layer, Merged
from fim_lsp.settings.schema import SPECS, SettingProblem, SettingSpec
from fim_lsp.settings.settings_file import SettingsFile

HIDDEN = "***"
SourceState = Literal["used", "empty", "missing", "damaged"]
"""``empty``: exists, without settings. ``damaged``: can't be read; its last valid settings, if there are any, apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveSetting:
    """One setting. Where it was set is a file's path, an environment variable, or what the editor sends."""

    name: str
    value: Any
    """As JSON, without secrets."""
    default: Any
    """As JSON."""
    origins: tuple[str, ...]
    """Where the value was set: one place, or several where values add up; none for a default."""
    overridden: tuple[str, ...]
    """Where it was also set, in sources that come before that place."""
    ignored: tuple[str, ...]
    """A message for each value that can't be used, with its place and what is allowed."""
    closed: bool
    """Whether damage to the settings has replaced the value by one with which nothing leaves this machine."""

    @property
    def is_default(self) -> bool:
        """Whether no source has set it."""
        return not self.origins and not self.closed


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsSource:
    """A place where settings may be set, whether it sets any or not."""

    origin: str
    state: SourceState
    trusted: bool
    """Whether it is the user's own, and not a project's."""
    problem: str = ""
    """Why it is damaged, and what that means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveSettings:
    """All settings, in the order of the table, and their sources in ascending order of precedence."""

    settings: tuple[EffectiveSetting, ...]
    sources: tuple[SettingsSource, ...]
    problems: tuple[SettingProblem, ...]
    failed_closed: bool
    """Whether nothing leaves this machine because a source or a setting that restricts is damaged."""

    def __getitem__(self, name: str) -> EffectiveSetting:
        return next(setting for setting in self.settings if setting.name == name)


def effective(
    merged: Merged, sources: Sequence[SettingsSource], problems: Sequence[SettingProblem]
) -> EffectiveSettings:
    """``problems`` are all that were reported, also those of the sources."""
    return EffectiveSettings(
        settings=tuple(_setting(spec, merged) for spec in SPECS.values()),
        sources=tuple(sources),
        problems=tuple(problems),
        failed_closed=merged.failed_closed,
    )


def _setting(spec: SettingSpec, merged: Merged) -> EffectiveSetting:
    locations = tuple(dict.fromkeys(merged.locations.get(spec.name, ())))
    adds_up = spec.validator.accept_items is not None or spec.validator.table is not None
    closed = merged.failed_closed and spec.name in FAIL_CLOSED
    origins = () if closed else locations if adds_up else locations[-1:]
    return EffectiveSetting(
        name=spec.name,
        value=shown(spec, getattr(merged.settings, spec.name)),
        default=plain(spec.default),
        origins=origins,
        overridden=tuple(location for location in locations if location not in origins),
        ignored=tuple(problem.message for problem in merged.problems if problem.setting == spec.name),
        closed=closed,
    )


def sent_source(layer: Layer, problems: Sequence[SettingProblem]) -> SettingsSource:
    """The state of a source that is not a file."""
    state: SourceState = "damaged" if problems or not layer.readable else "used" if layer.values else "empty"
    problem = " ".join(problem.message for problem in problems)
    return SettingsSource(origin=layer.origin, state=state, trusted=layer.trusted, problem=problem)


def file_source(file: SettingsFile) -> SettingsSource:
    """The state of a file."""
    source = sent_source(file.layer, ())
    if not file.exists:
        return replace(source, state="missing", problem=file.problem)
    if not file.layer.readable:
        return replace(source, problem=file.problem or messages.being_written(source.origin))
    damaged = file.problem and file.layer.values
    return replace(source, state="damaged" if damaged else source.state, problem=file.problem)


def shown(spec: SettingSpec, value: Any) -> Any:
    """A valid value as JSON. Keys, arguments of the command that prints one, and the login in an address are ``***``."""
    if isinstance(value, Secret):
        return _address(value.reveal()) if spec.name == "limits_store" else HIDDEN
    if spec.name == "api_key_command" and value:
        return [value[0], *[HIDDEN] * (len(value) > 1)]
    return plain(value)


def _address(store: str) -> str:
    """Where the counts are kept, without the login that Redis may need."""
    if store in ("machine", "process"):
        return store
    try:
        parts = urlsplit(store)
        return f"{parts.scheme}://{HIDDEN}@{parts.hostname}" if parts.hostname else HIDDEN
    except ValueError:
        return HIDDEN


def plain(value: Any) -> Any:
    """A setting's value as JSON. Secrets are revealed: for defaults only."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, tuple) else value
