"""``fim-lsp config``: the settings that apply, with their sources; checks a file of settings, and writes a first one."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fim_lsp.cli import config_from
from fim_lsp.cli.output import answer, is_styled, write
from fim_lsp.settings.sources import PROJECT_FILE
from fim_lsp.text.unicode import visible

if TYPE_CHECKING:
    from fim_lsp.settings.effective import EffectiveSetting, EffectiveSettings, SettingsSource

_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_MAX_VALUE_WIDTH = 40  # of the column; longer values push the next one aside


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to do instead of printing the settings."""
    parser.description = (
        "Print the settings that apply in this folder, and where each was set. Exits with 0, or with 1 if a setting or a "
        "file can't be used; all such problems are listed at the end."
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--json", action="store_true", help="the same as JSON")
    instead.add_argument(
        "--check",
        metavar="FILE",
        help="find mistakes in a config.toml or .fim-lsp.toml, with their lines; - is standard input; exits with 0 or 1",
    )
    instead.add_argument(
        "--init", action="store_true", help="write a config.toml that explains every setting; never overwrites one"
    )
    instead.add_argument("--schema", action="store_true", help="print the JSON Schema of the settings")
    config_from.add_arguments(instead)


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Do what was asked for."""
    if arguments.schema:
        from fim_lsp.settings.reference import schema

        write(json.dumps(schema(), indent=2) + "\n")
        return 0
    if arguments.check is not None:
        return check(arguments.check)
    if arguments.init:
        from fim_lsp.cli.config_init import init

        return init(environment)
    if program := config_from.chosen(arguments):
        return config_from.run(*program, environment)
    return show(Path.cwd(), environment, as_json=arguments.json)


def show(folder: Path, environment: Mapping[str, str], *, as_json: bool) -> int:
    """Print the settings that apply to files in ``folder``. Returns 1 if there are problems, else 0."""
    from fim_lsp.cli.complete import workspace_of
    from fim_lsp.settings.loader import SettingsLoader

    root = workspace_of(folder / "file")
    loader = SettingsLoader(environment, lambda problems: None)
    loader.start([root], None)
    effective = loader.effective()
    if as_json:
        write(json.dumps(to_json(effective, root), indent=2) + "\n")
    else:
        write("".join(f"{line}\n" for line in report(effective, root, styled=is_styled())))
    return 1 if effective.problems or effective.failed_closed else 0


def to_json(effective: EffectiveSettings, root: Path) -> dict[str, Any]:
    """Everything that is known of the settings; no secrets."""
    settings = {setting.name: asdict(setting) | {"is_default": setting.is_default} for setting in effective.settings}
    return {
        "workspace": str(root),
        "failed_closed": effective.failed_closed,
        "settings": {name: {key: values[key] for key in values if key != "name"} for name, values in settings.items()},
        "sources": [asdict(source) for source in effective.sources],
        "problems": [problem.message for problem in effective.problems],
    }


def report(effective: EffectiveSettings, root: Path, *, styled: bool) -> Iterable[str]:
    """The settings for a person: the sources, each setting, and all problems."""
    yield visible(f"Settings in {_short(str(root), None)}; a later source overrides an earlier one:")
    own = [source for source in effective.sources if source.origin not in _FROM_EDITORS]
    names = [_short(source.origin, root) for source in own]
    for name, source in zip(names, own, strict=True):
        yield visible(f"  {name:{max(map(len, names))}}  {_state(source, effective)}")
    yield "What your editor sends is added to these; its command fim-lsp.doctor shows the result."
    yield ""
    values = [_value(setting) for setting in effective.settings]
    value_width = max(len(value) for value in values if len(value) <= _MAX_VALUE_WIDTH)
    name_width = max(len(setting.name) for setting in effective.settings)
    for value, setting in zip(values, effective.settings, strict=True):
        line = visible(f"{setting.name:{name_width}}  {value:{value_width}}  {_origin(setting, root)}")
        yield f"{_DIM}{line}{_PLAIN}" if styled and setting.is_default and not setting.ignored else line
    problems = [*(problem.message for problem in effective.problems), *_unreported(effective)]
    if problems:
        yield f"\n{len(problems)} problem{'s' if len(problems) > 1 else ''}:"
        yield from (visible(f"  {problem}") for problem in problems)


_FROM_EDITORS = ("initializationOptions", "workspace/configuration")


def _unreported(effective: EffectiveSettings) -> list[str]:
    """Files that are damaged for a moment: editors are not told of them, but a person asks now."""
    known = " ".join(problem.message for problem in effective.problems)
    return [source.problem for source in effective.sources if source.problem and source.problem not in known]


def _state(source: SettingsSource, effective: EffectiveSettings) -> str:
    if source.state == "missing":
        return "does not exist" if not source.problem else "does not exist: see below"
    if source.state == "damaged":
        return "can't be used: see below"
    places = {setting.name: (*setting.origins, *setting.overridden) for setting in effective.settings}
    names = [name for name, found in places.items() if any(place.startswith(source.origin) for place in found)]
    return f"sets {', '.join(names)}" if names else "sets nothing"


def _value(setting: EffectiveSetting) -> str:
    from fim_lsp.settings.toml_text import write_value

    if setting.name == "exclude":
        added = setting.value[len(setting.default) :]
        return f"the built-in list and {write_value(added)}" if added else "the built-in list"
    return write_value(setting.value)


def _origin(setting: EffectiveSetting, root: Path) -> str:
    if setting.closed:
        where = "held back because of damage, see below"
    else:
        where = ", ".join(_short(origin, root) for origin in setting.origins) or "default"
        if setting.name == "api_key" and setting.is_default:
            where += "; fim-lsp key show names the key that is used"
    overridden = ", ".join(_short(origin, root) for origin in setting.overridden)
    notes = [f"overrides {overridden}"] if overridden and not setting.closed else []
    notes += ["another value is ignored, see below"] if setting.ignored else []
    return f"{where} ({'; '.join(notes)})" if notes else where


def _short(origin: str, root: Path | None) -> str:
    """A place as a person calls it: a variable's name, a path from the workspace or from ~."""
    if origin.startswith("environment variable"):
        return origin.removeprefix("environment variable").strip() or "environment variables"
    if root is not None and Path(origin) == root / PROJECT_FILE:
        return PROJECT_FILE
    home = os.path.expanduser("~")
    return f"~{origin.removeprefix(home)}" if home != "~" and origin.startswith(f"{home}{os.sep}") else origin


def check(name: str) -> int:
    """Print what is wrong in a file, one problem a line, each with the line it is on. Returns 1 if anything is, else 0.

    A file called ``.fim-lsp.toml`` is checked as a project's.
    """
    from fim_lsp.cli.complete import read
    from fim_lsp.settings.check import check_text

    is_project = Path(name).name == PROJECT_FILE
    problems = check_text(read(name), trusted=not is_project)
    shown = "standard input" if name == "-" else name
    for problem in problems:
        answer(f"{shown}:{f'{problem.line}:' if problem.line else ''} {problem.message}")
    if not problems:
        answer(
            f"{shown}: no mistakes (checked as {'the settings of a project' if is_project else 'your own settings'})"
        )
    return 1 if problems else 0
