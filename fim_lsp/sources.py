"""Where settings come from: the user's config file, the environment, and what an editor sends, each made a layer."""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from fim_lsp.config import RULES, Layer, Problem
from fim_lsp.files import read_text

ENVIRONMENT_PREFIX = "FIM_LSP_"
PROJECT_FILE = ".fim-lsp.toml"


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


def read_file(path: Path, *, trusted: bool) -> tuple[Layer, tuple[Problem, ...]]:
    """A TOML file as a layer. A file that isn't there is an empty layer; one that can't be read is a problem."""
    try:
        return Layer(origin=str(path), values=tomllib.loads(read_text(path)), trusted=trusted), ()
    except FileNotFoundError:
        sentences: tuple[Problem, ...] = ()
    except tomllib.TOMLDecodeError as error:
        sentences = (Problem(sentence=f"{path} is not valid TOML ({error}); the other settings stand."),)
    except (OSError, ValueError, RecursionError) as error:
        sentences = (Problem(sentence=f"{path} can't be read: {_reason(error)}; the other settings stand."),)
    return Layer(origin=str(path), values={}, trusted=trusted), sentences


def _reason(error: OSError | ValueError | RecursionError) -> str:
    match error:
        case OSError():
            return error.strerror or type(error).__name__
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case RecursionError():
            return "it is nested too deep"
    return "a number in it is too long, or its own name is none"


def read_environment(environment: Mapping[str, str]) -> Layer:
    """``FIM_LSP_<NAME>``. Numbers, booleans, null and lists are JSON; plain text is taken as it is; empty is unset."""
    values: dict[str, object] = {}
    for variable, raw in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX) or not raw or variable == f"{ENVIRONMENT_PREFIX}CONFIG":
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        values[name] = _value(name, raw)
    return Layer(origin=f"environment {ENVIRONMENT_PREFIX}…", values=values)


def _value(name: str, raw: str) -> object:
    """The JSON value where the setting takes it, else the text itself: a model called ``7`` stays a text."""
    rule = RULES.get(name)
    if rule is None:
        return raw
    readings: list[object] = [raw]
    with contextlib.suppress(ValueError, RecursionError):
        readings.append(json.loads(raw))
    for reading in reversed(readings) if not rule.secret else readings:
        try:
            rule.check.accept(reading)
        except ValueError:
            continue
        return reading
    return readings[-1]


def read_editor(origin: str, values: object, *, trusted: bool) -> tuple[Layer, tuple[Problem, ...]]:
    """What an editor sent: an object of settings, flat or under ``fim-lsp``, or nothing."""
    if isinstance(values, Mapping) and "fim-lsp" in values:
        values = values["fim-lsp"]  # null where nothing is set: vscode-languageclient
    if values is None or (isinstance(values, list) and not values):  # Emacs and PHP-like clients send [] for {}
        return Layer(origin=origin, values={}, trusted=trusted), ()
    if isinstance(values, Mapping):
        return Layer(origin=origin, values=dict(values), trusted=trusted), ()
    problem = Problem(sentence=f"{origin}: settings must be an object, not {type(values).__name__}; they are not used.")
    return Layer(origin=origin, values={}, trusted=trusted), (problem,)
