"""The result of one check, and how results are shown as lines of text and as JSON."""

from __future__ import annotations

import enum
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from fim_lsp.text.unicode import visible


class State(enum.StrEnum):
    """What a check found. Only an error makes ``fim-lsp doctor`` exit with 1."""

    OK = "ok"
    INFO = "info"  # nothing was to be checked, or it does not matter
    WARNING = "warning"  # it works, but not as the user may expect
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One result. ``message`` is a sentence with the cause; ``remedy`` says what to do, with the command or setting."""

    name: str
    state: State
    message: str
    remedy: str = ""


def ok(name: str, message: str, remedy: str = "") -> Check:
    """Something works."""
    return Check(name=name, state=State.OK, message=message, remedy=remedy)


def info(name: str, message: str, remedy: str = "") -> Check:
    """Something that is worth knowing."""
    return Check(name=name, state=State.INFO, message=message, remedy=remedy)


def warning(name: str, message: str, remedy: str) -> Check:
    """Something that is perhaps not intended."""
    return Check(name=name, state=State.WARNING, message=message, remedy=remedy)


def error(name: str, message: str, remedy: str) -> Check:
    """Something does not work."""
    return Check(name=name, state=State.ERROR, message=message, remedy=remedy)


def counted(number: int, noun: str) -> str:
    """A number of things: ``1 file``, ``1,200 files``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def is_ok(checks: Sequence[Check]) -> bool:
    """Whether none of them is an error."""
    return all(check.state is not State.ERROR for check in checks)


def to_json(checks: Sequence[Check]) -> dict[str, Any]:
    """The value of ``fim-lsp doctor --json`` and of the command ``fim-lsp.doctor``."""
    return {
        "ok": is_ok(checks),
        "lines": [*(line for check in checks for line in lines_of(check)), summary(checks)],
        "checks": [
            {
                "name": check.name,
                "state": str(check.state),
                "message": _shown(check.message),
                "remedy": _shown(check.remedy),
            }
            for check in checks
        ],
    }


def summary(checks: Sequence[Check]) -> str:
    """The last line: how many things are to be repaired."""
    counts = {state: sum(check.state is state for check in checks) for state in (State.ERROR, State.WARNING)}
    parts = [counted(count, state) for state, count in counts.items() if count]
    return " and ".join(parts) or "No problems were found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How lines look. ``width`` is that of the terminal in characters, 0 for lines of any length."""

    symbols: Mapping[State, str]
    arrow: str
    color: bool = False
    width: int = 0


UNICODE: Final = MappingProxyType({State.OK: "✓", State.INFO: "·", State.WARNING: "!", State.ERROR: "✗"})
ASCII: Final = MappingProxyType({State.OK: "ok", State.INFO: "--", State.WARNING: "!!", State.ERROR: "XX"})
PLAIN: Final = Style(symbols=UNICODE, arrow="→")

_NAME_WIDTH: Final = 13
_MIN_TEXT: Final = 40  # characters: in a narrower terminal, lines are left to it
_COMMAND: Final = re.compile(r"(?:(?<=: )|(?<=, ))(?:fim-lsp|pipx?|ollama|llama-server|chmod) [^,;()]*")
_TIED: Final = "\x00"  # no text has one: see visible()
_COLORS: Final = MappingProxyType({State.OK: "32", State.INFO: "2", State.WARNING: "33", State.ERROR: "31"})


def lines_of(check: Check, style: Style = PLAIN) -> list[str]:
    """One line, and another with the remedy, both without control characters; more if they are wrapped."""
    symbol = style.symbols[check.state]
    head = f"{symbol} {_shown(check.name):<{_NAME_WIDTH}} "
    indent = " " * len(head)
    lines = _wrapped(_shown(check.message), head, indent, style.width)
    if style.color:
        lines[0] = f"\x1b[{_COLORS[check.state]}m{symbol}\x1b[0m{lines[0][len(symbol) :]}"
    if check.remedy:
        lines += _wrapped(_shown(check.remedy), f"{indent}{style.arrow} ", f"{indent}  ", style.width)
    return lines


def _shown(text: str) -> str:
    return visible(text).replace("\n", " ")


def _wrapped(text: str, head: str, indent: str, width: int) -> list[str]:
    if width < len(indent) + _MIN_TEXT:
        return [head + text]
    whole = _COMMAND.sub(lambda command: command[0].replace(" ", _TIED), text)  # to be copied in one piece
    lines = textwrap.wrap(
        whole,
        width,
        initial_indent=head,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_TIED, " ") for line in lines]
