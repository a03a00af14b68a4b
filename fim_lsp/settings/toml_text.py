"""TOML as text: how values are written, on which line a name is set, and what was probably meant where parsing fails."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

Path = tuple[str, ...]
"""The names that lead to a value: ``("languages", "markdown")``."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_MAX_LINES, _MAX_LENGTH = 2_000, 256 << 10
"""Lines and characters of a file in which names are located: real ones have a few dozen lines."""
_ENDS: Final = ("]", '"""', "'''")
"""What the last line of a value contains that extends over several lines."""
_MAX_LINE: Final = 1_000  # characters of a line that are compared with common mistakes
_MAX_TRIES: Final = 300
"""How often the beginning of a value is parsed to find its end."""

_NAME = r"""^\s*[\w."'-]+\s*"""
_HINTS: Final = tuple(
    (re.compile(mistake), advice)
    for mistake, advice in (
        (_NAME + r"=\s*(True|False)\b", "true and false are written in small letters"),
        (_NAME + r"=\s*(null|nil|None)\b", "TOML has no null: leave the setting out"),
        (_NAME + r"""=\s*("[^"]*|'[^']*)$""", "the string has no quote at its end"),
        (_NAME + r'=\s*"[^"]*\\', "between double quotes a \\ begins an escape: use single quotes"),
        (_NAME + r"=\s*[A-Za-z~/.]", "a string is written between quotes"),
        (_NAME + r"=\s*(#.*)?$", "there is no value after the ="),
        (_NAME + r":", "a name and its value are separated by ="),
        (_NAME + r"=.*,\s*(#.*)?$", "there is no comma after a value"),
        (r"^\s*(//|;|--|/\*)", "a comment begins with #"),
        (r"^\s*[{}]", "settings are lines such as max_tokens = 64, without braces around them"),
        (r"^\s*[\w-]+\s*(#.*)?$", "a setting is written as name = value"),
        (r"^\s*\[[^\]]*$", "a table's name is written between brackets, as in [languages]"),
    )
)
"""What people write who know JSON, YAML or Python better than TOML, and what to write instead."""


def line_of_error(error: tomllib.TOMLDecodeError, text: str) -> int:
    """The line, from 1, at which parsing failed; if that is the end of the text, where its last value begins."""
    if found := _PLACE.search(str(error)):
        return int(found[1])
    lines = _lines(text)
    return max((start for start, _ in _statements(lines)), default=1) if _is_short(lines) else len(lines)


def explain(error: tomllib.TOMLDecodeError, text: str) -> str:
    """The reason in the words of someone who has never read TOML's grammar, if it is a common mistake, with its place.

    Contains nothing of the text, which may be a key.
    """
    place = _PLACE.search(str(error))
    line = line_of_error(error, text)
    if "Cannot overwrite" in str(error) or "Cannot declare" in str(error):
        advice = "a name can be set only once"
    else:
        wrong = "".join(_lines(text)[line - 1 : line])[:_MAX_LINE]
        advice = next((advice for mistake, advice in _HINTS if mistake.search(wrong)), "")
    return f"{advice} {place[0] if place else f'(at line {line})'}" if advice else str(error)


def lines_of(text: str) -> Mapping[Path, int]:
    """The line, from 1, on which each name of a valid text is set first. Empty for a text that is too long."""
    lines = _lines(text)
    found: dict[Path, int] = {}
    if not _is_short(lines):
        return found
    header = ""
    for number, statement in _statements(lines):
        if statement.lstrip().startswith("["):
            header = statement
        for path in _paths(_parsed(header if statement is header else header + statement)):
            found.setdefault(path, number)
    return found


def _lines(text: str) -> list[str]:
    """With their ends. Only line feeds end TOML's lines, not what Python takes for one."""
    return [f"{line}\n" for line in text.removeprefix("\ufeff").split("\n")]


def _is_short(lines: list[str]) -> bool:
    return len(lines) <= _MAX_LINES and sum(map(len, lines)) <= _MAX_LENGTH


def _statements(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Each header or setting, with its first line. A value may extend over several lines; the last one may be incomplete."""
    start = tries = 0
    for end in range(1, len(lines) + 1):
        statement = "".join(lines[start:end])
        is_last = end == len(lines) or tries >= _MAX_TRIES
        if not is_last:
            if end - start > 1 and not any(mark in lines[end - 1] for mark in _ENDS):
                continue
            tries += 1
            if not _is_complete(statement):
                continue
        if statement.strip() and not statement.lstrip().startswith("#"):
            yield start + 1, statement
        start, tries = end, 0


def _is_complete(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except (ValueError, RecursionError):
        return False
    return True


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _paths(values: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    for name, value in values.items():
        yield (*above, name)
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, name))


def write_value(value: Any) -> str:
    """A value, given as JSON, in TOML on one line. ``null`` has no form in TOML and is written as that word."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {write_value(entry)}" for name, entry in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else write_value(name)
