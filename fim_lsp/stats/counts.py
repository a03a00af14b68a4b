"""What is counted, and the events as counts."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, TypeVar

from fim_lsp.http.urls import is_local
from fim_lsp.schedule.events import (
    Acceptance,
    BackendEvent,
    CallEnded,
    CallOutcome,
    CallPurpose,
    RequestAnswered,
    SuggestionAccepted,
    SuggestionDismissed,
    SuggestionShown,
    TextKept,
)
from fim_lsp.schedule.request import Outcome
from fim_lsp.stats.histogram import bucket_of

MAX_RECENT: Final = 200
"""Requests and calls that are kept for ``fim-lsp why``, of all editors together."""

_MAX_NAME = 200  # characters of a language, a model or a host
_MAX_COUNT = 10**12  # of one event: sums of SQLite's integers end at 9 * 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionCounts:
    """Requests for suggestions, and what became of these. Each field is a sum.

    ``called``, ``reused``, ``fallback`` and ``cached`` are requests answered with a suggestion, by where it came from;
    ``empty`` and ``unanswered`` had none; ``skipped`` were not worth a call or must not make one; ``superseded`` were
    overtaken by the next key. ``shown`` counts suggestions, ``accepted`` those of them that were taken at least in part:
    ``whole``, or by ``words``, ``lines`` or other ``parts``, which are counted one by one; ``typed`` ones were typed in full
    by hand. Of ``checked_characters`` accepted half a minute before, ``kept_characters`` were still there.
    """

    requests: int = 0
    explicit: int = 0
    called: int = 0
    reused: int = 0
    fallback: int = 0
    cached: int = 0
    empty: int = 0
    unanswered: int = 0
    skipped: int = 0
    superseded: int = 0
    shown: int = 0
    shown_characters: int = 0
    accepted: int = 0
    accepted_characters: int = 0
    whole: int = 0
    words: int = 0
    lines: int = 0
    parts: int = 0
    typed: int = 0
    dismissed: int = 0
    checked_characters: int = 0
    kept_characters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCounts:
    """Calls to back ends outside the server's process, and what they cost. Each field is a sum.

    ``calls`` ended as ``answered``, ``hung_up``, ``rate_limited`` or ``failed``; ``alternatives``, ``probes`` and ``preloads``
    are among them. ``sent_bytes`` are those of HTTP bodies, ``masked`` the secrets that were replaced in them. Tokens
    without ``estimated`` are the server's counts.
    """

    calls: int = 0
    alternatives: int = 0
    probes: int = 0
    preloads: int = 0
    answered: int = 0
    hung_up: int = 0
    rate_limited: int = 0
    failed: int = 0
    http_requests: int = 0
    sent_bytes: int = 0
    masked: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    estimated_prompt_tokens: int = 0
    estimated_completion_tokens: int = 0

    @property
    def tokens(self) -> int:
        """All tokens, counted or estimated."""
        estimated = self.estimated_prompt_tokens + self.estimated_completion_tokens
        return self.prompt_tokens + self.completion_tokens + estimated


_C = TypeVar("_C", SuggestionCounts, CallCounts)


def total(kind: type[_C], rows: Iterable[_C]) -> _C:
    """The sum of counts."""
    listed = tuple(rows)
    return kind(**{column.name: sum(getattr(row, column.name) for row in listed) for column in fields(kind)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What suggestions come from. ``host`` is ``""`` for the embedded back end; ``local`` ones are on this machine."""

    backend: str
    model: str = ""
    host: str = ""
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """Text of one file that one host got on one day: when first and last, in how many calls, and how many bytes of it.

    ``masked`` are the secrets that were replaced in those calls' prompts; they count for the document that was being edited.
    """

    first: float
    last: float
    calls: int
    size: int
    masked: int

    def __add__(self, other: Egress) -> Egress:
        return Egress(
            first=min(self.first, other.first),
            last=max(self.last, other.last),
            calls=self.calls + other.calls,
            size=self.size + other.size,
            masked=self.masked + other.masked,
        )


class Latency:
    """Which durations are recorded, by back end."""

    ANSWER = 0  # from a request to a suggestion, if a call was needed; those from the cache take no time
    FIRST_TEXT = 1  # from a call to its first text
    CALL = 2  # a call that was answered completely


