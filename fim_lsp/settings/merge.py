"""Puts the sources of settings together: later ones win, and what restricts fails closed.

A setting that restricts (``Rule.restricts``) says which text may leave this machine, where to, and with which key. If one
of them can't be used, in whichever source, its author's wish is unknown, so nothing leaves this machine: neither the next
source's value nor the default applies, and only the embedded model answers (:attr:`Merged.confined`). Any other invalid
value is reported and ignored, and the next source applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret
from fim_lsp.settings import messages
from fim_lsp.settings.schema import RULES, SettingProblem, Settings, SettingSpec
from fim_lsp.settings.setting_names import (
    has_prefix,
    may_hold_settings,
    names_config,
    restricted_inside,
    restricted_like,
)

_KEYS = ("api_key", "api_key_command")
_GROWING = ("exclude", "local_only")
_UNKNOWN_MOST = 200  # names of one source that are compared with the settings' names
_TOLD = 10  # of them that are reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one source says. ``origin`` is its name for the user; a layer that a project can write is not ``trusted``.

    ``variables`` is the prefix of the environment variables that the values come from. ``usable`` is false for a source
    that exists and can't be read: what it restricts is unknown. ``shared``: tables of other names are other servers'.
    """

    origin: str
    values: Mapping[str, object]
    trusted: bool = True
    variables: str = ""
    usable: bool = True
    shared: bool = False

    def is_foreign(self, name: str) -> bool:
        """Whether the value of an unknown name is another server's business."""
        value = self.values[name]
        if isinstance(value, Mapping):
            return self.shared and not may_hold_settings(name, value)
        return self.shared and (
            value is None or (isinstance(value, list | tuple) and not (value and restricted_like(name)))
        )

    def is_elsewhere(self) -> bool:
        """Whether it says something, but of other servers alone."""
        return bool(self.values) and not any(name in RULES or not self.is_foreign(name) for name in self.values)

    def place(self, name: str) -> str:
        """Where a name stands, for the user."""
        if not self.variables:
            return self.origin
        return f"{self.origin} {name if has_prefix(name) else self.variables + name.upper()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The settings in force and what the user should hear. ``confined``: nothing leaves this machine, for damage."""

    settings: Settings
    problems: tuple[SettingProblem, ...]
    confined: bool


def merge_layers(layers: Iterable[Layer]) -> Merged:
    """Put the layers together, later ones over earlier ones. Never raises: what can't be used becomes a problem."""
    merging = _Merging()
    for layer in layers:
        merging.add(layer)
    return merging.merged()


@dataclass(frozen=True, slots=True)
class _KeyPlace:
    """Where a key was set, and the address or back end set beside it, to which alone it belongs."""

    where: str
    base_url: str | None
    backend: str | None

    def allows(self, values: Mapping[str, Any]) -> bool:
        if self.base_url is not None:
            base_url = values.get("base_url")
            return base_url is not None and origin_of(base_url) == origin_of(self.base_url)
        return self.backend in (None, "auto", values.get("backend"))


