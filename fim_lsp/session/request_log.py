"""What became of the latest requests, in a user's words. Pure: made from events, which contain none of the user's text."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from fim_lsp.schedule.events import CallEnded, CallOutcome, CallPurpose, Place, RequestAnswered, SentFile
from fim_lsp.schedule.request import Outcome
from fim_lsp.session.words import EMBEDDED, source_of

_REMEDY: Final = re.compile("[:;] ")
_MIN_WAIT: Final = 0.01  # seconds: less is not worth a word
MAX_LINES: Final = 30
"""Requests that are listed, each run of those that were overtaken counting as one."""

WITHOUT_SUGGESTION: Final = MappingProxyType(
    {
        Outcome.SUPERSEDED: "you typed on",
        Outcome.EXCLUDED: "this file is excluded, and is never sent",
        Outcome.LOCAL_ONLY: "this file must not leave this machine (local_only), and no back end runs here",
        Outcome.TOO_LARGE: "this file is too large",
        Outcome.TURNED_OFF: "suggestions were turned off in this editor",
        Outcome.SNOOZED: "suggestions were snoozed",
        Outcome.LANGUAGE_OFF: "suggestions were off for this language",
        Outcome.MANUAL: "suggestions appear only when you ask for one (trigger)",
        Outcome.DELETION: "nothing after a deletion",
        Outcome.PASTE: "nothing after a paste, or an edit by a program",
        Outcome.IN_WORD: "nothing inside a word",
        Outcome.MENU: "the suggestion does not continue the entry that your editor's menu has highlighted",
        Outcome.NO_BACKEND: "no back end answered",
        Outcome.CLOSED: "the document was closed",
    }
)
"""The outcomes that no back end's text belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A request, or ``count`` similar ones of which it is the newest. ``call`` is the call whose output was used."""

    request: RequestAnswered
    call: CallEnded | None = None
    count: int = 1


def entries(answered: Sequence[RequestAnswered], calls: Sequence[CallEnded]) -> list[Entry]:
    """The latest requests, the newest first, as both sequences are."""
    by_request = {call.request: call for call in reversed(calls) if call.request}
    found: list[Entry] = []
    for request in answered:
        if found and _continues(found[-1].request, request):
            found[-1] = Entry(request=found[-1].request, call=found[-1].call, count=found[-1].count + 1)
        elif len(found) == MAX_LINES:
            break
        else:
            found.append(Entry(request=request, call=_call_of(request, by_request)))
    return found


def _continues(newer: RequestAnswered, older: RequestAnswered) -> bool:
    """Whether a line for both is enough: neither cost a call or was asked for, and their words are the same."""
    if newer.explicit or older.explicit or newer.call or older.call:
        return False
    if bool(newer.characters) != bool(older.characters) or (newer.characters and newer.outcome is not Outcome.CACHE):
        return False
    return _kind(newer) == _kind(older)


def _kind(request: RequestAnswered) -> tuple[object, ...]:
    return request.outcome, request.place.path, request.backend, request.reason, request.cut_by


def _call_of(request: RequestAnswered, calls: Mapping[int, CallEnded]) -> CallEnded | None:
    call = calls.get(request.call) if request.call else None
    return call if call is not None and call.backend == request.backend else None


# -- sentences


def what_became(request: RequestAnswered, call: CallEnded | None = None) -> str:
    """Where a suggestion came from, what it took and how long it is, or why there was none."""
    if not request.characters:
        return why_nothing(request.outcome, request.backend, request.reason, request.cut_by)
    took = _took(request, call)
    lines = _counted(request.lines, "line")
    match request.outcome:
        case Outcome.CACHE:
            parts = [f"from the cache ({request.backend})" if request.backend else "from the cache", lines]
        case Outcome.FALLBACK:
            parts = [f"from {source_of(request.backend)}{_because(request.reason)}", *took, lines]
        case Outcome.REUSED_CALL:
            parts = [f"{request.backend}, from the call that was in flight", *took, lines]
        case _:
            source = f"from {source_of(EMBEDDED)}" if request.backend == EMBEDDED else request.backend
            parts = [source, *took, lines]
    return ", ".join(parts)


def why_nothing(outcome: Outcome, backend: str = "", reason: str = "", cut_by: Sequence[str] = ()) -> str:
    """Why there is no suggestion. ``backend``, ``reason`` and ``cut_by`` as in RequestAnswered."""
    if outcome in WITHOUT_SUGGESTION:
        if outcome is Outcome.EXCLUDED and reason:
            return f"excluded by {reason}"
        return f"{WITHOUT_SUGGESTION[outcome]}{_because(reason)}"
    name = backend or "the back end"
    if cut_by:
        return f"{name}'s answer could not be used here, because it {cut_by[-1]}{_instead(outcome, reason)}"
    if backend == EMBEDDED:
        return f"{name} is not sure enough here{_instead(outcome, reason)}"
    return f"{name} had no suggestion here{_instead(outcome, reason)}"


def _because(reason: str) -> str:
    return f", because {_brief(reason)}" if reason else ""


def _brief(reason: str) -> str:
    """A reason without its remedy, which the status and the details contain."""
    return _REMEDY.split(reason, maxsplit=1)[0]