_OUTCOMES: Final = MappingProxyType(
    {
        Outcome.CALL: "called",
        Outcome.REUSED_CALL: "reused",
        Outcome.FALLBACK: "fallback",
        Outcome.CACHE: "cached",
        Outcome.EMPTY: "empty",
        Outcome.NO_BACKEND: "unanswered",
        Outcome.SUPERSEDED: "superseded",
    }
)
"""Any other is counted as ``skipped``."""
_ACCEPTED: Final = MappingProxyType(
    {Acceptance.WHOLE: "whole", Acceptance.LINE: "lines", Acceptance.WORD: "words", Acceptance.PART: "parts"}
)
_CALLED: Final = MappingProxyType(
    {
        CallOutcome.ANSWERED: "answered",
        CallOutcome.HUNG_UP: "hung_up",
        CallOutcome.RATE_LIMITED: "rate_limited",
        CallOutcome.FAILED: "failed",
    }
)
_PURPOSES: Final = MappingProxyType(
    {
        CallPurpose.ALTERNATIVE: "alternatives",
        CallPurpose.PROBE: "probes",
        CallPurpose.PRELOAD: "preloads",
    }
)


def day_of(at: float) -> int:
    """The local date of a time, as a number: 20261126."""
    local = time.localtime(at)
    return local.tm_year * 10_000 + local.tm_mon * 100 + local.tm_mday


@dataclass(frozen=True, slots=True)
class Batch:
    """Counts that have not been written yet.

    Suggestions are by day, language and the name of the back end, whose model is known only from its calls: ``sources`` has
    the latest. Calls are by day, language and source, durations by day, back end and kind, egress by day, host, whether it
    is this machine, folder of the workspace, and path.
    """

    suggestions: dict[tuple[int, str, str], dict[str, int]] = field(default_factory=dict)
    calls: dict[tuple[int, str, Source], dict[str, int]] = field(default_factory=dict)
    durations: dict[tuple[int, str, int], dict[int, int]] = field(default_factory=dict)
    egress: dict[tuple[int, str, bool, str, str], Egress] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    requests: deque[RequestAnswered] = field(default_factory=lambda: deque(maxlen=MAX_RECENT))
    ended_calls: deque[CallEnded] = field(default_factory=lambda: deque(maxlen=MAX_RECENT))


