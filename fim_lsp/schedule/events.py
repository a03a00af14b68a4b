"""Everything that is observed: one frozen value for each thing that happens. None of them contains the user's text.

The scheduler, the back ends' clients and the session publish these values to one ring
(:class:`~fim_lsp.session.event_ring.EventRing`); status, messages, ``why``, ``stats`` and ``doctor`` are derived from it.
Times ``at`` are in seconds since the epoch, durations in seconds.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from fim_lsp.backends.backend import Backend
from fim_lsp.errors import BackendError
from fim_lsp.schedule.request import Outcome
from fim_lsp.schedule.switches import Switches


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the cursor was. ``path`` is relative to the workspace, or ``""``; line and column count from 0, in characters.

    ``name`` is what a document without such a path is called.
    """

    path: str
    language: str
    line: int
    column: int
    name: str = ""


# -- requests


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStarted:
    """The editor asked for a completion, and is not answered at once. ``request`` is its number in this session."""

    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswered:
    """A request was answered.

    ``explicit``: it was triggered manually. ``call`` is the number of the request for which the call was made whose output
    was used, 0 if there is none. ``backend`` is the name of the back end that wrote the text, or that had none; ``""`` if
    none was asked. ``reason`` is a sentence on what ``outcome`` alone does not say, such as the rule that excludes the
    file. ``waited`` is the time until its call was made, part of ``seconds``, the time until the answer. ``lines`` and
    ``characters`` are the size of what was shown, 0 if nothing was; ``cut_by`` names the rules that shortened it.

    The place in a file that is excluded is its beginning, wherever the cursor is.
    """

    request: int
    at: float
    place: Place
    explicit: bool
    outcome: Outcome
    backend: str = ""
    call: int = 0
    reason: str = ""
    waited: float = 0.0
    seconds: float = 0.0
    lines: int = 0
    characters: int = 0
    cut_by: tuple[str, ...] = ()


# -- back ends


class EventKind(enum.Enum):
    """What happened at a back end."""

    ANSWERED = enum.auto()  # it answered, or had begun to when the call was hung up on
    FAILED = enum.auto()  # it was asked, and failed
    PAUSED = enum.auto()  # it was not asked: its quota is used up, or its circuit breaker is open
    NOTICE = enum.auto()  # it is asked in another way from now on, which the user should know


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendEvent:
    """The state of a back end, as a request learnt it.

    ``error`` is why it failed or is paused; ``notice`` is the sentence for the user.
    """

    backend: Backend
    kind: EventKind
    error: BackendError | None = None
    notice: str = ""


class CallPurpose(enum.StrEnum):
    """Why a back end was called."""

    COMPLETION = "completion"
    ALTERNATIVE = "alternative"  # another suggestion for the same place
    PROBE = "probe"  # to find out whether it has recovered; the answer is shown if it comes in time
    PRELOAD = "preload"  # lets a server on this machine read a document's beginning in advance


class CallOutcome(enum.StrEnum):
    """How a call ended."""

    ANSWERED = "answered"  # the whole answer arrived
    HUNG_UP = "hung up"  # this side had enough, or did not want it any more
    RATE_LIMITED = "rate limited"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted:
    """A call to a back end outside this process is made: its quota is reserved.

    :class:`CallEnded` follows, unless the back end is not asked after all, because other settings apply now.
    """

    request: int
    purpose: CallPurpose
    backend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file of which text was sent. ``size`` counts the UTF-8 bytes of its text in the prompt; ``path`` as in Place."""

    path: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """A call to a back end outside this process has ended; a retry is a call of its own.

    ``request`` is the number of the request that it was made for, 0 if there is none. ``error`` is the class of the
    error, if it failed. ``requests`` counts the HTTP requests that were sent, more than one if the server had to be asked
    in another way, and ``sent`` the bytes of their bodies: 0 if no connection was made. ``files`` is the text in the
    prompt, the document's first; ``masked`` counts the secrets that were replaced in it. ``first_text`` is the time until
    the first text, if there was one. Tokens are the server's count, or an estimate if it sent none (``estimated``), as for
    calls that were hung up on; ``cached_tokens`` are those of the prompt's that it charged less for.
    """

    request: int
    at: float
    purpose: CallPurpose
    backend: str
    model: str
    host: str
    local: bool
    place: Place
    outcome: CallOutcome
    error: str = ""
    requests: int = 0
    sent: int = 0
    files: tuple[SentFile, ...] = ()
    masked: int = 0
    first_text: float | None = None
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    estimated: bool = False


# -- suggestions


class Acceptance(enum.StrEnum):
    """How the user took a suggestion, or a part of it."""

    WHOLE = "whole"
    LINE = "line"
    WORD = "word"
    PART = "part"  # neither whole lines nor one word
    TYPED = "typed"  # typed in full by hand, which is not counted as accepting


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionShown:
    """A suggestion was sent to the editor that is not the rest of one that was sent before.

    ``suggestion`` is its number in this session. ``outcome`` says where it came from.
    """

    suggestion: int
    at: float
    place: Place
    backend: str
    outcome: Outcome
    lines: int
    characters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionAccepted:
    """The user took a suggestion or a part of it: ``characters`` of it. Several parts of one suggestion are several events.

    ``by_command``: the editor said so; otherwise the next change was compared with what was offered.
    """

    suggestion: int
    at: float
    language: str
    backend: str
    how: Acceptance
    characters: int
    by_command: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionDismissed:
    """The user typed something else, or moved away, before taking any of it."""

    suggestion: int
    at: float
    language: str
    backend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextKept:
    """Half a minute after ``accepted`` characters were accepted, or when the document was closed, ``kept`` remained."""

    suggestion: int
    at: float
    language: str
    backend: str
    accepted: int
    kept: int


# -- indexing


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexingProgress:
    """The workspace's files are being read, for over a second by now.

    ``read`` of ``files`` have been; 0 while they are searched for. ``finished``: all have, or that was cancelled.
    """

    read: int
    files: int
    finished: bool


# -- settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged:
    """The settings were read, or some of them again. ``problems`` are all that there are now, one sentence each."""

    at: float
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchesChanged:
    """The user turned suggestions off or on by a command, or a snooze ended."""

    at: float
    switches: Switches


Event: TypeAlias = (
    RequestStarted
    | RequestAnswered
    | BackendEvent
    | CallStarted
    | CallEnded
    | SuggestionShown
    | SuggestionAccepted
    | SuggestionDismissed
    | TextKept
    | IndexingProgress
    | SettingsChanged
    | SwitchesChanged
)

Publish: TypeAlias = Callable[[Event], None]
"""Hands an event to all who have subscribed to its kind."""
