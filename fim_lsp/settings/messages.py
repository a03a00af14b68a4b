"""The sentences about settings. A value is shown only where it can't be a secret, and only its beginning."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence

_TYPOS = 10  # that are told of one source; a file made of nothing else takes one sentence more
_LONGEST = 80  # characters of a value

CONFINED = "until it is corrected, nothing leaves this machine and only ngram answers"


def unknown(names: Sequence[str], known: Collection[str], place: Callable[[str], str]) -> list[str]:
    """Names that are no settings, each with the setting it is next to; ``place`` says where a name stands."""
    more = len(names) - _TYPOS
    rest = [f"{place(names[_TYPOS])}: {more:,} more names are no settings."] if more > 0 else []
    return [*(_unknown(name, known, place(name)) for name in names[:_TYPOS]), *rest]


def _unknown(name: str, known: Collection[str], where: str) -> str:
    near = difflib.get_close_matches(name[:60], known, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else f"; the settings are {', '.join(known)}."
    return f'{where}: there is no setting "{_printable(name)}"{hint}'


def meant_to_restrict(name: str, meant: str, where: str) -> str:
    """A name that is no setting, but was meant for ``meant``, which restricts."""
    return f'{where}: there is no setting "{_printable(name)}"; it looks like "{meant}": {CONFINED}.'


def too_many_names(count: int, where: str) -> str:
    """A source with so many unknown names that they can't be compared with the settings' names."""
    return f"{where}: {count:,} names are no settings, too many to see what was meant: {CONFINED}."


def refused(name: str, value: object, allowed: str, where: str, *, hidden: bool, restricts: bool) -> str:
    """A value that is not ``allowed``; ``hidden`` ones are stars."""
    shown = "***" if hidden else _shown(value)
    consequence = CONFINED if restricts else "it is ignored"
    return f'{where}: "{name}" is {shown}, but must be {allowed}; {consequence}.'


def not_from_project(name: str, where: str) -> str:
    """A project's settings contain what only the user may set."""
    return (
        f'{where}: "{name}" is not taken from a project\'s settings, so that no project can redirect your key or run '
        "a command; set it in config.toml, the environment or initializationOptions."
    )


def project_may(name: str, may: str, where: str) -> str:
    """A project's settings raise what costs; ``may`` says what a project can do instead."""
    return (
        f'{where}: a project may {may}: "{name}" is ignored; set it in config.toml, the environment or '
        "initializationOptions."
    )


def key_elsewhere(where: str) -> str:
    """A key was set beside an address, and another address is in force."""
    return (
        f"{where}: this key was set for the address or back end beside it, another one is in force, and so the key is "
        "not used; set a key where that address is set."
    )


def source_damaged(where: str, what: str, *, last_good: bool) -> str:
    """A source that exists and can't be used; ``last_good`` if it could be used before."""
    if last_good:
        return f"{where} {what}; its last valid settings remain in force until it is corrected."
    return f"{where} {what}; {CONFINED}."


def no_answer(where: str) -> str:
    """An editor was asked for its workspace's settings, and says nothing."""
    return (
        f"{where}: the editor has not answered yet what its workspace's settings are; until it does, nothing leaves this "
        "machine and only ngram answers."
    )


def settings_dropped(where: str, why: str) -> str:
    """A source that held settings has been without them for a while."""
    return f"{where} {why}: the settings that it contained no longer apply."


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:60])


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
