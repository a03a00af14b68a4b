"""Where settings come from: files, the environment, and what an editor sends, each made a layer."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fim_lsp.settings import messages
from fim_lsp.settings.merge import Layer
from fim_lsp.settings.schema import RULES, SettingProblem
from fim_lsp.settings.setting_names import SECTION, has_prefix, restricted_like

ENVIRONMENT_PREFIX = "FIM_LSP_"
PROJECT_FILE = ".fim-lsp.toml"
_WILD_OR_ROOTED = re.compile(r"[*?\[]|^[~/]")


def user_file(environment: Mapping[str, str]) -> Path | None:
    """``config.toml`` in the user's config directory: ``~/.config/fim-lsp`` on Linux, the system's own place elsewhere.

    ``FIM_LSP_CONFIG`` names another file. ``None`` for a user without a home.
    """
    if named := environment.get(f"{ENVIRONMENT_PREFIX}CONFIG"):
        return Path(named)
    from platformdirs import user_config_path  # 40 ms, and only the first reading needs it

    try:
        return user_config_path("fim-lsp", appauthor=False) / "config.toml"
    except RuntimeError:  # neither HOME nor a line in passwd: `docker run --user 12345`
        return None


def state_folder() -> Path | None:
    """Where the quota's count is kept: ``~/.local/state/fim-lsp`` on Linux, the system's own place elsewhere.

    ``None`` for a user without a home.
    """
    from platformdirs import user_state_path

    try:
        return user_state_path("fim-lsp", appauthor=False)
    except RuntimeError:
        return None


def read_environment(environment: Mapping[str, str]) -> Layer:
    """``FIM_LSP_<NAME>``. Numbers, booleans, null and lists are JSON; plain text is taken as it is; empty is unset.

    A variable whose prefix is misspelt (``FIMLSP_EXCLUDE``) is a name that is no setting, as it stands.
    """
    values: dict[str, object] = {}
    for variable, raw in environment.items():
        if not raw or variable == f"{ENVIRONMENT_PREFIX}CONFIG":
            continue
        if variable.startswith(ENVIRONMENT_PREFIX):
            name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
            values[name] = _value(name, raw)
        elif has_prefix(variable):
            values[variable] = raw
    return Layer(origin="environment variable", values=values, variables=ENVIRONMENT_PREFIX)


def _value(name: str, raw: str) -> object:
    """The JSON value where the setting takes it, else the text itself: a model called ``7`` stays a text."""
    rule = RULES.get(name)
    if rule is None:
        return raw
    readings: list[object] = [raw]
    with contextlib.suppress(ValueError, RecursionError):
        readings.append(json.loads(raw))
    if rule.check.accept_items is not None:
        return readings[-1] if len(readings) > 1 else _globs(raw)
    for reading in reversed(readings) if not rule.secret else readings:
        try:
            rule.check.accept(reading)
        except ValueError:
            continue
        return reading
    return readings[-1]


def _globs(raw: str) -> object:
    """Plain text as globs. What looks like a list and is no JSON is damage, not a strange glob; and where commas and the
    like may separate globs, they do: one glob too many only keeps more in.
    """
    if raw.lstrip().startswith(("[", "{")) and any(quote in raw for quote in "\"'"):
        return {"not": "JSON"}
    inner = raw.strip()
    listed = inner[1:-1] if inner.startswith("[") and inner.endswith("]") else inner
    parts = [part.strip() for part in re.split(r"[,;:\n]", listed)]
    words = listed.split()
    if all(_WILD_OR_ROOTED.search(word) for word in words):  # else it is a name with a blank
        parts += words
    return list(dict.fromkeys([raw, *(part for part in parts if part and not part.startswith("!"))]))


def read_editor(
    origin: str, values: object, *, trusted: bool, shared: bool = False, last_good: bool = False
) -> tuple[Layer, tuple[SettingProblem, ...]]:
    """What an editor sent: an object of settings, flat or under ``fim-lsp``, or nothing.

    Anything else is a layer that can't be used, which the sentence says differently if there is a ``last_good`` one.
    ``shared``: other servers' settings may stand beside ours.
    """
    if isinstance(values, Mapping):
        inner = values.get(SECTION)  # null where nothing is set: vscode-languageclient
        if inner is None or inner == [] or isinstance(inner, Mapping):
            return Layer(origin=origin, values=flat(values), trusted=trusted, shared=shared), ()
        values = inner
    if values is None or values == []:  # Emacs and PHP-like clients send [] for {}
        return Layer(origin=origin, values={}, trusted=trusted, shared=shared), ()
    what = f"must be an object, not {type(values).__name__}"
    problem = SettingProblem(sentence=messages.source_damaged(f"{origin}: settings", what, last_good=last_good))
    return Layer(origin=origin, values={}, trusted=trusted, shared=shared, usable=False), (problem,)


def flat(values: Mapping[str, Any], *, alone: bool = False) -> dict[str, Any]:
    """Settings, of which some or all stand in the section ``fim-lsp``.

    What stands beside a section and is no setting of ours, nor was meant for one that restricts, belongs to somebody else;
    not where ours are ``alone``, as in our own files.
    """
    if SECTION not in values:
        return {str(name): value for name, value in values.items()}
    beside = ((str(name), value) for name, value in values.items() if name != SECTION)
    merged = {name: value for name, value in beside if alone or name in RULES or restricted_like(name)}
    for name, value in (values[SECTION] or {}).items():
        merged[str(name)] = _both(str(name), merged[name], value) if name in merged else value
    return merged


def _both(name: str, beside: object, inside: object) -> object:
    """A setting that stands beside the section and in it: globs together, of other values the section's."""
    if name not in RULES or RULES[name].check.accept_items is None:
        return inside
    return [entry for value in (beside, inside) for entry in (value if isinstance(value, list) else [value])]
