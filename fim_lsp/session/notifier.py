"""What the user hears: each thing once."""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable, Iterable

from fim_lsp.backends.backend import Backend
from fim_lsp.errors import BackendError, Unauthorized, UnknownModel
from fim_lsp.settings.schema import SettingProblem

log = logging.getLogger(__name__)


class Level(enum.IntEnum):
    """How loud to tell; the numbers are LSP's message types."""

    ERROR = 1
    WARNING = 2
    INFO = 3


Tell = Callable[[Level, str], None]
"""Shows one sentence to the user."""


AGAIN = 60.0  # seconds in which the same trouble isn't told twice, though it was over in between


class Notifier:
    """One editor's. A setting's problem is told once; a back end's trouble once, and once that it is over."""

    def __init__(self, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds."""
        self._tell = tell
        self._clock = clock
        self._told: set[str] = set()
        self._problems: frozenset[str] = frozenset()
        self._troubles: dict[str, dict[str, bool]] = {}
        self._last: dict[tuple[str, str], float] = {}

    def problems(self, problems: Iterable[SettingProblem]) -> None:
        """All settings that can't be used at present. One that was repaired and is broken again is reported again."""
        sentences = tuple(dict.fromkeys(problem.message for problem in problems))
        for sentence in sentences:
            if sentence not in self._problems:
                self._tell(Level.WARNING, sentence)
        self._problems = frozenset(sentences)

    def repaired(self) -> None:
        """The settings can be used again after damage that let nothing leave this machine."""
        self._tell(Level.INFO, "the settings can be used again")

    def warn(self, sentence: str) -> None:
        """Anything else; whoever warns knows what an episode is."""
        self._tell(Level.WARNING, sentence)

    def once(self, sentence: str) -> None:
        """Anything that is told one time only."""
        if sentence not in self._told:
            self._told.add(sentence)
            self._tell(Level.WARNING, sentence)

    def trouble(self, backend: Backend, error: BackendError, meanwhile: str = "") -> None:
        """A back end did not answer; ``meanwhile`` is the one that does, if there is one."""
        log.warning("%s: %s", backend.name, type(error).__name__)
        if self.knows(backend, error):
            return
        key = backend.name, type(error).__name__
        if self._troubles.get(backend.name) and not isinstance(error, Unauthorized | UnknownModel):
            return  # it is in trouble anyway, and nothing else can be done about it
        loud = self._clock() - self._last.get(key, float("-inf")) > AGAIN
        self._troubles.setdefault(backend.name, {})[key[1]] = loud
        if loud:
            self._last[key] = self._clock()
            self._tell(Level.WARNING, f"{error}; {meanwhile} answers meanwhile" if meanwhile else str(error))

    def knows(self, backend: Backend, error: BackendError) -> bool:
        """Whether this trouble goes on since it was told."""
        return type(error).__name__ in self._troubles.get(backend.name, {})

    def anew(self, backend: Backend) -> None:
        """A back end is another one from now on, by other settings: its trouble is news."""
        self._troubles.pop(backend.name, None)
        self._last = {key: when for key, when in self._last.items() if key[0] != backend.name}

    def fine(self, backend: Backend) -> None:
        """A back end answered: new trouble is news again."""
        if any(self._troubles.pop(backend.name, {}).values()):
            self._tell(Level.INFO, f"{backend.name} answers again")
