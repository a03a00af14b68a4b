"""Messages to the user. Each is shown once."""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable, Iterable

from fim_lsp.backends.backend import Backend
from fim_lsp.errors import BackendError, RateLimited, Unauthorized, UnknownModel
from fim_lsp.rate_limit.backoff import MAX_RETRY_AFTER
from fim_lsp.schedule.events import BackendEvent, EventKind
from fim_lsp.session.words import time_of_day, with_fallback
from fim_lsp.settings.schema import SettingProblem

log = logging.getLogger(__name__)

MIN_REPEAT_SECONDS = 60.0
"""A failure that comes and goes is not reported again sooner than this."""

_MIN_TOLD = 30.0  # seconds: the end of a shorter pause is not told, as times are told in minutes


class Level(enum.IntEnum):
    """How prominently to show a message. The numbers are LSP's message types."""

    WARNING = 2
    INFO = 3


ShowMessage = Callable[[Level, str], None]
"""Shows one sentence to the user."""


class Notifier:
    """One editor's messages.

    A back end's failure is reported once, and so is its recovery. A setting's problem is reported once, until it is fixed.
    """

    def __init__(
        self,
        show: ShowMessage,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` gives seconds, ``wall_clock`` seconds since the epoch."""
        self._show = show
        self._clock = clock
        self._wall_clock = wall_clock
        self._shown_once: set[str] = set()
        self._problems: frozenset[str] = frozenset()
        self._failures: dict[str, dict[str, bool]] = {}  # by back end: kinds of error, and whether they were shown
        self._shown_at: dict[tuple[str, str], float] = {}  # by back end and kind of error

    def setting_problems(self, problems: Iterable[SettingProblem]) -> None:
        """Take all current problems with settings, and report the new ones."""
        sentences = tuple(dict.fromkeys(problem.message for problem in problems))
        for sentence in sentences:
            if sentence not in self._problems:
                self.warn(sentence)
        self._problems = frozenset(sentences)

    def settings_usable_again(self) -> None:
        """Report that text may leave this machine again, which damaged settings had prevented."""
        self._show(Level.INFO, "the settings can be used again")

    def warn(self, sentence: str) -> None:
        """Show a warning each time."""
        self._show(Level.WARNING, sentence)

    def warn_once(self, sentence: str) -> None:
        """Show a warning, unless it has been shown before."""
        if sentence not in self._shown_once:
            self._shown_once.add(sentence)
            self.warn(sentence)

    def on_backend_event(self, event: BackendEvent, fallback: str = "") -> None:
        """Report what the user should know about an event. ``fallback`` is the next back end, if there is one.

        A pause is not reported: it follows a failure that has been reported, or is due to the user's own quota.
        """
        match event.kind:
            case EventKind.ANSWERED:
                self._report_recovery(event.backend)
            case EventKind.FAILED if event.error is not None:
                self.report_failure(event.backend, event.error, fallback)
            case EventKind.NOTICE:
                self.warn_once(event.notice)

    def report_failure(self, backend: Backend, error: BackendError, fallback: str = "") -> None:
        """Report a failure, unless the back end has been failing already and the user can do nothing about this one."""
        log.warning("%s: %s", backend.name, type(error).__name__)
        if self.has_reported(backend, error):
            return
        if self._failures.get(backend.name) and not isinstance(error, Unauthorized | UnknownModel):
            return
        kind = type(error).__name__
        shows = self._clock() - self._shown_at.get((backend.name, kind), float("-inf")) > MIN_REPEAT_SECONDS
        self._failures.setdefault(backend.name, {})[kind] = shows
        if shows:
            self._shown_at[backend.name, kind] = self._clock()
            self.warn(with_fallback(self._in_words(error), fallback))

    def _in_words(self, error: BackendError) -> str:
        """The error's sentence, and when the back end is asked again, if its server has said so."""
        if isinstance(error, RateLimited) and (error.retry_after or 0.0) >= _MIN_TOLD:
            now = self._wall_clock()
            return f"{error}, until {time_of_day(now + min(error.retry_after or 0.0, MAX_RETRY_AFTER), now)}"
        return str(error)

    def has_reported(self, backend: Backend, error: BackendError) -> bool:
        """Whether a failure of this kind has been reported and the back end has not recovered since."""
        return type(error).__name__ in self._failures.get(backend.name, {})

    def forget_failures(self, backend: Backend) -> None:
        """Report the failures of a back end again, because it was created again with other settings."""
        self._failures.pop(backend.name, None)
        self._shown_at = {key: at for key, at in self._shown_at.items() if key[0] != backend.name}

    def forget_all_failures(self) -> None:
        """Report everything again that has to do with back ends, because the user has had them restarted."""
        self._failures.clear()
        self._shown_at.clear()
        self._shown_once.clear()

    def _report_recovery(self, backend: Backend) -> None:
        if any(self._failures.pop(backend.name, {}).values()):
            self._show(Level.INFO, f"{backend.name} answers again")