def _instead(outcome: Outcome, reason: str) -> str:
    """Why a fallback was asked, and nobody else."""
    return (
        f"; it was asked because {_brief(reason)}"
        if reason
        else " (from the cache)"
        if outcome is Outcome.CACHE
        else ""
    )


def _took(request: RequestAnswered, call: CallEnded | None) -> list[str]:
    waited = f" (waited {_milliseconds(request.waited)})" if request.waited >= _MIN_WAIT else ""
    took = [f"{_milliseconds(request.seconds)}{waited}"]
    if call is not None and (call.prompt_tokens or call.completion_tokens):
        about = "about " if call.estimated else ""
        took.append(f"{about}{call.prompt_tokens:,} + {call.completion_tokens:,} tokens")
    return took


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# -- lists


def lines_of(found: Sequence[Entry], *, verbose: bool = False) -> Iterator[str]:
    """One line for each entry, and with ``verbose`` indented ones with its details."""
    for entry in found:
        request = entry.request
        asked = " (asked for)" if request.explicit else ""
        yield f"{_clock(request.at)} {place_of(request)}{asked} · {_in_words(entry)}"
        if verbose:
            yield from (f"    {detail}" for detail in details_of(entry))


def _in_words(entry: Entry) -> str:
    if entry.count == 1:
        return what_became(entry.request, entry.call)
    if entry.request.outcome is Outcome.SUPERSEDED:
        return f"{entry.count} more while you typed"
    return f"{what_became(entry.request, entry.call)}; {entry.count - 1} more before"


def place_of(request: RequestAnswered) -> str:
    """``src/a.py:12:5``, counted from 1; outside the workspace the name alone, and of an excluded file no numbers."""
    place = request.place
    name = place.path or place.name or "a document"
    return name if request.outcome is Outcome.EXCLUDED else f"{name}:{place.line + 1}:{place.column + 1}"


def details_of(entry: Entry) -> Iterator[str]:
    """What a line for one request leaves out."""
    request, call = entry.request, entry.call
    if request.seconds and (not request.characters or request.outcome is Outcome.CACHE):
        yield f"answered after {_milliseconds(request.seconds)}"
    if request.characters:
        yield f"shown: {_counted(request.lines, 'line')}, {_counted(request.characters, 'character')}"
    if request.cut_by and request.characters:
        yield f"the rest was left out, because it {' and '.join(request.cut_by)}"
    if _brief(request.reason) != request.reason:
        yield request.reason
    if call is None:
        return
    first = f", first text after {_milliseconds(call.first_text)}" if call.first_text is not None else ""
    yield f"{call.model or call.backend} at {call.host}: {call.outcome} after {_milliseconds(call.seconds)}{first}"
    secrets = f", {_counted(call.masked, 'secret')} masked" if call.masked else ""
    files = ", ".join(f"{file.path or 'this document'} {file.size:,}" for file in call.files)
    yield f"sent {_counted(call.sent, 'byte')}{f' (text of {files})' if files else ''}{secrets}"


def to_json(entry: Entry) -> dict[str, Any]:
    """An entry for programs. Lines and columns count from 1, times are in milliseconds but for ``at``."""
    request, call = entry.request, entry.call
    return {
        "at": request.at,
        "path": request.place.path,
        "language": request.place.language,
        "line": request.place.line + 1,
        "column": request.place.column + 1,
        "trigger": "asked for" if request.explicit else "typed",
        "outcome": str(request.outcome),
        "backend": request.backend,
        "words": _in_words(entry),
        "reason": request.reason,
        "waited": round(1000 * request.waited),
        "took": round(1000 * request.seconds),
        "lines": request.lines,
        "characters": request.characters,
        "cut_by": list(request.cut_by),
        "count": entry.count,
        "call": None if call is None else _call_to_json(call),
    }


def _call_to_json(call: CallEnded) -> dict[str, Any]:
    return {
        "model": call.model,
        "host": call.host,
        "outcome": str(call.outcome),
        "error": call.error,
        "requests": call.requests,
        "sent": call.sent,
        "files": [{"path": file.path, "size": file.size} for file in call.files],
        "masked": call.masked,
        "first_text": None if call.first_text is None else round(1000 * call.first_text),
        "took": round(1000 * call.seconds),
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "cached_tokens": call.cached_tokens,
        "estimated": call.estimated,
    }


# -- events that were stored


def request_from(data: Mapping[str, Any]) -> RequestAnswered | None:
    """The reverse of storing an event as its fields; None for one of another version, whose fields or values differ."""
    try:
        place, cut_by = Place(**data["place"]), tuple(data["cut_by"])
        return RequestAnswered(**{**data, "place": place, "cut_by": cut_by, "outcome": Outcome(data["outcome"])})
    except (KeyError, TypeError, ValueError):
        return None


def call_from(data: Mapping[str, Any]) -> CallEnded | None:
    """The same for a call."""
    try:
        place, files = Place(**data["place"]), tuple(SentFile(**file) for file in data["files"])
        outcome, purpose = CallOutcome(data["outcome"]), CallPurpose(data["purpose"])
        return CallEnded(**{**data, "place": place, "files": files, "outcome": outcome, "purpose": purpose})
    except (KeyError, TypeError, ValueError):
        return None


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
