"""Everything that ``why`` answers: what keeps suggestions away now, and what became of the latest requests."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fim_lsp.backends.backend import Backend
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.schedule.events import CallEnded, RequestAnswered, SettingsChanged
from fim_lsp.schedule.learning import AcceptanceRates
from fim_lsp.session.event_ring import EventRing
from fim_lsp.session.open_documents import OpenDocuments
from fim_lsp.session.request_log import entries, lines_of, to_json
from fim_lsp.session.silence import DocumentFacts, reasons_for_silence, where_suggestions_come_from
from fim_lsp.session.status_tracker import Status
from fim_lsp.session.switch_board import SwitchBoard

_MIN_OFFERED = 10  # suggestions before it is worth a word how many were taken
_MAX_LANGUAGES = 3  # whose suggestions are looked at, if no document is named
NOTHING_YET = "Nothing has been requested yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """``document`` are sentences on the document that was asked about, and ``is_silent`` whether nothing appears in it.

    ``status`` is the server's in one line, ``problems`` are those of its settings, ``learning`` what it has learnt of this
    user; requests and calls are the latest, the newest first.
    """

    status: str
    document: tuple[str, ...] = ()
    is_silent: bool = False
    problems: tuple[str, ...] = ()
    learning: tuple[str, ...] = ()
    answered: Sequence[RequestAnswered] = ()
    calls: Sequence[CallEnded] = ()

    def lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a person, the present first."""
        yield from self.document
        yield self.status
        yield from self.problems
        yield from self.learning
        found = entries(self.answered, self.calls)
        yield from lines_of(found, verbose=verbose) if found else (NOTHING_YET,)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "document": list(self.document),
            "is_silent": self.is_silent,
            "status": self.status,
            "problems": list(self.problems),
            "learning": list(self.learning),
            "requests": [to_json(entry) for entry in entries(self.answered, self.calls)],
        }


def facts_of(
    documents: OpenDocuments, uri: str, switches: SwitchBoard, backends: Sequence[Backend], *, failed_closed: bool
) -> DocumentFacts:
    """What is known of a document. ``backends`` are those that its text may be sent to."""
    name, document = documents.name_of(uri), documents.get(uri)
    if document is None:
        return DocumentFacts(name=name, is_open=False)
    return DocumentFacts(
        name=name,
        language=document.language,
        silence=switches.silence(document.language),
        by_command=switches.is_chosen(document.language),
        snoozed_until=switches.switches.snoozed_until,
        failed_closed=failed_closed,
        exclusion=documents.exclusion(document),
        size=document.size,
        local_only=documents.local_only_rule(document),
        backends=tuple(backend.name for backend in backends),
        without_key=tuple(one.name for one in backends if isinstance(one, HttpBackend) and one.lacks_key),
    )


def explanation_of(
    events: EventRing,
    documents: OpenDocuments,
    facts: DocumentFacts | None,
    status: Status,
    rates: AcceptanceRates,
) -> Explanation:
    """The explanation of one session."""
    reasons = reasons_for_silence(facts, time.time()) if facts else []
    settings, answered = events.latest(SettingsChanged), events.latest(RequestAnswered)
    languages = [facts.language] if facts else [event.place.language for event in answered]
    known = [language for language in dict.fromkeys(languages) if rates.of(language).offered >= _MIN_OFFERED]
    return Explanation(
        status=f"fim-lsp is {status}.",
        document=tuple(reasons or ([where_suggestions_come_from(facts)] if facts else ())),
        is_silent=bool(reasons),
        problems=settings[0].problems if settings else (),
        learning=tuple(map(rates.describe, known[:_MAX_LANGUAGES])),
        answered=[documents.with_rule(event) for event in answered],
        calls=events.latest(CallEnded),
    )
