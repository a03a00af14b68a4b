"""Merges the sources of settings: later sources win, and damaged restrictions fail closed.

A setting that restricts (``SettingSpec.restricts``) decides which text may leave this machine, where it goes, and with
which key. If any source contains an unusable value for one of them, the author's intent is unknown. Then neither the next
source's value nor the default applies: nothing leaves this machine, and only the embedded model answers
(:attr:`Merged.failed_closed`). Any other invalid value is reported and ignored, and the value of the source below it applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret
from fim_lsp.settings import messages
from fim_lsp.settings.misspelled_names import (
    has_prefix,
    may_hold_settings,
    names_config,
    restricted_inside,
    restricted_like,
    setting_like,
    setting_named,
)
from fim_lsp.settings.schema import SPECS, SettingProblem, Settings, SettingSpec
from fim_lsp.settings.validators import FrozenMapping, TableRules

FAIL_CLOSED: Mapping[str, Any] = MappingProxyType(
    {
        "backend": "ngram",
        "base_url": None,
        "api_key": None,
        "api_key_command": None,
        "fallback": ("ngram",),
        "limits_store": Secret("process"),
    }
)
"""The settings with which nothing leaves this machine: no text, no key, no request count."""

_KEYS = ("api_key", "api_key_command")
_ACCUMULATING = ("exclude", "local_only")
_MAX_UNKNOWN = 200  # unknown names of one source that are compared with the settings' names
_MAX_REPORTED = 10  # problems of one kind that are reported for one source


def merge_layers(layers: Iterable[Layer]) -> Merged:
    """Merge layers in ascending order of precedence. Never raises: unusable values become problems."""
    merge = _Merge()
    for layer in layers:
        merge.add(layer)
    return merge.result()


def fail_closed(settings: Settings) -> Settings:
    """The same settings, but nothing leaves this machine (:data:`FAIL_CLOSED`)."""
    return replace(settings, **FAIL_CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The settings from one source.

    ``origin`` names the source in messages. A layer is not ``trusted`` if a project can write it. ``env_prefix`` is set
    if the values come from environment variables. ``readable`` is false for a source that exists but can't be read, so its
    restrictions are unknown. A ``shared`` source may also contain the settings of other servers.
    """

    origin: str
    values: Mapping[str, object]
    trusted: bool = True
    env_prefix: str = ""
    readable: bool = True
    shared: bool = False

    def is_foreign(self, name: str) -> bool:
        """Whether an unknown name probably belongs to another server."""
        if not self.shared:
            return False
        match self.values[name]:
            case Mapping() as table:
                return not may_hold_settings(name, table)
            case None:
                return True
            case list() | tuple() as entries:
                return not (entries and restricted_like(name))
        return False

    def is_only_foreign(self) -> bool:
        """Whether it contains settings, but all of them belong to other servers."""
        return bool(self.values) and all(name not in SPECS and self.is_foreign(name) for name in self.values)

    def location(self, name: str) -> str:
        """Where a setting was set, for messages."""
        if not self.env_prefix:
            return self.origin
        return f"{self.origin} {name if has_prefix(name) else self.env_prefix + name.upper()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The settings that apply and what to report. ``failed_closed``: nothing leaves this machine because of damage.

    ``locations`` has, for each setting that a source has set, where: in ascending order of precedence, so that the last one
    applies, or all of them where values add up.
    """

    settings: Settings
    problems: tuple[SettingProblem, ...]
    failed_closed: bool
    locations: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _KeyBinding:
    """Where a key was set, and the address or back end set next to it: the key may only be sent there."""

    location: str
    base_url: str | None
    backend: str | None

    def allows(self, values: Mapping[str, Any]) -> bool:
        if self.base_url is not None:
            base_url = values.get("base_url")
            return base_url is not None and origin_of(base_url) == origin_of(self.base_url)
        return self.backend in (None, "auto", values.get("backend"))


@dataclass(slots=True)
class _Merge:
    values: dict[str, Any] = field(default_factory=dict)
    locations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: dict[SettingProblem, None] = field(default_factory=dict)  # as an ordered set
    damaged: bool = False
    key: _KeyBinding | None = None

    def add(self, layer: Layer) -> None:
        self.damaged = self.damaged or not layer.readable
        for name in layer.values:
            if name in SPECS:
                self._apply(SPECS[name], layer)
        self._bind_key(layer)
        self._report_unknown(layer)

    def result(self) -> Merged:
        if self.key is not None and not self.damaged and not self.key.allows(self.values):
            self.values |= dict.fromkeys(_KEYS)
            self.report(messages.key_for_another_address(self.key.location), "api_key")
        settings = Settings(**self.values)
        if self.damaged:
            settings = fail_closed(settings)
        return Merged(
            settings=settings,
            problems=tuple(self.problems),
            failed_closed=self.damaged,
            locations=MappingProxyType(self.locations),
        )

    def report(self, message: str, setting: str = "", name: str = "") -> None:
        self.problems[SettingProblem(message=message, setting=setting, name=name or setting)] = None

    def _set(self, name: str, value: object, location: str) -> None:
        self.values[name] = value
        self.locations[name] = (*self.locations.get(name, ()), location)

    def _apply(self, spec: SettingSpec, layer: Layer) -> None:
        """Let a layer's value override the one below it, or report why it can't."""
        value, location = layer.values[spec.name], layer.location(spec.name)
        if spec.name in _ACCUMULATING:
            self._add_globs(spec, value, layer)
            return
        if spec.validator.table is not None:
            self._add_entries(spec, spec.validator.table, value, layer)
            return
        below = self.values.get(spec.name, spec.default)
        try:
            accepted = spec.validator.accept(value)
        except (ValueError, OverflowError, RecursionError):
            if spec.user_only and not layer.trusted:
                self.report(messages.not_from_project(spec.name, location), spec.name)
            else:
                self._reject(spec, value, location)
            return
        if spec.secret and accepted is not None:
            accepted = Secret(accepted)
        if layer.trusted or (accepted != below and spec.project_rule.allows(accepted, below)):
            self._set(spec.name, accepted, location)
        elif accepted == below:  # a project may repeat what applies anyway
            return
        elif spec.user_only:
            self.report(messages.not_from_project(spec.name, location), spec.name)
        else:
            self.report(messages.beyond_project(spec.name, spec.project_rule.may, location), spec.name)

    def _add_entries(self, spec: SettingSpec, table: TableRules, value: object, layer: Layer) -> None:
        """Let the entries of a layer's table override those of the same name below it."""
        below, location = self.values.get(spec.name, spec.default), layer.location(spec.name)
        entries, bad = table.accept_entries(value)
        refused = [
            name
            for name, entry in entries.items()
            if not (layer.trusted or entry == below.get(name) or spec.project_rule.allows(entry, below.get(name)))
        ]
        bad = [*bad, *((name, entries[name]) for name in entries if setting_named(name))]
        if spec.user_only and not layer.trusted:
            if refused or bad:
                self.report(messages.not_from_project(spec.name, location), spec.name)
            refused, bad = [], [(name, entry) for name, entry in bad if _restricts(spec, name)]
            entries = {}
        kept = {name: entry for name, entry in entries.items() if name not in refused and not setting_named(name)}
        if kept:
            self._set(spec.name, FrozenMapping({**below, **kept}), location)
        for name in refused[:_MAX_REPORTED]:
            message = messages.beyond_project(f"{spec.name}.{name}", spec.project_rule.may, location)
            self.report(message, spec.name, f"{spec.name}.{name}")
        self._report_entries(spec, table, bad, location)

    def _report_entries(
        self, spec: SettingSpec, table: TableRules, bad: Sequence[tuple[str, object]], location: str
    ) -> None:
        """Report invalid entries, first those that restrict."""
        restricting = [name for name, _ in bad if _restricts(spec, name)]
        self.damaged = self.damaged or bool(restricting)
        for name, entry in sorted(bad, key=lambda row: row[0] not in restricting)[:_MAX_REPORTED]:
            self._report_entry(spec, table, name, entry, location)

    def _report_entry(self, spec: SettingSpec, table: TableRules, name: str, entry: object, location: str) -> None:
        """Report an invalid entry. TOML puts every line after ``[languages]`` into that table, settings too."""
        restricts = _restricts(spec, name)
        shown = f"{spec.name}.{name}"
        if not name:
            self._reject(spec, entry, location)
        elif setting_like(name):
            message = messages.misplaced_setting(name, spec.name, location, restricts=restricts)
            self.report(message, spec.name, shown)
        else:
            message = messages.invalid_value(shown, entry, table.allowed, location, hidden=False, restricts=restricts)
            self.report(message, spec.name, shown)

    def _reject(self, spec: SettingSpec, value: object, location: str, position: int = 0) -> None:
        """Report an invalid value or, if ``position`` is given, an invalid entry of a list."""
        self.damaged = self.damaged or spec.restricts
        name, allowed = (f"{spec.name}[{position}]", "a glob") if position else (spec.name, spec.validator.allowed)
        message = messages.invalid_value(name, value, allowed, location, hidden=spec.hidden, restricts=spec.restricts)
        self.report(message, spec.name, name)

    def _add_globs(self, spec: SettingSpec, value: object, layer: Layer) -> None:
        """Globs accumulate over the layers. Only trusted layers may re-include files with ``!``."""
        assert spec.validator.accept_items is not None  # noqa: S101 - for mypy: validators of globs have it
        globs, bad = spec.validator.accept_items(value)
        allowed = [glob for glob in globs if layer.trusted or not glob.startswith("!")]
        if allowed:
            self._set(spec.name, (*self.values.get(spec.name, spec.default), *allowed), layer.location(spec.name))
        for position, entry in bad[:_MAX_REPORTED]:
            self._reject(spec, entry, layer.location(spec.name), position)

    def _bind_key(self, layer: Layer) -> None:
        """Let a layer's key replace earlier ones, and bind it to the address set in the same layer."""
        given = [name for name in _KEYS if layer.trusted and layer.values.get(name) is not None]
        if not given:
            return
        for name in _KEYS:
            if name not in given and self.values.get(name) is not None:
                self._set(name, None, layer.location(given[0]))
        base_url, backend = (layer.values.get(name) for name in ("base_url", "backend"))
        self.key = _KeyBinding(
            layer.location(given[0]),
            base_url if isinstance(base_url, str) else None,
            backend if isinstance(backend, str) else None,
        )

    def _report_unknown(self, layer: Layer) -> None:
        unknown = [name for name in layer.values if name not in SPECS and not layer.is_foreign(name)]
        compared, more = unknown[:_MAX_UNKNOWN], len(unknown) - _MAX_UNKNOWN
        intended = {name: _intended_restriction(name, layer) for name in compared}
        damaging = [name for name in compared if intended[name]]
        self.damaged = self.damaged or bool(damaging) or more > 0
        for name in damaging[:_MAX_REPORTED]:
            message = messages.misspelled_restriction(name, intended[name], layer.location(name))
            self.report(message, intended[name], name)
        harmless = [name for name in compared if not intended[name]]
        for name, message in zip(harmless, messages.unknown_settings(harmless, SPECS, layer.location), strict=False):
            self.report(message, "", name)
        if more > 0:
            self.report(messages.too_many_unknown(len(unknown), layer.origin))


def _restricts(table: SettingSpec, name: str) -> bool:
    """Whether an unusable entry of a table is damage to it, or to a setting that was put into it."""
    meant = setting_like(name)
    return table.restricts or bool(meant and SPECS[meant].restricts)


def _intended_restriction(name: str, layer: Layer) -> str:
    """The setting that restricts and that an unknown name, or a name inside its table, was probably meant to be."""
    if layer.env_prefix and names_config(name):
        return f"{layer.env_prefix}CONFIG"
    intended = restricted_like(name) or restricted_inside(layer.values[name])
    return intended if intended and (layer.trusted or not SPECS[intended].user_only) else ""
