"""What the user hears: each thing once."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Iterable

from fim_lsp.backends.base import Backend
from fim_lsp.config import Problem
from fim_lsp.errors import BackendError

log = logging.getLogger(__name__)


class Level(enum.IntEnum):
    """How loud to tell; the numbers are LSP's message types."""

    ERROR = 1
    WARNING = 2
    INFO = 3


Tell = Callable[[Level, str], None]
"""Shows one sentence to the user."""


class Notices:
    """One editor's. A setting's problem is told once, a back end's trouble once until it answers again."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: set[tuple[str, str]] = set()

    def problems(self, problems: Iterable[Problem]) -> None:
        """Settings that can't be used."""
        for problem in problems:
            self._once(("", problem.sentence), problem.sentence)

    def warn(self, sentence: str) -> None:
        """Anything else; whoever warns knows what an episode is."""
        self._tell(Level.WARNING, sentence)

    def once(self, sentence: str) -> None:
        """Anything that is told one time only."""
        self._once(("", sentence), sentence)

    def trouble(self, backend: Backend, error: BackendError) -> None:
        """A back end did not answer."""
        log.warning("%s: %s", backend.name, type(error).__name__)
        self._once((backend.name, type(error).__name__), str(error))

    def knows(self, backend: Backend, error: BackendError) -> bool:
        """Whether the user has been told of this trouble."""
        return (backend.name, type(error).__name__) in self._told

    def fine(self, backend: Backend) -> None:
        """A back end answered: new trouble is news again."""
        self._told = {(name, what) for name, what in self._told if name != backend.name}

    def _once(self, key: tuple[str, str], sentence: str) -> None:
        if key not in self._told:
            self._told.add(key)
            self._tell(Level.WARNING, sentence)
