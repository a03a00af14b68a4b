"""Checks a file of settings without using it, for ``fim-lsp config --check``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from fim_lsp.settings import toml_text
from fim_lsp.settings.merge import Layer, merge_layers
from fim_lsp.settings.misspelled_names import SECTION
from fim_lsp.settings.schema import SettingProblem
from fim_lsp.settings.settings_file import MAX_PROJECT_BYTES, parse_toml
from fim_lsp.settings.sources import flatten

_PLACE = re.compile(r" \(at line \d+(, column \d+)?\)")
_ITEM = re.compile(r"\[\d+\]$")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProblem:
    """What is wrong in a file, on which ``line`` (from 1; 0 if it is not known), and what is allowed."""

    line: int
    message: str


def check_text(text: str, *, trusted: bool) -> tuple[FileProblem, ...]:
    """The problems of a file's text, by line. Not ``trusted``: it is a project's, for which stricter rules apply."""
    if not trusted and len(text.encode()) > MAX_PROJECT_BYTES:
        return (FileProblem(line=0, message=f"is not read: it has more than {MAX_PROJECT_BYTES >> 10} KiB"),)
    try:
        values = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        reason = _PLACE.sub("", str(error))
        return (FileProblem(line=toml_text.line_of_error(error, text), message=f"is not valid TOML: {reason}"),)
    except RecursionError:
        return (FileProblem(line=0, message="is nested too deep"),)
    except ValueError:
        return (FileProblem(line=0, message="contains a number with too many digits"),)
    lines = toml_text.lines_of(text)
    if not isinstance(values.get(SECTION, {}), Mapping):
        return (FileProblem(line=lines.get((SECTION,), 0), message=f'"{SECTION}" is not a table'),)
    merged = merge_layers([Layer(origin="", values=flatten(values, exclusive=True), trusted=trusted)])
    found = [FileProblem(line=_line(problem, lines), message=_message(problem)) for problem in merged.problems]
    return tuple(sorted(found, key=lambda problem: problem.line))


def _line(problem: SettingProblem, lines: Mapping[toml_text.Path, int]) -> int:
    """Where the name was set that a problem is about: with its table, if it is an entry, and perhaps in the section."""
    name = _ITEM.sub("", problem.name)
    table, _, entry = name.partition(".")
    paths = [(name,), (table, entry), (table,), (problem.setting,)]
    return next((lines[path] for inner in paths for path in (inner, (SECTION, *inner)) if path in lines), 0)


def _message(problem: SettingProblem) -> str:
    return problem.message.removeprefix(": ")