class Tally:
    """Turns the events of one session into counts. ``batch`` is what has been counted since it was last taken away."""

    def __init__(self) -> None:
        self.batch = Batch()
        self._accepted = -1  # the suggestion of which a part was accepted last
        self._folders: tuple[str, ...] = ()
        self._folder_of: dict[str, str] = {}  # files that were sent: their folder of the workspace
        self._count_by_kind: dict[type[Any], Callable[[Any], None]] = {
            RequestAnswered: self._request_answered,
            CallEnded: self._call_ended,
            BackendEvent: self._backend_event,
            SuggestionShown: self._suggestion_shown,
            SuggestionAccepted: self._suggestion_accepted,
            SuggestionDismissed: self._suggestion_dismissed,
            TextKept: self._text_kept,
        }

    def add(self, event: Any, folders: tuple[str, ...]) -> None:
        """Count an event. ``folders`` are those of the workspace, to one of which its paths are relative."""
        if folders != self._folders:
            self._folders = folders
            self._folder_of.clear()
        self._count_by_kind[type(event)](event)

    def take(self) -> Batch:
        """Start a new batch; returns the old one."""
        batch = self.batch
        self.batch = Batch(sources=batch.sources)
        return batch

    def _suggestions(self, at: float, language: str, backend: str) -> dict[str, int]:
        return self.batch.suggestions.setdefault((day_of(at), language[:_MAX_NAME], backend[:_MAX_NAME]), {})

    def _request_answered(self, event: RequestAnswered) -> None:
        counts = self._suggestions(event.at, event.place.language, event.backend)
        column = _OUTCOMES.get(event.outcome, "skipped")
        _add(counts, "requests", 1)
        _add(counts, column, 1)
        if event.explicit:
            _add(counts, "explicit", 1)
        if event.characters and column != "cached":
            self._duration(event.at, event.backend, Latency.ANSWER, event.seconds)
        self.batch.requests.append(event)

    def _call_ended(self, event: CallEnded) -> None:
        if event.outcome is CallOutcome.HUNG_UP and not event.requests:
            return  # no longer wanted before anything was sent
        source = Source(
            backend=event.backend[:_MAX_NAME],
            model=event.model[:_MAX_NAME],
            host=event.host[:_MAX_NAME],
            local=event.local,
        )
        self.batch.sources[event.backend[:_MAX_NAME]] = source
        key = day_of(event.at), event.place.language[:_MAX_NAME], source
        counts = self.batch.calls.setdefault(key, {})
        _add(counts, "calls", 1)
        _add(counts, _CALLED[event.outcome], 1)
        if event.purpose in _PURPOSES:
            _add(counts, _PURPOSES[event.purpose], 1)
        _add(counts, "http_requests", event.requests)
        _add(counts, "sent_bytes", event.sent)
        _add(counts, "masked", event.masked)
        prefix = "estimated_" if event.estimated else ""
        _add(counts, f"{prefix}prompt_tokens", event.prompt_tokens)
        _add(counts, f"{prefix}completion_tokens", event.completion_tokens)
        _add(counts, "cached_tokens", event.cached_tokens)
        if event.first_text is not None:
            self._duration(event.at, event.backend, Latency.FIRST_TEXT, event.first_text)
        if event.outcome is CallOutcome.ANSWERED:
            self._duration(event.at, event.backend, Latency.CALL, event.seconds)
        if event.sent:
            self._sent(event, source)
        self.batch.ended_calls.append(event)

    def _sent(self, event: CallEnded, source: Source) -> None:
        masked = event.masked
        for file in event.files:
            key = day_of(event.at), source.host, source.local, self._folder(file.path), file.path
            sent = Egress(first=event.at, last=event.at, calls=1, size=file.size, masked=masked)
            before = self.batch.egress.get(key)
            self.batch.egress[key] = before + sent if before else sent
            masked = 0

    def _folder(self, path: str) -> str:
        """The folder of the workspace that a path is relative to; where there are several, the first that has such a file."""
        if not path or not self._folders:
            return ""
        if path not in self._folder_of:
            having = (folder for folder in self._folders[1:] if os.path.exists(os.path.join(folder, path)))
            first = self._folders[0]
            here = len(self._folders) == 1 or os.path.exists(os.path.join(first, path))
            self._folder_of[path] = first if here else next(having, first)
        return self._folder_of[path]

    def _duration(self, at: float, backend: str, kind: int, seconds: float) -> None:
        histogram = self.batch.durations.setdefault((day_of(at), backend[:_MAX_NAME], kind), {})
        bucket = bucket_of(seconds)
        histogram[bucket] = histogram.get(bucket, 0) + 1

    def _backend_event(self, event: BackendEvent) -> None:
        backend = event.backend
        known = self.batch.sources.get(backend.name)
        if known is None or (known.model, known.host) != (backend.model, backend.host):
            local = is_local(backend.host)
            self.batch.sources[backend.name] = Source(
                backend=backend.name, model=backend.model, host=backend.host, local=local
            )

    def _suggestion_shown(self, event: SuggestionShown) -> None:
        counts = self._suggestions(event.at, event.place.language, event.backend)
        _add(counts, "shown", 1)
        _add(counts, "shown_characters", event.characters)

    def _suggestion_accepted(self, event: SuggestionAccepted) -> None:
        counts = self._suggestions(event.at, event.language, event.backend)
        if event.how is Acceptance.TYPED:
            _add(counts, "typed", 1)
            return
        if event.suggestion != self._accepted:
            self._accepted = event.suggestion
            _add(counts, "accepted", 1)
        _add(counts, _ACCEPTED[event.how], 1)
        _add(counts, "accepted_characters", event.characters)

    def _suggestion_dismissed(self, event: SuggestionDismissed) -> None:
        _add(self._suggestions(event.at, event.language, event.backend), "dismissed", 1)

    def _text_kept(self, event: TextKept) -> None:
        counts = self._suggestions(event.at, event.language, event.backend)
        _add(counts, "checked_characters", event.accepted)
        _add(counts, "kept_characters", event.kept)


def _add(counts: dict[str, int], column: str, number: int) -> None:
    if number:
        counts[column] = counts.get(column, 0) + max(0, min(number, _MAX_COUNT))
