"""What the user is told about a setting that can't be used: one sentence, and in it no secret and nothing without end."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence

_TYPOS = 10  # that are told of one source; a file made of nothing else takes one sentence more
_LONGEST = 80  # characters of a value


def unknown(names: Sequence[str], known: Collection[str], origin: str) -> list[str]:
    """Names that are no settings, each with the setting it is next to."""
    more = len(names) - _TYPOS
    rest = [f"{origin}: {more:,} more names are no settings."] if more > 0 else []
    return [*(_unknown(name[:60], known, origin) for name in names[:_TYPOS]), *rest]


def _unknown(name: str, known: Collection[str], origin: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else f"; the settings are {', '.join(known)}."
    printable = "".join(char if char.isprintable() else "?" for char in name)
    return f'{origin}: there is no setting "{printable}"{hint}'


def refused(name: str, value: object, allowed: str, origin: str, *, hidden: bool) -> str:
    """A value that is not ``allowed``; ``hidden`` ones are stars."""
    shown = "***" if hidden else _shown(value)
    return f'{origin}: "{name}" is {shown}, but must be {allowed}; the value below it stands.'


def not_yours(name: str, origin: str) -> str:
    """A project's settings hold what only the user may set."""
    return (
        f'{origin}: "{name}" is not taken from a project\'s settings, so that no project can redirect your key or run '
        "a command; set it in config.toml, the environment or initializationOptions."
    )


def only_lower(name: str, origin: str) -> str:
    """A project's settings raise the quota, or lift it."""
    return f'{origin}: a project may only lower "{name}"; the value below it stands.'


def _shown(value: object) -> str:
    """A value in a sentence. What is made of others may hold a key, and may be nested without end."""
    match value:
        case bool() | float() | None:
            return repr(value)
        case int():
            return repr(value) if abs(value) < 10**20 else "a number of more than 20 digits"
        case str():
            return repr(value[:_LONGEST])[:_LONGEST]
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
    return f"a {type(value).__name__}"
