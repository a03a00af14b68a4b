"""Messages for users about their settings. Values are shortened, and never shown if they may be secret."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence

_MAX_UNKNOWN = 10  # names that are reported one by one for one source
_MAX_VALUE = 80  # characters of a value

_USER_SOURCES = (
    "config.toml, the environment, or your editor's own settings (in VS Code the user settings, elsewhere "
    "initializationOptions)"
)
_FAILED_CLOSED = "until it is corrected, nothing leaves this machine and only ngram answers"


def unknown_settings(names: Sequence[str], known: Collection[str], location: Callable[[str], str]) -> list[str]:
    """One message for each unknown name, with the closest setting; ``location`` returns where a name was found."""
    more = len(names) - _MAX_UNKNOWN
    summary = [f"{location(names[_MAX_UNKNOWN])}: {more:,} more names are not settings."] if more > 0 else []
    return [*(_unknown(name, known, location(name)) for name in names[:_MAX_UNKNOWN]), *summary]


def _unknown(name: str, known: Collection[str], where: str) -> str:
    close = difflib.get_close_matches(name[:60], known, n=1)
    hint = f'; did you mean "{close[0]}"?' if close else f"; the settings are {', '.join(known)}."
    return f'{where}: there is no setting "{_printable(name)}"{hint}'


def misspelled_restriction(name: str, intended: str, where: str) -> str:
    """An unknown name that was probably meant to be ``intended``, a setting that restricts."""
    return f'{where}: there is no setting "{_printable(name)}"; it looks like "{intended}": {_FAILED_CLOSED}.'


def too_many_unknown(count: int, where: str) -> str:
    """A source with too many unknown names to look for misspelled settings among them."""
    return f"{where}: {count:,} names are not settings, too many to check for misspelled ones: {_FAILED_CLOSED}."


def invalid_value(name: str, value: object, allowed: str, where: str, *, hidden: bool, restricts: bool) -> str:
    """A value that is not ``allowed``; ``hidden`` ones are shown as stars."""
    shown = "***" if hidden else _shown(value)
    consequence = _FAILED_CLOSED if restricts else "it is ignored"
    return f'{where}: "{_printable(name)}" is {shown}, but must be {allowed}; {consequence}.'


def misplaced_setting(name: str, table: str, where: str, *, restricts: bool) -> str:
    """A setting that was put into another one's table."""
    consequence = _FAILED_CLOSED if restricts else "it is ignored"
    return (
        f'{where}: "{_printable(name)}" is inside the table "{table}"; move it above the line [{table}]: {consequence}.'
    )


def not_from_project(name: str, where: str) -> str:
    """A setting in a project's settings that only the user may set."""
    return (
        f'{where}: "{name}" is not taken from a project\'s settings, so that no project can redirect your key or run '
        f"a command; set it in {_USER_SOURCES}."
    )


def beyond_project(name: str, may: str, where: str) -> str:
    """A value in a project's settings that goes beyond what a project ``may`` do."""
    return f'{where}: "{_printable(name)}" is ignored, because a project may {may}; set it in {_USER_SOURCES}.'


def key_for_another_address(where: str) -> str:
    """A key was set next to an address or a back end that is not the one in use."""
    return (
        f"{where}: this key is not used, because it was set for the address or back end next to it and another one is in "
        "use; set a key where that one is set."
    )


def unusable_source(where: str, problem: str, *, last_good: bool) -> str:
    """A source that exists and can't be used; ``last_good``: its last valid settings are known."""
    if last_good:
        return f"{where} {problem}; its last valid settings remain in force until it is corrected."
    return f"{where} {problem}; {_FAILED_CLOSED}."


def being_written(where: str) -> str:
    """A file that was written a moment ago, perhaps not to its end."""
    return f"{where} was saved just now, perhaps in part; until it is read again, in a few seconds, nothing leaves this machine."


def no_answer(where: str) -> str:
    """The editor was asked for the settings of its workspace and has not answered."""
    return (
        f"{where}: the editor has not sent the settings of its workspace yet; until it does, nothing leaves this machine "
        "and only ngram answers."
    )


def settings_dropped(where: str, reason: str) -> str:
    """A source that contained settings no longer does."""
    return f"{where} {reason}: the settings that it contained no longer apply."


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:60])


def _shown(value: object) -> str:
    """A value for a message. Lists and objects are not shown: they may contain a key, or be nested too deep."""
    match value:
        case bool() | float() | None:
            return repr(value)
        case int():
            return repr(value) if abs(value) < 10**20 else "a number of more than 20 digits"
        case str():
            return repr(value[:_MAX_VALUE])[:_MAX_VALUE]
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
    return f"a {type(value).__name__}"
