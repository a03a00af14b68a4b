"""Reads the sources of settings that are not files (the environment, the editor) as layers, and locates the files."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fim_lsp.settings import messages
from fim_lsp.settings.merge import Layer
from fim_lsp.settings.misspelled_names import SECTION, has_prefix, restricted_like
from fim_lsp.settings.schema import SPECS, SettingProblem

ENVIRONMENT_PREFIX = "FIM_LSP_"
PROJECT_FILE = ".fim-lsp.toml"
_WILDCARD_OR_ROOTED = re.compile(r"[*?\[]|^[~/]")


def user_file(environment: Mapping[str, str]) -> Path | None:
    """``config.toml`` in the user's config directory, ``~/.config/fim-lsp`` on Linux, or the file in ``FIM_LSP_CONFIG``.

    ``None`` for a user without a home directory.
    """
    if named := environment.get(f"{ENVIRONMENT_PREFIX}CONFIG"):
        return Path(named)
    folder = config_folder()
    return folder and folder / "config.toml"


def is_null_device(path: str, *, null: str = os.devnull, normcase: Callable[[str], str] = os.path.normcase) -> bool:
    """Whether a path is the empty device, ``/dev/null`` or, in whichever case, Windows' ``NUL``: nothing is to be read."""
    return normcase(path) == normcase(null)


def config_folder() -> Path | None:
    """The user's config directory, ``~/.config/fim-lsp`` on Linux; ``None`` for a user without a home directory."""
    from platformdirs import user_config_path  # takes 40 ms to import

    return _absolute(user_config_path)


def state_folder() -> Path | None:
    """The user's state directory, ``~/.local/state/fim-lsp`` on Linux; ``None`` for a user without a home directory."""
    from platformdirs import user_state_path

    return _absolute(user_state_path)


def cache_folder() -> Path | None:
    """The user's cache directory, ``~/.cache/fim-lsp`` on Linux; ``None`` for a user without a home directory."""
    from platformdirs import user_cache_path

    return _absolute(user_cache_path)


def _absolute(find: Callable[..., Path]) -> Path | None:
    """What platformdirs finds, unless there is neither HOME nor an entry in passwd: ``docker run --user 12345``.

    It then raises, or in older versions returns ``~/.config`` as it is: a folder of the project that is worked in.
    """
    try:
        folder = find("fim-lsp", appauthor=False)
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


def read_environment(environment: Mapping[str, str]) -> Layer:
    """The variables ``FIM_LSP_<NAME>``. Numbers, booleans, null, lists and tables are JSON, other text is a string.

    An empty variable is unset. A variable with a misspelled prefix (``FIMLSP_EXCLUDE``) becomes an unknown name.
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
    return Layer(origin="environment variable", values=values, env_prefix=ENVIRONMENT_PREFIX)


def _value(name: str, raw: str) -> object:
    """The value as JSON if the setting accepts that, otherwise the string itself: a model may be called ``7``."""
    spec = SPECS.get(name)
    if spec is None:
        return raw
    candidates: list[object] = [raw]
    with contextlib.suppress(ValueError, RecursionError):
        candidates.append(json.loads(raw))
    if spec.validator.accept_items is not None:
        return candidates[-1] if len(candidates) > 1 else _globs(raw)
    for candidate in candidates if spec.secret else reversed(candidates):
        try:
            spec.validator.accept(candidate)
        except ValueError:
            continue
        return candidate
    return candidates[-1]


def _globs(raw: str) -> object:
    """A string as globs, split wherever separators may be meant: an extra glob only protects more files.

    A string that looks like a list but is not valid JSON is damage rather than a strange glob.
    """
    if raw.lstrip().startswith(("[", "{")) and any(quote in raw for quote in "\"'"):
        return {"not": "JSON"}
    inner = raw.strip()
    listed = inner[1:-1] if inner.startswith("[") and inner.endswith("]") else inner
    parts = [part.strip() for part in re.split(r"[,;:\n]", listed)]
    words = listed.split()
    if all(_WILDCARD_OR_ROOTED.search(word) for word in words):  # otherwise it is one name with a space
        parts += words
    return list(dict.fromkeys([raw, *(part for part in parts if part and not part.startswith("!"))]))


def read_editor(
    origin: str, values: object, *, trusted: bool, shared: bool = False, last_good: bool = False
) -> tuple[Layer, tuple[SettingProblem, ...]]:
    """What an editor sent: an object of settings, flat or in the section ``fim-lsp``, or nothing.

    Anything else makes an unreadable layer and a problem, whose message depends on whether there is a ``last_good`` layer.
    ``shared``: the object may also contain the settings of other servers.
    """
    if isinstance(values, Mapping):
        inner = values.get(SECTION)  # vscode-languageclient sends null if nothing is set
        if inner is None or inner == [] or isinstance(inner, Mapping):
            return Layer(origin=origin, values=flatten(values), trusted=trusted, shared=shared), ()
        values = inner
    if values is None or values == []:  # Emacs and clients in PHP send [] for {}
        return Layer(origin=origin, values={}, trusted=trusted, shared=shared), ()
    reason = f"must be an object, not {type(values).__name__}"
    problem = SettingProblem(message=messages.unusable_source(f"{origin}: settings", reason, last_good=last_good))
    return Layer(origin=origin, values={}, trusted=trusted, shared=shared, readable=False), (problem,)


def flatten(values: Mapping[str, Any], *, exclusive: bool = False) -> dict[str, Any]:
    """Merge the section ``fim-lsp`` with the settings next to it.

    Unknown names next to the section belong to others and are dropped, unless they were probably meant to restrict, or
    the source is ``exclusive`` to fim-lsp, like its own files.
    """
    if SECTION not in values:
        return {str(name): value for name, value in values.items()}
    outside = ((str(name), value) for name, value in values.items() if name != SECTION)
    merged = {name: value for name, value in outside if exclusive or name in SPECS or restricted_like(name)}
    for name, value in (values[SECTION] or {}).items():
        merged[str(name)] = _combined(str(name), merged[name], value) if name in merged else value
    return merged


def _combined(name: str, outside: object, inside: object) -> object:
    """A setting given both next to the section and in it: globs and entries add up, otherwise the section's applies."""
    if name not in SPECS:
        return inside
    if SPECS[name].validator.table and isinstance(outside, Mapping) and isinstance(inside, Mapping):
        return {**outside, **inside}
    if SPECS[name].validator.accept_items is None:
        return inside
    return [entry for value in (outside, inside) for entry in (value if isinstance(value, list) else [value])]
