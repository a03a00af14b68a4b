"""What was found in another program's settings: the ones taken over, the rest with reasons, and whose key is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from fim_lsp.backends.key_store import Origin, key_set_command
from fim_lsp.secret import Secret
from fim_lsp.settings.schema import SPECS
from fim_lsp.text.unicode import visible

_ORDER: Final = tuple(SPECS)
_MAX_NOTES: Final = 100  # a file of settings has some dozens
_NAME: Final = re.compile(r"[^\w.\[\]$ -]+")
_MAX_NAME: Final = 60  # characters of a name that is repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A setting of ours with a valid value, as JSON, and the name that it has in the other program."""

    setting: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A setting of the other program that was not taken over, and why, or what to do instead."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundKey:
    """A key for ``origin``: in the file itself (``secret``), or in the environment variable ``variable``."""

    origin: Origin
    secret: Secret | None = None
    variable: str = ""

    @property
    def command(self) -> str:
        """The command that stores it."""
        return key_set_command("://".join(self.origin))


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Everything that was found in the settings of ``program``. The settings pass our own validators."""

    program: str
    taken: tuple[Taken, ...]
    left: tuple[Left, ...]
    key: FoundKey | None = None


class Collector:
    """Collects what is found. Values are validated, and never repeated in a reason: they may be secret."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._taken: dict[str, Taken] = {}
        self._left: dict[str, Left] = {}
        self.origin: Origin | None = None
        """Where requests will go, once that is known."""
        self._key: tuple[Secret | None, str] | None = None

    def take(self, setting: str, value: Any, source: str) -> bool:
        """Take a value over, unless it is not allowed; whether it was."""
        spec = SPECS[setting]
        try:
            if spec.validator.accept_items is not None:
                good, bad = spec.validator.accept_items(value)
                if bad or not good:
                    raise ValueError
            else:
                spec.validator.accept(value)
        except (ValueError, OverflowError, RecursionError):
            self.leave(source, f"`{setting}` must be {spec.validator.allowed}")
            return False
        self._taken[setting] = Taken(setting=setting, value=value, source=_plain(source))
        return True

    def leave(self, source: str, reason: str) -> None:
        """Note that something is not taken over."""
        name = _plain(source)
        if len(self._left) < _MAX_NOTES:
            self._left.setdefault(name, Left(source=name, reason=reason))

    def found_key(self, secret: Secret | None = None, *, variable: str = "") -> None:
        """Note a key. It is for :attr:`origin`."""
        self._key = (secret, variable if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", variable) else "")

    def result(self) -> Migration:
        """What was found."""
        key = None
        if self.origin is not None and self._key is not None:
            key = FoundKey(origin=self.origin, secret=self._key[0], variable=self._key[1])
        taken = sorted(self._taken.values(), key=lambda one: _ORDER.index(one.setting))
        return Migration(program=self._program, taken=tuple(taken), left=tuple(self._left.values()), key=key)


def _plain(name: str) -> str:
    """A name from a file, fit for a comment on one line."""
    return _NAME.sub("…", visible(name[: 2 * _MAX_NAME])).strip()[:_MAX_NAME] or "…"
