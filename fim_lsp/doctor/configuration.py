"""Where the settings come from, and what in them can't be used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fim_lsp.doctor.check import Check, error, info, ok, warning
from fim_lsp.doctor.remedies import remedy_for
from fim_lsp.settings.effective import EffectiveSetting, EffectiveSettings

_CLOSES: Final = (
    "nothing leaves this machine"  # in each message about damage to what restricts; see settings/messages.py
)
_MAX_VALUE: Final = 60  # characters of one value; fim-lsp config prints them whole


def check_settings(effective: EffectiveSettings, user_file: Path | None) -> Iterator[Check]:
    """One check for each source that sets something, and one for each problem. ``user_file`` is where the user's should be."""
    for origin, shown in _by_origin(effective).items():
        yield ok("settings", f"{origin}: {', '.join(shown)}")
    if not effective.problems and not any(setting.origins for setting in effective.settings):
        place = f"there is no {user_file} and nothing else sets any" if user_file else "nothing sets any"
        yield info("settings", f"all are defaults: {place}", "to write a file with all of them: fim-lsp config --init")
    if user_file is None:
        yield warning(
            "settings",
            "there is no home folder (HOME is not set), so there is no config.toml and no folder for what is counted",
            "set HOME where your editor is started, or name a file in FIM_LSP_CONFIG",
        )
    for problem in effective.problems:
        closes = _CLOSES in problem.message
        yield (error if closes else warning)("settings", problem.message, remedy_for(problem))
    if effective.failed_closed and not any(_CLOSES in problem.message for problem in effective.problems):
        yield warning(
            "settings",
            "a settings file is just being written, so nothing leaves this machine for a few seconds",
            "run this again",
        )


def _by_origin(effective: EffectiveSettings) -> dict[str, list[str]]:
    """The settings that are not defaults, as ``name = value``, by where they were set."""
    found: dict[str, list[str]] = {}
    for setting in effective.settings:
        for origin in setting.origins:
            found.setdefault(origin, []).append(_shown(setting))
    return found


def _shown(setting: EffectiveSetting) -> str:
    value = setting.value
    if (
        isinstance(value, list)
        and isinstance(setting.default, list)
        and value[: len(setting.default)] == setting.default
    ):
        added = len(value) - len(setting.default)
        if setting.default and added:
            return f"{setting.name} ({added} more than the built-in ones)"
    shown = json.dumps(value, ensure_ascii=False)
    overridden = f" (instead of {' and '.join(setting.overridden)})" if setting.overridden else ""
    return f"{setting.name} = {shown if len(shown) <= _MAX_VALUE else shown[: _MAX_VALUE - 1] + '…'}{overridden}"