@dataclass(slots=True)
class _Merging:
    values: dict[str, Any] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)
    damaged: bool = False
    key: _KeyPlace | None = None

    def add(self, layer: Layer) -> None:
        self.damaged = self.damaged or not layer.usable
        for name in layer.values:
            if name in RULES:
                self._take(RULES[name], layer)
        self._place_key(layer)
        self._take_unknown(layer)

    def merged(self) -> Merged:
        if self.key is not None and not self.damaged and not self.key.allows(self.values):
            self.values |= dict.fromkeys(_KEYS)
            self.sentences.append(messages.key_elsewhere(self.key.where))
        settings = Settings(**self.values)
        if self.damaged:
            settings = confined(settings)
        problems = tuple(SettingProblem(sentence=sentence) for sentence in dict.fromkeys(self.sentences))
        return Merged(settings=settings, problems=problems, confined=self.damaged)

    def _take(self, rule: SettingSpec, layer: Layer) -> None:
        """Put a layer's value over the one below it, or say why not."""
        value, where = layer.values[rule.name], layer.place(rule.name)
        if rule.name in _GROWING:
            self._add_globs(rule, value, layer)
            return
        below = self.values.get(rule.name, rule.default)
        try:
            accepted = rule.check.accept(value)
        except (ValueError, OverflowError, RecursionError):
            if rule.user_only and not layer.trusted:
                self.sentences.append(messages.not_from_project(rule.name, where))
            else:
                self._refuse(rule, value, where)
            return
        if rule.secret and accepted is not None:
            accepted = Secret(accepted)
        if layer.trusted or accepted == below or rule.from_project.allows(accepted, below):
            self.values[rule.name] = accepted
        elif rule.user_only:
            self.sentences.append(messages.not_from_project(rule.name, where))
        else:
            self.sentences.append(messages.project_may(rule.name, rule.from_project.may, where))

    def _refuse(self, rule: SettingSpec, value: object, where: str, position: int = 0) -> None:
        """Report a value, or with ``position`` an entry of it. What restricts is damaged by it."""
        self.damaged = self.damaged or rule.restricts
        name, allowed = (rule.name, rule.check.allowed) if not position else (f"{rule.name}[{position}]", "a glob")
        self.sentences.append(
            messages.refused(name, value, allowed, where, hidden=rule.hidden, restricts=rule.restricts)
        )

    def _add_globs(self, rule: SettingSpec, value: object, layer: Layer) -> None:
        """Globs only ever accumulate, and only the user's own may let a file through again with ``!``."""
        assert rule.check.accept_items is not None  # noqa: S101 - for mypy: a check of globs has it
        globs, bad = rule.check.accept_items(value)
        allowed = (glob for glob in globs if layer.trusted or not glob.startswith("!"))
        self.values[rule.name] = (*self.values.get(rule.name, rule.default), *allowed)
        for position, entry in bad[:_TOLD]:
            self._refuse(rule, entry, layer.place(rule.name), position)

    def _place_key(self, layer: Layer) -> None:
        """A key of a later layer replaces the earlier one's, however either is given; it belongs where it was set."""
        said = [name for name in _KEYS if layer.trusted and layer.values.get(name) is not None]
        if not said:
            return
        for name in _KEYS:
            if name not in said:
                self.values[name] = None
        base_url, backend = (layer.values.get(name) for name in ("base_url", "backend"))
        self.key = _KeyPlace(
            layer.place(said[0]),
            base_url if isinstance(base_url, str) else None,
            backend if isinstance(backend, str) else None,
        )

    def _take_unknown(self, layer: Layer) -> None:
        unknown = [name for name in layer.values if name not in RULES and not layer.is_foreign(name)]
        looked, more = unknown[:_UNKNOWN_MOST], len(unknown) - _UNKNOWN_MOST
        meant = {name: self._meant(name, layer) for name in looked}
        damaging = [name for name in looked if meant[name]]
        self.damaged = self.damaged or bool(damaging) or more > 0
        self.sentences += [
            messages.meant_to_restrict(name, meant[name], layer.place(name)) for name in damaging[:_TOLD]
        ]
        self.sentences += messages.unknown([name for name in looked if not meant[name]], RULES, layer.place)
        if more > 0:
            self.sentences.append(messages.too_many_names(len(unknown), layer.origin))

    def _meant(self, name: str, layer: Layer) -> str:
        """The setting that restricts and that an unknown name was meant for, or that stands inside of its table."""
        if layer.variables and names_config(name):
            return f"{layer.variables}CONFIG"
        meant = restricted_like(name) or restricted_inside(layer.values[name])
        return meant if meant and (layer.trusted or not RULES[meant].user_only) else ""


def confined(settings: Settings) -> Settings:
    """The same settings, with which nothing leaves this machine: neither text nor a key nor a count."""
    return replace(
        settings,
        backend="ngram",
        base_url=None,
        api_key=None,
        api_key_command=None,
        fallback=("ngram",),
        limits_store=Secret("process"),
    )
