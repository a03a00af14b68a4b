"""Why no suggestions appear in a document now: each reason as a sentence, with what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fim_lsp.schedule.request import Outcome
from fim_lsp.schedule.scheduler import MAX_DOCUMENT_SIZE
from fim_lsp.session.words import source_of, time_of_day


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts:
    """What is known of a document. ``name`` is what the user calls it; the rest only counts if it ``is_open``.

    ``silence`` is why no suggestion appears by itself, as the switches and settings say; ``by_command`` if a command of the
    user said so. ``exclusion`` and ``local_only`` name the rules that apply to it, ``""`` if none does. ``backends`` are
    the names of those that may be asked about it, in their order; those in ``without_key`` require a key and have none.
    ``failed_closed``: damaged settings let nothing out.
    """

    name: str
    is_open: bool = True
    language: str = ""
    silence: Outcome | None = None
    by_command: bool = False
    snoozed_until: float = 0.0
    failed_closed: bool = False
    exclusion: str = ""
    size: int = 0
    local_only: str = ""
    backends: tuple[str, ...] = ()
    without_key: tuple[str, ...] = ()


def reasons_for_silence(facts: DocumentFacts, now: float) -> list[str]:
    """The reasons, the most general first; none if suggestions may appear. ``now`` is in seconds since the epoch."""
    if not facts.is_open:
        return [
            f"{facts.name} is not open in this server: save it under a name, or look whether your editor has started it."
        ]
    return [*_switched_off(facts, now), *_not_allowed(facts)]


def _switched_off(facts: DocumentFacts, now: float) -> Iterator[str]:
    match facts.silence:
        case Outcome.TURNED_OFF:
            yield "Suggestions are turned off in this editor; the command fim-lsp.toggle turns them on."
        case Outcome.SNOOZED:
            until = time_of_day(facts.snoozed_until, now)
            yield f"Suggestions are snoozed until {until}; the command fim-lsp.snooze with 0 ends that."
        case Outcome.LANGUAGE_OFF if facts.by_command:
            yield f"Suggestions are turned off for {facts.language}; the command fim-lsp.toggleLanguage turns them on."
        case Outcome.LANGUAGE_OFF:
            yield f"Suggestions are off for {facts.language}, because the setting languages says so; you can ask for one."
        case Outcome.MANUAL if facts.by_command:
            yield "Suggestions appear only when you ask for one in this session; the command fim-lsp.trigger changes that."
        case Outcome.MANUAL:
            yield 'Suggestions appear only when you ask for one, because the setting trigger is "manual".'


def _not_allowed(facts: DocumentFacts) -> Iterator[str]:
    if facts.exclusion:
        yield f"{facts.name} is never sent: it is excluded by {facts.exclusion}."
    if facts.size > MAX_DOCUMENT_SIZE:
        yield f"{facts.name} has {facts.size:,} characters; above {MAX_DOCUMENT_SIZE:,} nothing is suggested."
    if not facts.backends and facts.local_only:
        yield (
            f"{facts.name} must not leave this machine, because of {facts.local_only}, and no back end runs here: "
            'fallback = ["ngram"] allows one.'
        )
    elif not facts.backends:
        yield "No back end can be used; fim-lsp doctor says why."
    elif set(facts.backends) <= set(facts.without_key):
        yield f"There is no key for {' or '.join(facts.backends)}; fim-lsp doctor says how to get and keep one."


def where_suggestions_come_from(facts: DocumentFacts) -> str:
    """For a document without a reason for silence: which back end is asked."""
    first, *others = (name for name in facts.backends if name not in facts.without_key)
    sentence = f"{facts.name} gets suggestions from {source_of(first)}"
    if facts.failed_closed:
        return f"{sentence} alone, because damaged settings let nothing leave this machine."
    if facts.local_only:
        sentence += f", because it must not leave this machine by {facts.local_only}"
    elif facts.backends[0] in facts.without_key:
        sentence += f", because there is no key for {facts.backends[0]} (fim-lsp doctor says how to get and keep one)"
    return f"{sentence}{f', and if that fails from {source_of(others[0])}' if others else ''}."
