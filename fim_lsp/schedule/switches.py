"""Whether suggestions appear without being asked for: two settings, and what the user's commands have changed since.

An explicit request is always answered, as by Copilot ("even if Copilot is disabled"): whoever turns suggestions off does
not want to be interrupted, and whoever asks wants one. So none of this keeps text secret. A document in which no
suggestions appear may still be context for others; what must not be sent belongs into ``exclude`` or ``local_only``,
which no command overrides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from fim_lsp.schedule.request import Outcome
from fim_lsp.settings.schema import Settings
from fim_lsp.workspace.language_families import canonical_language

Trigger: TypeAlias = Literal["auto", "manual"]
"""The values of the setting ``trigger``: suggestions appear as the user types, or only when asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """What the user's commands have changed in this session.

    ``on`` is for the whole editor. ``trigger`` replaces the setting, unless it is None. ``languages`` are pairs of a language
    id and whether it has suggestions. ``snoozed_until`` is in seconds since the epoch, 0 if nothing is snoozed.
    """

    on: bool = True
    trigger: Trigger | None = None
    languages: tuple[tuple[str, bool], ...] = ()
    snoozed_until: float = 0.0

    def language(self, language: str) -> bool | None:
        """Whether the user has turned a language on or off; None if neither."""
        return dict(self.languages).get(canonical_language(language)) if self.languages else None

    def with_language(self, language: str, on: bool | None) -> Switches:
        """The same, with a language turned on or off, or as the settings say."""
        name = canonical_language(language)
        others = tuple(pair for pair in self.languages if pair[0] != name)
        return replace(self, languages=others if on is None else (*others, (name, on)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """The settings ``trigger`` and ``languages``.

    What ``imposed`` turn off, no command turns on: a project's settings, or all of them for a client that is not known to be
    the user. ``imposed_by`` names them in sentences.
    """

    settings: Settings
    imposed: Settings
    imposed_by: str = "this project's settings"

    def trigger(self, switches: Switches) -> Trigger:
        """Whether suggestions appear as the user types, or only when they are asked for."""
        if self.imposed.trigger == "manual":
            return "manual"
        return switches.trigger or self.settings.trigger

    def silence(self, switches: Switches, language: str, now: float) -> Outcome | None:
        """Why no suggestion appears by itself in documents of a language; None if it may. ``now`` as in Switches."""
        if not switches.on:
            return Outcome.TURNED_OFF
        if switches.snoozed_until > now:
            return Outcome.SNOOZED
        if not self.has_language(switches, language):
            return Outcome.LANGUAGE_OFF
        if self.trigger(switches) == "manual":
            return Outcome.MANUAL
        return None

    def has_language(self, switches: Switches, language: str) -> bool:
        """Whether documents of a language have suggestions."""
        chosen = switches.language(language)
        if chosen is None:
            return self.settings.has_language(language)
        return chosen and self.imposed.has_language(language)
